"""Puts together what ranks: the default ranker, and an embedding model where one is set up."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from digest import __version__
from digest.config import EmbeddingSettings, Settings, embedding_key
from digest.errors import ConfigError, DigestError
from digest.model import Item, Reader
from digest.protocols import Clock, EmbeddingModel, Ranker
from digest.store import embeddings, fits, items, profiles
from digest.store.database import Database
from digest.store.fits import Fit

if TYPE_CHECKING:
    from digest.rank.ranker import CorpusRanker
    from digest.rank.settings import Settings as RankSettings

logger = logging.getLogger(__name__)

# Items that the ranker learns its term statistics from.
CORPUS_ITEMS = 20_000
# The statistics are made anew when the store has grown by this share since,
CORPUS_GROWTH = 0.1
# or after so long, if anything came,
FIT_AGE = timedelta(days=7)
# or when new items have drifted: on goldstandard 1.1 to 1.4 in the same years, 1.4 to 1.8 within
# two years, 1.7 to 2.2 after six and for another community, 4 for another field.
DRIFT = 2.0
DRIFT_ITEMS = 200
# Up to so many items a fit takes under a second, and digests wait for it.
SMALL_CORPUS = 1_000
# Readers whose profiles are made for the next version at a time.
TOGETHER = 200


@dataclass(frozen=True, slots=True)
class Held:
    """The ranker of one version."""

    fit: Fit
    default: "CorpusRanker"
    ranker: Ranker


class CurrentRanker:
    """Holds the ranker of the newest version, and makes the next one beside it.

    A version is a list of items in the store, so that all processes rank alike.  A process that
    has none yet makes one at once; later ones are made in a thread, and the one before serves
    until they are ready.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        readers: Callable[[Sequence[str]], Sequence[Reader]] | None = None,
    ) -> None:
        self._database = database
        self._readers = readers
        self._settings = settings
        self._clock = clock
        self._shelf = Shelf(database, clock)
        self._held: Held | None = None
        self._lock = threading.Lock()
        self._maker: threading.Thread | None = None

    def __call__(self) -> Ranker:
        """Give a ranker whose term statistics come from the stored items."""
        with self._lock:
            held = self._held
            if held is None or self._is_small():
                held = self._held = self._renewed(held)
            elif not (self._maker and self._maker.is_alive()) and self._is_outdated(held):
                self._maker = threading.Thread(target=self._renew, daemon=True)
                self._maker.start()
            return held.ranker

    @property
    def version(self) -> int:
        """Give the version at hand, 0 before the first one."""
        return self._held.fit.version if self._held else 0

    def wait(self) -> None:
        """Wait until the version that is being made is ready, if one is."""
        if maker := self._maker:
            maker.join()

    def _is_small(self) -> bool:
        with self._database.read() as connection:
            return items.count_items(connection) <= SMALL_CORPUS

    def _is_outdated(self, held: Held) -> bool:
        with self._database.read() as connection:
            if fits.newest_version(connection) != held.fit.version:
                return True
        return self._needs_fit(held.fit, held)

    def _renew(self) -> None:
        try:
            before = self._held
            held = self._renewed(before)
            if before and held is not before:
                self._project(before, held)
            self._held = held
        except DigestError as error:
            logger.warning("ranker not made anew, the one before goes on: %s", error)

    def _renewed(self, held: Held | None) -> Held:
        """Give the ranker of the newest version, which is made where it is due."""
        with self._database.read() as connection:
            fit = fits.newest_fit(connection)
        known = held if fit and held and held.fit == fit else None
        if fit is None or self._needs_fit(fit, known):
            fit = self._choose(fit)
        if held and held.fit == fit:
            return held
        with self._database.read() as connection:
            found = items.get_items(connection, fit.item_ids)
        corpus = [found[item_id] for item_id in fit.item_ids if item_id in found]
        logger.debug("ranker made: version=%d items=%d", fit.version, len(corpus))
        return self._fitted(fit, corpus)

    def _project(self, before: Held, held: Held) -> None:
        """Make the profiles kept for one version anew for the next, while that one serves."""
        last = ""
        while self._readers:
            with self._database.read() as connection:
                ids = profiles.kept_after(connection, before.fit.version, last, TOGETHER)
            if not ids:
                return
            held.default.prepare(self._readers(ids))
            last = ids[-1]

    def _needs_fit(self, fit: Fit, held: Held | None) -> bool:
        """Tell whether what is stored has left a version behind; drift is asked of *held*."""
        if fit.constants != self._constants():
            return True
        with self._database.read() as connection:
            count = items.count_items(connection)
            if count == fit.stored:
                return False
            if count > fit.stored * (1 + CORPUS_GROWTH):
                return True
            if self._clock() - fit.at >= FIT_AGE:
                return True
            newest = items.recent_items(connection, DRIFT_ITEMS) if held else []
        if held is None or len(newest) < DRIFT_ITEMS:
            return False
        known = set(fit.item_ids)
        return held.default.drift([one for one in newest if one.id not in known]) > DRIFT

    def _choose(self, before: Fit | None) -> Fit:
        """Choose the items of the next version, and give the one that stands in the store."""
        with self._database.write() as connection:
            corpus = items.recent_items(connection, CORPUS_ITEMS)
            wanted = Fit(
                version=before.version + 1 if before else 1,
                at=self._clock(),
                constants=self._constants(),
                stored=items.count_items(connection),
                item_ids=tuple(item.id for item in corpus),
            )
            fits.add_fit(connection, wanted)
            return fits.newest_fit(connection) or wanted

    def _ranking(self) -> "RankSettings":
        # More than half of what a command would import, and few commands rank.
        from digest.rank.settings import Settings as RankSettings

        chosen = self._settings.digest
        return RankSettings(
            diversity=chosen.diversity,
            interest_share=chosen.interest_share,
            source_share=chosen.source_share,
            half_life=chosen.feedback_half_life,
        )

    def _constants(self) -> str:
        """Name what the statistics depend on beside the items: another program, other settings."""
        said = f"{__version__} {self._ranking()!r}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def _fitted(self, fit: Fit, corpus: Sequence[Item]) -> Held:
        from digest import rank
        from digest.rank.embedded import REFERENCE, EmbeddedRanker

        extra = self._settings.embeddings
        # What profiles borrow of a small corpus is found as soon as read.
        shelf = ProfilesKept(self._database, fit.version) if len(corpus) > SMALL_CORPUS else None
        default = rank.fit(corpus, self._ranking(), shelf)
        if extra is None:
            return Held(fit, default, default)
        try:
            model = model_of(extra)
        except ConfigError as error:
            logger.error("embedding model cannot be used, the default ranks alone: %s", error)
            self._shelf.note(str(extra.folder or extra.url), str(error))
            return Held(fit, default, default)
        blended = EmbeddedRanker(
            default=default,
            model=model,
            shelf=self._shelf,
            reference=corpus[:: max(1, len(corpus) // REFERENCE)],
            weight=extra.weight,
            budget=extra.budget,
        )
        return Held(fit, default, blended)


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
class ProfilesKept:
    """A `ProfileShelf` in the database, for one version."""

    database: Database
    version: int

    def load(self, readers: Sequence[str]) -> Mapping[str, bytes]:
        """Give what is kept of readers."""
        with self.database.read() as connection:
            return profiles.load_profiles(connection, self.version, readers)

    def save(self, borrowed: Mapping[str, bytes]) -> None:
        """Keep it."""
        with self.database.write() as connection:
            profiles.save_profiles(connection, self.version, borrowed)


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
