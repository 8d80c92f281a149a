"""How alike profiles and items are, in deviations above what ordinary items get.

Shapes: P profiles, n items, r ordinary ones among them, F term columns, k main directions.

Two likenesses are mixed: of words, by a ridge regression whose factorisation the corpus gives
once for all readers, and of main directions (LSA).  Each is counted in standard deviations above
what an ordinary item of the corpus would get from the same profile; so a value means the same
for every reader, and the mix does not depend on what else is announced that day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from digest.rank.features import Array, Matrix
from digest.rank.texts import FLOAT, Floats, Texts

TOGETHER = 64  # profiles multiplied at a time
# Fewer do where the items are many: from so many numbers of these on, linear algebra sums rows of
# a block of 16 and of 64 alike, bit for bit.
FEWER, MANY = 16, 1_000_000
PRIOR_ITEMS = 50  # the constants below count as so many items: they alone rule on day one
PRIOR_WORDS, PRIOR_TOPICS = 0.03, 0.15  # standard deviations seen in corpora of thousands


@dataclass(frozen=True, slots=True)
class Blend:
    """P profiles, each the sum of its texts.

    Attributes:
        terms: [P, F], unit rows after evening out; of the columns that count, see `Columns`.
        scale: [P], what made them unit rows.
        damped: [P, k], what the ridge takes away of them.
        unit: [P, k], unit rows.
        topics: [P, 1], weight of main directions against 1 for words.
    """

    terms: Matrix
    scale: Floats
    damped: Floats
    unit: Floats
    topics: Floats

    def take(self, rows: slice) -> "Blend":
        """Give some rows that stand together, none of them copied."""
        if rows.start == 0 and rows.stop >= self.terms.shape[0]:
            return self
        ends = self.terms.indptr[rows.start : rows.stop + 1]
        where = slice(ends[0], ends[-1])
        own = (self.terms.data[where], self.terms.indices[where], ends - ends[0])
        terms = sp.csr_matrix(own, shape=(len(ends) - 1, self.terms.shape[1]))
        parts = self.scale[rows], self.damped[rows], self.unit[rows], self.topics[rows]
        return Blend(terms, *parts)


@dataclass(frozen=True, slots=True)
class Ordinary:
    """What r ordinary items show in the main directions.

    Attributes:
        rows: of the corpus.
        latent: [k, r], see `Texts.latent`; exact where what is measured is shared out then, for
            a share of little may be much of it.
        mean: [k], of their `Texts.unit`.
        spread: [k, k], mean products of what these are off their mean.
    """

    rows: range
    latent: Floats | Array
    mean: Array
    spread: Array

    @classmethod
    def of(cls, corpus: Texts, rows: range) -> "Ordinary":
        """Take some rows of a corpus, to be exact."""
        some = slice(rows.start, rows.stop, rows.step)
        unit = corpus.unit[some].astype(np.float64)
        mean = unit.sum(axis=0) / max(1, len(unit))
        unit -= mean
        latent = np.ascontiguousarray(corpus.latent[some].T, dtype=np.float64)
        return cls(rows, latent, mean, unit.T @ unit / max(1, len(unit)))

    def roughly(self) -> "Ordinary":
        """Give the same in 32 bits, which is faster."""
        return replace(self, latent=self.latent.astype(FLOAT))


def deviations(
    profiles: Blend,
    items: Texts,
    ordinary: Ordinary,
    *,
    among: slice,
    directions: Floats,
    at_once: int = TOGETHER,
) -> Iterator[tuple[slice, Floats]]:
    """Say by how many deviations each item is more alike than the ordinary ones among them.

    Args:
        profiles: their terms in the columns of `items.shown`.
        among: where the ordinary ones stand.
        directions: [2k + 1, w], of the last w items, which are asked for; see `Texts`.
        at_once: profiles that are given together; 1 is faster for very few.

    Yields:
        Rows of the profiles, and of these [b, w].  They are multiplied in whole blocks,
        some rows empty at the end: so a profile gets the same sums alone and in any batch.
    """
    block = min(at_once, FEWER if directions.size >= MANY else TOGETHER)
    for start in range(0, profiles.terms.shape[0], at_once):
        rows = slice(start, start + at_once)
        some = profiles.take(rows)
        count = some.terms.shape[0]
        towards = np.zeros((-(-count // block) * block, len(directions)), FLOAT)
        found = np.empty((count, directions.shape[1]), FLOAT)
        for first in range(0, count, TOGETHER):
            part = slice(first, first + TOGETHER)
            own = some.take(part)
            words = _word_products(own.terms, items.shown).T
            word_scale = _measured(own, words[:, among], ordinary, towards[part])
            np.multiply(words[:, words.shape[1] - found.shape[1] :], word_scale, out=found[part])
        found += (towards @ directions)[:count]
        yield rows, found


def _measured(profiles: Blend, words: Floats, ordinary: Ordinary, towards: Floats) -> Floats:
    """Measure profiles against r ordinary items.

    Args:
        words: [P, r], products of words.
        towards: [P or more, 2k + 1], 0; what `Texts.directions` count is put there.

    Returns:
        [P, 1], what one unit of words counts.
    """
    count, rank = profiles.unit.shape
    towards[:count, :rank] = profiles.damped
    own = words - (towards[:, :rank] @ ordinary.latent)[:count]
    size = own.shape[1]
    mean = own.sum(axis=1, dtype=np.float64, keepdims=True) / max(1, size)
    own -= mean.astype(own.dtype)
    square = np.einsum("Pr,Pr->P", own, own)[:, None].astype(np.float64) / max(1, size)
    unit = profiles.unit.astype(np.float64)
    topic_square = ((unit @ ordinary.spread) * unit).sum(axis=1, keepdims=True)
    share = size / (size + PRIOR_ITEMS)
    whole = 1.0 + profiles.topics
    word_scale = 1.0 / (whole * _deviation(square, PRIOR_WORDS, share))
    topic_scale = profiles.topics / (whole * _deviation(topic_square, PRIOR_TOPICS, share))
    usual = share * (mean * word_scale + (unit @ ordinary.mean)[:, None] * topic_scale)
    towards[:count, :rank] *= -word_scale
    towards[:count, rank:-1] = profiles.unit * topic_scale
    towards[:count, -1:] = -usual
    return word_scale.astype(FLOAT)


def _word_products(profiles: Matrix, items: Matrix) -> Floats:
    """Multiply the terms of items [u, n] with those of profiles [P, u]: [n, P].

    Every sum runs in the order of the columns, whatever else is in the batch.
    """
    asked = np.zeros(items.shape[0], dtype=np.bool_)
    asked[profiles.indices] = True
    used = np.flatnonzero(asked)
    count = profiles.shape[0]
    line = np.repeat(np.arange(count), np.diff(profiles.indptr))
    first = np.empty(len(asked), dtype=np.intp)
    first[used] = np.arange(0, len(used) * count, count)
    wanted = np.zeros(len(used) * count, FLOAT)
    wanted[first.take(profiles.indices) + line] = profiles.data
    return np.asarray(items[used].T @ wanted.reshape(-1, count))


def _deviation(square: Array, prior: float, share: float) -> Array:
    return np.asarray(np.sqrt(share * square + (1.0 - share) * prior**2))
