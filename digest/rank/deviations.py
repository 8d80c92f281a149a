"""How alike profiles and items are, in deviations above what ordinary items get.

Shapes: P profiles, n items, r ordinary ones among them, F term columns, k main directions.

Two likenesses are mixed: of words, by a ridge regression whose factorisation the corpus gives
once for all readers, and of main directions (LSA).  Each is counted in standard deviations above
what an ordinary item of the corpus would get from the same profile; so a value means the same
for every reader, and the mix does not depend on what else is announced that day.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from digest.rank.features import Array, Matrix
from digest.rank.texts import FLOAT, Floats, Texts

TOGETHER = 64  # profiles multiplied at a time
# Fewer do where the items are many: from so many numbers of these on, linear algebra sums rows of
# a block of 16 and of 64 alike, bit for bit.
FEWER, MANY = 16, 1_000_000
EVERY = slice(None)
PRIOR_ITEMS = 50  # the constants below count as so many items: they alone rule on day one
PRIOR_WORDS, PRIOR_TOPICS = 0.03, 0.15  # standard deviations seen in corpora of thousands


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
    damped: Floats
    unit: Floats
    topics: Floats

    def take(self, rows: slice) -> "Blend":
        """Give some rows that stand together, none of them copied."""
        ends = self.terms.indptr[rows.start : rows.stop + 1]
        where = slice(ends[0], ends[-1])
        own = (self.terms.data[where], self.terms.indices[where], ends - ends[0])
        terms = sp.csr_matrix(own, shape=(len(ends) - 1, self.terms.shape[1]))
        return Blend(terms, self.damped[rows], self.unit[rows], self.topics[rows])


def deviations(
    profiles: Blend,
    items: Texts,
    ordinary: range,
    *,
    wanted: slice = EVERY,
    singly: bool = False,
) -> Iterator[tuple[slice, Floats]]:
    """Say by how many deviations each item is more alike than the ordinary ones among them.

    Args:
        wanted: of which items.
        singly: multiply one at a time, which is faster for very few.

    Yields:
        Rows of the profiles, and of these [b, wanted].  They are multiplied in whole blocks,
        some rows empty at the end: so a profile gets the same sums alone and in any batch.
    """
    among = slice(ordinary.start, ordinary.stop, ordinary.step)
    directions = items.directions
    usual = directions[:, among].astype(np.float64)
    together = 1 if singly else TOGETHER
    block = FEWER if directions.size >= MANY else TOGETHER
    block = min(block, together)
    for start in range(0, profiles.terms.shape[0], together):
        rows = slice(start, start + together)
        some = profiles.take(rows)
        count = some.terms.shape[0]
        towards = np.zeros((-(-count // block) * block, len(directions)), FLOAT)
        words = _word_products(some.terms, items).T
        word_scale, towards[:count] = _measured(some, words[:, among], usual)
        found = (towards @ directions[:, wanted])[:count]
        found += np.multiply(words[:, wanted], word_scale, order="C")
        yield rows, found


def _measured(profiles: Blend, words: Floats, directions: Array) -> tuple[Floats, Floats]:
    """Measure profiles against r ordinary items.

    Args:
        words: [P, r], products of words.
        directions: [2k + 1, r], see `Texts.directions`.

    Returns:
        [P, 1], what one unit of words counts; [P, 2k + 1], what `directions` count.
    """
    rank = profiles.unit.shape[1]
    own = words - profiles.damped.astype(np.float64) @ directions[:rank]
    topics = profiles.unit.astype(np.float64) @ directions[rank:-1]
    share = own.shape[1] / (own.shape[1] + PRIOR_ITEMS)
    whole = 1.0 + profiles.topics
    word_scale = 1.0 / (whole * _deviation(own, PRIOR_WORDS, share))
    topic_scale = profiles.topics / (whole * _deviation(topics, PRIOR_TOPICS, share))
    usual = share * (_mean(own) * word_scale + _mean(topics) * topic_scale)
    towards = np.hstack((-profiles.damped * word_scale, profiles.unit * topic_scale, -usual))
    return word_scale.astype(FLOAT), towards.astype(FLOAT)


def _word_products(profiles: Matrix, items: Texts) -> Floats:
    """Multiply the terms of items with those of profiles: [n, P].

    Every sum runs in the order of the columns, whatever else is in the batch.
    """
    place = items.place.take(profiles.indices)
    there = np.flatnonzero(place >= 0)
    place = place.take(there)
    asked = np.zeros(items.shown.shape[0], dtype=np.bool_)
    asked[place] = True
    used = np.flatnonzero(asked)
    count = profiles.shape[0]
    line = np.repeat(np.arange(count), np.diff(profiles.indptr)).take(there)
    first = np.empty(len(asked), dtype=np.intp)
    first[used] = np.arange(0, len(used) * count, count)
    wanted = np.zeros(len(used) * count, FLOAT)
    wanted[first.take(place) + line] = profiles.data.take(there)
    return np.asarray(items.shown[used].T @ wanted.reshape(-1, count))


def _mean(found: Array) -> Array:
    return np.asarray(found.sum(axis=1, keepdims=True) / max(1, found.shape[1]))


def _deviation(found: Array, prior: float, share: float) -> Array:
    spread = ((found - _mean(found)) ** 2).sum(axis=1, keepdims=True) / max(1, found.shape[1])
    return np.asarray(np.sqrt(share * spread + (1.0 - share) * prior**2))
