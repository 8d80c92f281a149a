"""Puts together what ranks: the default ranker, and an embedding model where one is set up."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digest.config import EmbeddingSettings, Settings, embedding_key
from digest.errors import ConfigError
from digest.model import Item
from digest.protocols import Clock, EmbeddingModel, Ranker
from digest.store import embeddings, items
from digest.store.database import Database

logger = logging.getLogger(__name__)

# Items that the ranker learns its term statistics from.
CORPUS_ITEMS = 20_000
# The statistics are made anew when the store has grown by this share since.
CORPUS_GROWTH = 0.1


class CurrentRanker:
    """Holds the ranker fitted last, and fits a new one when the store has outgrown it."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._shelf = Shelf(database, clock)
        self._ranker: Ranker | None = None
        self._fitted_items = 0

    def __call__(self) -> Ranker:
        """Give a ranker whose term statistics come from the stored items."""
        with self._database.read() as connection:
            count = items.count_items(connection)
            if self._ranker and count <= self._fitted_items * (1 + CORPUS_GROWTH):
                return self._ranker
            corpus = items.recent_items(connection, CORPUS_ITEMS)
        self._ranker = self._fit(corpus)
        self._fitted_items = count
        return self._ranker

    def _fit(self, corpus: Sequence[Item]) -> Ranker:
        # More than half of what a command would import, and few commands rank.
        from digest import rank
        from digest.rank.embedded import REFERENCE, EmbeddedRanker

        chosen, extra = self._settings.digest, self._settings.embeddings
        settings = rank.Settings(
            diversity=chosen.diversity,
            interest_share=chosen.interest_share,
            source_share=chosen.source_share,
            half_life=chosen.feedback_half_life,
        )
        default = rank.fit(corpus, settings)
        if extra is None:
            return default
        try:
            model = model_of(extra)
        except ConfigError as error:
            logger.error("embedding model cannot be used, the default ranks alone: %s", error)
            self._shelf.note(str(extra.folder or extra.url), str(error))
            return default
        return EmbeddedRanker(
            default=default,
            model=model,
            shelf=self._shelf,
            reference=corpus[:: max(1, len(corpus) // REFERENCE)],
            weight=extra.weight,
            budget=extra.budget,
        )


def model_of(chosen: EmbeddingSettings) -> EmbeddingModel:
    """Make the embedding model that the settings name.

    Raises:
        ConfigError: the folder holds none that can be read, or the key's file is missing.
    """
    # Only those who set a model up pay for its imports.
    if chosen.folder:
        from digest.embed.bert import BertModel

        return BertModel(chosen.folder)
    from digest.embed.endpoint import EndpointModel

    return EndpointModel(
        chosen.url or "", chosen.model, key=embedding_key(chosen), timeout=chosen.timeout
    )


@dataclass(frozen=True, slots=True)
class Shelf:
    """A `VectorShelf` in the database."""

    database: Database
    clock: Clock

    def load(self, model: str, contents: Sequence[str]) -> Mapping[str, bytes]:
        """Give the vectors that are known."""
        with self.database.read() as connection:
            return embeddings.load_vectors(connection, model, contents)

    def save(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors."""
        with self.database.write() as connection:
            embeddings.save_vectors(connection, model, vectors, self.clock())

    def note(self, model: str, error: str | None) -> None:
        """Note how the model just did."""
        with self.database.write() as connection:
            embeddings.note_model(connection, model, error, self.clock())
