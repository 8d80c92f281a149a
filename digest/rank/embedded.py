"""The default ranker with a sentence-embedding model beside it; without its answer, alone.

Vectors are made when a text is first ranked, at most for `budget` a call, and kept.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from digest.errors import EmbeddingError
from digest.model import Described, Item, Ranked, Reader, Verdict
from digest.protocols import EmbeddingModel, VectorShelf
from digest.rank.meaning import Meaning, content_id, text_of
from digest.rank.ranker import CorpusRanker

logger = logging.getLogger(__name__)

AT_ONCE = 64  # texts between two looks at the clock
HELD = 50_000  # vectors held in memory: 77 MB of 384 numbers
REFERENCE = 200  # ordinary items that a profile is measured against


@dataclass(slots=True)
class EmbeddedRanker:
    """A `Ranker` that blends two; see `digest.protocols.Ranker`.

    Attributes:
        reference: ordinary items; the first REFERENCE of them are used.
        weight: share of the model's word, 0 to 1.
        budget: time that one call may spend on texts never seen before.
    """

    default: CorpusRanker
    model: EmbeddingModel
    shelf: VectorShelf
    reference: Sequence[Described]
    weight: float
    budget: timedelta
    _held: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def scores(self, readers: Sequence[Reader], items: Sequence[Described]) -> NDArray[np.float64]:
        """Score n items for m readers: [m, n]; muted items are -inf."""
        return self.default.scores(readers, items, self._meaning(readers, items))

    def rank(
        self,
        readers: Sequence[Reader],
        items: Sequence[Item],
        eligible: NDArray[np.bool_],
        limit: int,
    ) -> list[list[Ranked]]:
        """Give each reader's best items with reasons, best first, at most *limit*."""
        meaning = self._meaning(readers, items)
        return self.default.rank(readers, items, eligible, limit, meaning)

    def _meaning(self, readers: Sequence[Reader], items: Sequence[Described]) -> Meaning:
        ordinary = [text_of(item) for item in self.reference[:REFERENCE]]
        wanted = chain(map(text_of, items), ordinary, map(text_of, _stated(readers)))
        texts = {content_id(text): text for text in wanted}
        if len(self._held) > HELD:
            self._held.clear()
        missing = [name for name in texts if name not in self._held]
        self._held |= _unpacked(self.shelf.load(self.model.name, missing))
        self._embed({name: texts[name] for name in missing if name not in self._held})
        known = [self._held[name] for name in map(content_id, ordinary) if name in self._held]
        reference = np.array(known) if known else np.zeros((0, 0), dtype=np.float32)
        return Meaning(weight=self.weight, vectors=self._held, reference=reference)

    def _embed(self, texts: Mapping[str, str]) -> None:
        """Embed what is new; what cannot be embedded now is ranked by the default alone."""
        names = list(texts)
        until = time.monotonic() + self.budget.total_seconds()
        for start in range(0, len(names), AT_ONCE):
            if time.monotonic() > until:
                logger.warning("texts not embedded for want of time: %d", len(names) - start)
                return
            part = names[start : start + AT_ONCE]
            try:
                rows = self.model.embed([texts[name] for name in part])
            except EmbeddingError as error:
                logger.warning("embedding model failed, the default ranks alone: %s", error)
                self.shelf.note(self.model.name, str(error))
                return
            made = dict(zip(part, rows.astype(np.float16), strict=True))
            self.shelf.save(self.model.name, {name: row.tobytes() for name, row in made.items()})
            self._held |= {name: row.astype(np.float32) for name, row in made.items()}
        if names:
            self.shelf.note(self.model.name, None)


def _stated(readers: Sequence[Reader]) -> Iterator[Described | str]:
    """Give what profiles are made of."""
    for reader in readers:
        yield from (given.item for given in reader.feedback if given.verdict is not Verdict.LESS)
        yield from chain.from_iterable(reader.examples.values())
        yield from (one.text.strip() or one.name for one in reader.interests)


def _unpacked(vectors: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    return {
        name: np.frombuffer(packed, dtype=np.float16).astype(np.float32)
        for name, packed in vectors.items()
    }
