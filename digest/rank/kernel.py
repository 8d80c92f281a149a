"""Likeness of any two texts: what a liked item says of a new one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described
from digest.rank.features import Features, Matrix, Space, unit_rows
from digest.rank.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Texts:
    """n texts as vectors.

    Attributes:
        terms: [n, F], unit rows.
        latent: [n, k], the same in the corpus's main directions.
        unit: [n, k], likewise with unit rows.
    """

    terms: Matrix
    latent: Array
    unit: Array

    def __len__(self) -> int:
        return int(self.terms.shape[0])


class Kernel:
    """Likeness learned from a corpus: words, damped where they are generic, and topics."""

    def __init__(self, corpus: Sequence[Described], settings: Settings) -> None:
        self.features = Features(corpus, settings)
        self._space = Space.of(self.features.corpus, settings)
        self._latent = settings.latent
        self._row = {content_key(item): row for row, item in enumerate(corpus)}

    def of(self, texts: Sequence[Described | str]) -> Texts:
        """Read items or plain words; items of the corpus are not read again."""
        rows = [None if isinstance(t, str) else self._row.get(content_key(t)) for t in texts]
        unknown = [text for text, row in zip(texts, rows, strict=True) if row is None]
        terms = _interleave(self.features.corpus, rows, self.features.matrix(unknown))
        latent = self._space.project(terms)
        return Texts(terms, latent, unit_rows(latent))

    def likeness(self, seeds: Texts, items: Texts) -> Array:
        """Say how much each of S seeds speaks for each of n items: [S, n].

        About 1 for a text and itself, about 0 for strangers, a little below 0 where only
        generic words are shared.
        """
        shared = (seeds.terms @ items.terms.T).toarray()
        generic = (seeds.latent * self._space.damping) @ items.latent.T
        topics = seeds.unit @ items.unit.T
        mixed = shared - generic + self._latent * topics
        return np.asarray(mixed / (1.0 + self._latent))


def content_key(item: Described) -> tuple[object, ...]:
    """What likeness reads of an item: equal content has equal vectors, whatever its keys."""
    return item.title, item.summary, item.keywords


def _interleave(known: Matrix, rows: Sequence[int | None], fresh: Matrix) -> Matrix:
    """Take a row of *known* where one is named, else the next row of *fresh*."""
    order, next_fresh = np.empty(len(rows), dtype=np.intp), known.shape[0]
    for place, row in enumerate(rows):
        order[place] = next_fresh if row is None else row
        next_fresh += row is None
    return sp.vstack([known, fresh], format="csr")[order]
