"""Texts as vectors, and which of them say nearly the same.

Shapes: n texts or items, F term columns, k main directions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described
from digest.rank.features import Matrix

Floats: TypeAlias = NDArray[np.float32]

FLOAT = np.float32  # of all products; what is counted in deviations is right to five digits
COMPARED = 4096  # texts, and pairs of them, at a time: bounds memory where a day says all the same
DENSE_ROWS = 128  # made dense at a time: bounds memory at DENSE_ROWS * terms of the items
NEARLY_SAME = 0.9  # cosine of words: one abstract announced twice, a few words changed
MARKS, ENOUGH_MARKS = 5, 3  # terms that weigh most; a text that says the same shares so many
TELLING_TERMS = 40  # words and pairs; two titles alone may be equal and the works not


class Texts:
    """n texts as vectors, with what multiplying them again and again needs, made once.

    Attributes:
        terms: [n, F], unit rows.
        latent: [n, k], the same in the corpus's main directions.
        unit: [n, k], likewise with terms evened out and unit rows again.
    """

    def __init__(self, terms: Matrix, latent: Floats, unit: Floats) -> None:
        self.terms, self.latent, self.unit = terms, latent, unit

    @cached_property
    def by_term(self) -> Matrix:
        """The terms turned over: [F, n]."""
        return self.terms.T.tocsr()

    @cached_property
    def shown(self) -> Matrix:
        """The terms that any of the texts shows, u of them, turned over: [u, n]."""
        by_term = self.by_term
        return by_term[np.flatnonzero(np.diff(by_term.indptr))]

    @cached_property
    def place(self) -> NDArray[np.int32]:
        """The row of each term in `shown`, -1 of others: [F]."""
        is_shown = np.diff(self.by_term.indptr) > 0
        return np.where(is_shown, np.cumsum(is_shown) - 1, -1).astype(np.int32)

    def limited(self, terms: Matrix) -> Matrix:
        """Give terms [P, F] in the columns of `shown`, for the others count nothing: [P, u]."""
        place = self.place.take(terms.indices)
        there = np.flatnonzero(place >= 0)
        ends = np.searchsorted(there, terms.indptr)
        shape = terms.shape[0], self.shown.shape[0]
        return sp.csr_matrix((terms.data.take(there), place.take(there), ends), shape=shape)

    @cached_property
    def directions(self) -> Floats:
        """What texts have in the main directions, plain and evened out, and 1: [2k + 1, n]."""
        one = np.ones((1, len(self.latent)), FLOAT)
        return np.vstack([self.latent.T, self.unit.T, one])

    @cached_property
    def marks(self) -> Matrix:
        """The few terms of each text that weigh most: [n, F], 1 each, more where they are fewer."""
        terms, counts = self.terms, np.diff(self.terms.indptr)
        rows = np.repeat(np.arange(len(counts)), counts)
        heaviest = np.lexsort((-terms.data, rows))
        rank = np.arange(terms.nnz) - np.repeat(terms.indptr[:-1], counts)
        kept = heaviest[rank < MARKS]
        there = np.minimum(counts, MARKS)
        each = -(-ENOUGH_MARKS // np.clip(there, 1, ENOUGH_MARKS))
        values = np.repeat(each, there).astype(np.int8)
        ends = np.cumsum([0, *there])
        return sp.csr_matrix((values, terms.indices[kept], ends), shape=terms.shape)

    @cached_property
    def shows(self) -> Matrix:
        """Which texts show each term, as 1: [F, n]."""
        by_term = self.by_term
        ones = np.ones(by_term.nnz, np.int8)
        return sp.csr_matrix((ones, by_term.indices, by_term.indptr), shape=by_term.shape)

    def ready(self) -> "Texts":
        """Give these texts, with what multiplying them needs made now."""
        for name in ("directions", "shown", "place"):
            getattr(self, name)
        return self

    def joined(self, more: "Texts") -> "Texts":
        """Give these texts and more."""
        return Texts(
            sp.vstack([self.terms, more.terms], format="csr"),
            np.vstack([self.latent, more.latent]),
            np.vstack([self.unit, more.unit]),
        )

    def take(self, rows: Sequence[int]) -> "Texts":
        """Give some rows."""
        return Texts(self.terms[rows], self.latent[rows], self.unit[rows])


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that count of a profile's terms.

    Attributes:
        corpus: [C, u], the terms of the corpus in them.
        items: whose terms they are; None = all of them count.
    """

    corpus: Matrix
    items: Texts | None = None

    @classmethod
    def of(cls, corpus: Texts, items: Texts) -> "Columns":
        """Give those that items show."""
        return cls(items.limited(corpus.terms), items)

    def take(self, terms: Matrix) -> Matrix:
        """Give terms [P, F] in these columns: [P, u]."""
        return terms if self.items is None else self.items.limited(terms)


def content_key(item: Described) -> tuple[object, ...]:
    """What likeness reads of an item: equal content has equal vectors, whatever its keys."""
    return item.title, item.summary, item.keywords


def near_duplicates(items: Texts) -> list[frozenset[int]]:
    """Find for each of n items the others that say nearly the same; short ones have none."""
    telling = np.flatnonzero(np.diff(items.terms.indptr) >= TELLING_TERMS)
    found: list[frozenset[int]] = [frozenset()] * items.terms.shape[0]
    others = items.terms[telling].T.tocsr()
    for start in range(0, len(telling), DENSE_ROWS):
        rows = telling[start : start + DENSE_ROWS]
        alike = (items.terms[rows] @ others).toarray() >= NEARLY_SAME
        for place, row in zip(rows.tolist(), alike, strict=True):
            found[place] = frozenset(telling[row].tolist()) - {place}
    return found


def nearly_same(some: Texts, items: Texts) -> Matrix:
    """Find which of s texts say nearly the same as which items, the shortest ones too: [s, n].

    Only those that share some of the terms that weigh most are compared.
    """
    found = [np.zeros((2, 0), np.intp)]
    for start in range(0, some.terms.shape[0], COMPARED):
        shared = some.marks[start : start + COMPARED] @ items.shows
        likely = np.flatnonzero(shared.data >= ENOUGH_MARKS)
        rows = start + np.searchsorted(shared.indptr, likely, side="right") - 1
        places = shared.indices[likely]
        for part in range(0, len(likely), COMPARED):
            pairs = np.array([rows[part : part + COMPARED], places[part : part + COMPARED]])
            said, shown = some.terms[pairs[0]], items.terms[pairs[1]]
            cosine = np.asarray(said.multiply(shown).sum(axis=1)).ravel()
            found.append(pairs[:, cosine >= NEARLY_SAME])
    same = np.concatenate(found, axis=1)
    shape = some.terms.shape[0], items.terms.shape[0]
    return sp.csr_matrix((np.ones(same.shape[1], np.bool_), (same[0], same[1])), shape=shape)
