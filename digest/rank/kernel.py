"""Learned likeness: how much a profile's liked texts and topic speak for a new item.

Shapes: P profiles, n items, C items of the corpus, F term columns, k main directions.

A profile is the weighted sum of its texts.  Two likenesses are mixed: of words, by a ridge
regression whose factorisation the corpus gives once for all readers, and of main directions
(LSA).  Each is counted in standard deviations above what an ordinary item of the corpus
would get from the same profile; so a value means the same for every reader, and the mix does
not depend on what else is announced that day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described
from digest.rank.features import UNSEEN_COLUMNS, Array, Features, Matrix, Space, unit_rows
from digest.rank.settings import Settings

REFERENCE_ITEMS = 400  # ordinary items that profiles are measured against
PRIOR_ITEMS = 50  # the constants below count as so many items: they alone rule on day one
PRIOR_WORDS, PRIOR_TOPICS = 0.03, 0.15  # standard deviations seen in corpora of thousands
FEW_LIKES = 3.0  # up to so many likes a profile is thin
LEND_UP_TO = 5.0  # likes from which on a profile borrows nothing
LEND_ABOVE = 1.5  # a neighbour is that many deviations more alike than an ordinary item
DENSE_FASTER = 8  # a step of a sparse product takes about so many of a dense one
DENSE_ROWS = 128  # made dense at a time: bounds memory at DENSE_ROWS * terms of the items
NEARLY_SAME = 0.9  # cosine of words: one abstract announced twice, a few words changed
TELLING_TERMS = 40  # words and pairs; two titles alone may be equal and the works not
LEAST_NEW = 0.01  # new terms are always so much of a text
SMALL_CORPUS = 200  # items under which main directions say little


class Texts:
    """n texts as vectors, with what multiplying them again and again needs, made once.

    Attributes:
        terms: [n, F], unit rows.
        latent: [n, k], the same in the corpus's main directions.
        unit: [n, k], likewise with unit rows.
    """

    def __init__(self, terms: Matrix, latent: Array, unit: Array) -> None:
        self.terms, self.latent, self.unit = terms, latent, unit

    @cached_property
    def by_term(self) -> Matrix:
        """The terms turned over: [F, n]."""
        return self.terms.T.tocsr()

    @cached_property
    def shown_by(self) -> NDArray[np.intp]:
        """How many of the texts show each term: [F]."""
        return np.asarray(np.diff(self.by_term.indptr))

    @cached_property
    def narrow(self) -> tuple[NDArray[np.intp], Matrix]:
        """The columns of the terms that the texts show, and the texts in these alone."""
        used = np.flatnonzero(self.shown_by)
        return used, self.by_term[used].T.tocsr()

    @cached_property
    def directions(self) -> Array:
        """What a text has in the main directions, plain and of unit length, and 1: [n, 2k + 1]."""
        return np.hstack([self.latent, self.unit, np.ones((self.latent.shape[0], 1))])

    @cached_property
    def coarse_directions(self) -> NDArray[np.float32]:
        """The directions at half the cost, where a millionth does not count."""
        return self.directions.astype(np.float32)

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
class Blend:
    """P profiles, each the sum of its texts.

    Attributes:
        terms: [P, F], unit rows after evening out.
        damped: [P, k], what the ridge takes away of them.
        unit: [P, k], unit rows.
        topics: [P, 1], weight of main directions against 1 for words.
    """

    terms: Matrix
    damped: Array
    unit: Array
    topics: Array

    def joined(self, more: "Blend") -> "Blend":
        """Give these profiles and more."""
        return Blend(
            sp.vstack([self.terms, more.terms], format="csr"),
            np.vstack([self.damped, more.damped]),
            np.vstack([self.unit, more.unit]),
            np.vstack([self.topics, more.topics]),
        )

    def take(self, rows: NDArray[np.intp]) -> "Blend":
        """Give some rows."""
        return Blend(self.terms[rows], self.damped[rows], self.unit[rows], self.topics[rows])


class Kernel:
    """What a corpus teaches about likeness."""

    def __init__(self, corpus: Sequence[Described], settings: Settings) -> None:
        self._settings = settings
        self._features = Features(corpus, settings)
        self._space = Space.of(self._features.corpus, settings)
        self._row = {content_key(item): row for row, item in enumerate(corpus)}
        self.corpus = self._texts(self._features.corpus)
        step = max(1, len(corpus) // REFERENCE_ITEMS)
        self._reference = self.corpus.take(range(0, len(corpus), step)[:REFERENCE_ITEMS])

    def drift(self, items: Sequence[Described]) -> float:
        """Say how much more items say in terms new to the corpus than they may be expected to.

        1.0 is what Good and Turing expect of more of the same: as much as terms of one item
        have in the corpus itself.  0.0 without items.

        Source: Good 1953, Biometrika 40(3-4), 237-264.
        """
        corpus, terms = self._features.corpus, self._features.matrix(items)
        if not terms.shape[0] or not corpus.shape[0]:
            return 0.0
        shown_by = np.bincount(corpus.indices, minlength=corpus.shape[1])
        shown_by[-UNSEEN_COLUMNS:] = 0
        expected = _weight(corpus, shown_by < 2)
        return _weight(terms, shown_by < 1) / max(expected, LEAST_NEW)

    def row(self, item: Described) -> int | None:
        """Give the corpus row whose content an item has; None where there is none."""
        return self._row.get(content_key(item))

    def read(self, texts: Sequence[Described | str]) -> Texts:
        """Read items or plain words as vectors; what the corpus holds is not read again."""
        rows = [None if isinstance(text, str) else self.row(text) for text in texts]
        fresh = [text for text, row in zip(texts, rows, strict=True) if row is None]
        known = self.corpus.terms.shape[0]
        places = iter(range(known, known + len(fresh)))
        order = [next(places) if row is None else row for row in rows]
        read = self._texts(self._features.matrix(fresh))
        return self.corpus.joined(read).take(order) if len(fresh) < len(order) else read

    def blend(self, weights: Matrix, fresh: Texts) -> Blend:
        """Sum texts to profiles.

        Args:
            weights: [P, C + f], at least 0: what each text of the corpus, then each fresh
                one, counts.
        """
        likes = np.asarray(weights.sum(axis=1)).reshape(-1, 1)
        blended = self._blend(weights, fresh, likes)
        thin = np.flatnonzero((likes[:, 0] > 0) & (likes[:, 0] < LEND_UP_TO))
        if not len(thin) or self.corpus.terms.shape[0] < SMALL_CORPUS:
            return blended
        lent = self._neighbours(blended.take(thin), weights[thin], likes[thin, 0])
        order = np.arange(len(likes))
        order[thin] = len(likes) + np.arange(len(thin))
        return blended.joined(self._blend(weights[thin] + lent, fresh, likes[thin])).take(order)

    def likeness(self, profiles: Blend, items: Texts) -> Array:
        """Say by how many deviations each item is more alike than an ordinary one: [P, n]."""
        word_scale, towards = self._measured(profiles)
        found = _products(profiles.terms, items, np.empty(_pairs(profiles, items)))
        found *= word_scale
        found += towards @ items.directions.T
        return np.asarray(found)

    def _coarse_likeness(self, profiles: Blend, items: Texts) -> NDArray[np.float32]:
        """Say the same to five digits, at half the cost."""
        word_scale, towards = self._measured(profiles)
        found = _products(profiles.terms, items, np.empty(_pairs(profiles, items), np.float32))
        found *= word_scale.astype(np.float32)
        found += towards.astype(np.float32) @ items.coarse_directions.T
        return np.asarray(found)

    def _measured(self, profiles: Blend) -> tuple[Array, Array]:
        """Measure profiles against ordinary items.

        Returns:
            [P, 1], what one unit of words counts; [P, 2k + 1], what `Texts.directions` count.
        """
        words, topics = self._raw(profiles, self._reference)
        share = words.shape[1] / (words.shape[1] + PRIOR_ITEMS)
        whole = 1.0 + profiles.topics
        word_scale = 1.0 / (whole * _deviation(words, PRIOR_WORDS, share))
        topic_scale = profiles.topics / (whole * _deviation(topics, PRIOR_TOPICS, share))
        usual = share * (_mean(words) * word_scale + _mean(topics) * topic_scale)
        towards = (-profiles.damped * word_scale, profiles.unit * topic_scale, -usual)
        return word_scale, np.hstack(towards)

    def resemblance(
        self, columns: Sequence[int], fresh: Texts, items: Texts, places: Sequence[int]
    ) -> Array:
        """Compare s texts, named as in `blend`, with items: [s, places], from 0 to about 1."""
        known = self.corpus.terms.shape[0]
        if known < SMALL_CORPUS:
            terms = sp.vstack([self.corpus.terms, fresh.terms], format="csr")[columns]
            return np.asarray((terms @ items.terms[places].T).toarray())
        unit = [self.corpus.unit[c] if c < known else fresh.unit[c - known] for c in columns]
        return np.asarray(np.array(unit) @ items.unit[places].T)

    def _texts(self, terms: Matrix) -> Texts:
        latent = self._space.project(terms)
        return Texts(terms, latent, unit_rows(latent))

    def _blend(self, weights: Matrix, fresh: Texts, likes: Array) -> Blend:
        known, new = weights[:, : self.corpus.terms.shape[0]], weights[:, -fresh.terms.shape[0] :]
        if not fresh.terms.shape[0]:
            new = sp.csr_matrix((weights.shape[0], 0))
        terms = (known.astype(np.float32) @ self.corpus.terms).tocsr()
        terms = (terms + new.astype(np.float32) @ fresh.terms).tocsr()
        thinness = FEW_LIKES / np.maximum(likes, FEW_LIKES)
        of_few, evenness = self._settings.evenness_of_few, self._settings.evenness
        power = evenness + (of_few - evenness) * thinness[:, 0]
        terms.data **= np.repeat(power, np.diff(terms.indptr)).astype(np.float32)
        terms = unit_rows(terms)
        latent = known @ self.corpus.unit + new @ fresh.unit
        return Blend(
            terms=terms,
            damped=self._space.project(terms) * self._space.damping,
            unit=unit_rows(np.asarray(latent)),
            topics=self._settings.topics + self._settings.topics_of_few * thinness,
        )

    def _neighbours(self, profiles: Blend, weights: Matrix, likes: Array) -> Matrix:
        """Lend thin profiles the items of the corpus that they like best: [P, C + f].

        Source: pseudo-relevance feedback; Lavrenko and Croft 2001, SIGIR, 120-127.
        """
        gain = self._coarse_likeness(profiles, self.corpus)
        own = weights[:, : gain.shape[1]].tocoo()
        gain[own.row, own.col] = 0.0
        places, lent = zip(*(self._lent(row) for row in gain), strict=True)
        counts = [len(found) for found in places]
        whole = self._settings.borrowed * np.minimum(1.0, FEW_LIKES / likes) ** 2
        values = np.concatenate(lent) * np.repeat(whole, counts)
        ends = np.cumsum([0, *counts])
        return sp.csr_matrix((values, np.concatenate(places), ends), shape=weights.shape)

    def _lent(self, gain: NDArray[np.float32]) -> tuple[NDArray[np.intp], Array]:
        """Find the items that a profile likes best, and their shares, which sum to 1.

        A share is measured from the best item that is not lent, so a hair's breadth between
        two items is one between their shares too, and none of it comes from rounding.
        """
        wanted = self._settings.neighbours
        above = np.flatnonzero(gain > LEND_ABOVE)
        least = LEND_ABOVE
        if len(above) > wanted:
            least = -np.partition(-gain[above], wanted)[wanted]
            above = above[gain[above] > least]
        lent = gain[above] - least
        return above, lent / max(lent.sum(), 1e-9)

    def _raw(self, profiles: Blend, items: Texts) -> tuple[Array, Array]:
        words = _products(profiles.terms, items, np.empty(_pairs(profiles, items)))
        words -= profiles.damped @ items.latent.T
        return words, profiles.unit @ items.unit.T


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


def _weight(texts: Matrix, columns: NDArray[np.bool_]) -> float:
    """Give the mean share of texts' squared weights that stands in some columns."""
    found = texts.data[columns[texts.indices]].astype(np.float64)
    return float((found**2).sum() / texts.shape[0])


def content_key(item: Described) -> tuple[object, ...]:
    """What likeness reads of an item: equal content has equal vectors, whatever its keys."""
    return item.title, item.summary, item.keywords


def _pairs(profiles: Blend, items: Texts) -> tuple[int, int]:
    return profiles.terms.shape[0], items.terms.shape[0]


def _products(profiles: Matrix, items: Texts, found: Any) -> Any:  # noqa: ANN401 - either width
    """Multiply the terms of P profiles with those of n items, into *found*: [P, n].

    A row is multiplied as a dense one where that is the shorter way.  The choice looks at that
    row alone, so a profile gets the same sums in every batch.
    """
    steps = np.add.reduceat(np.append(items.shown_by[profiles.indices], 0), profiles.indptr[:-1])
    steps[np.diff(profiles.indptr) == 0] = 0
    full = np.flatnonzero(DENSE_FASTER * steps > items.terms.nnz)
    thin = np.flatnonzero(DENSE_FASTER * steps <= items.terms.nnz)
    if len(thin):
        found[thin] = (profiles[thin] @ items.by_term).toarray()
    for start in range(0, len(full), DENSE_ROWS):
        rows = full[start : start + DENSE_ROWS]
        used, narrow = items.narrow
        found[rows] = (narrow @ profiles[rows][:, used].T.toarray(order="C")).T
    return found


def _mean(found: Array) -> Array:
    if not found.shape[1]:
        return np.zeros((found.shape[0], 1))
    return np.asarray(found.mean(axis=1, keepdims=True))


def _deviation(found: Array, prior: float, share: float) -> Array:
    spread = ((found - _mean(found)) ** 2).sum(axis=1, keepdims=True) / max(1, found.shape[1])
    return np.asarray(np.sqrt(share * spread + (1.0 - share) * prior**2))
