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
from numpy.typing import NDArray

from digest.rank.features import Array, Matrix
from digest.rank.texts import FLOAT, Floats, Texts

TOGETHER = 64  # profiles multiplied at a time
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

    def take(self, rows: NDArray[np.intp] | slice) -> "Blend":
        """Give some rows."""
        return Blend(self.terms[rows], self.damped[rows], self.unit[rows], self.topics[rows])


def deviations(profiles: Blend, items: Texts, ordinary: range) -> Iterator[tuple[slice, Floats]]:
    """Say by how many deviations each item is more alike than the ordinary ones among them.

    Yields:
        Rows of the profiles, and of these [b, n].  As many are multiplied every time, some of
        them empty at the end: so a profile gets the same sums alone and in any batch.
    """
    among = slice(ordinary.start, ordinary.stop, ordinary.step)
    directions = items.directions
    usual = directions[:, among].astype(np.float64)
    towards = np.zeros((TOGETHER, len(directions)), FLOAT)
    for start in range(0, profiles.terms.shape[0], TOGETHER):
        rows = slice(start, start + TOGETHER)
        some = profiles.take(rows)
        count = some.terms.shape[0]
        words = _word_products(some.terms, items).T
        word_scale, towards[:count] = _measured(some, words[:, among], usual)
        found = towards @ directions
        found[:count] += np.multiply(words, word_scale, order="C")
        yield rows, found[:count]


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
    shown = items.shown[profiles.indices]
    asked = np.zeros(profiles.shape[1], dtype=np.bool_)
    asked[profiles.indices[shown]] = True
    used = np.flatnonzero(asked)
    place = np.empty(profiles.shape[1], dtype=np.intp)
    place[used] = np.arange(len(used))
    rows = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
    wanted = np.zeros((len(used), profiles.shape[0]), FLOAT)
    wanted[place[profiles.indices[shown]], rows[shown]] = profiles.data[shown]
    return np.asarray(items.by_term[used].T @ wanted)


def _mean(found: Array) -> Array:
    return np.asarray(found.sum(axis=1, keepdims=True) / max(1, found.shape[1]))


def _deviation(found: Array, prior: float, share: float) -> Array:
    spread = ((found - _mean(found)) ** 2).sum(axis=1, keepdims=True) / max(1, found.shape[1])
    return np.asarray(np.sqrt(share * spread + (1.0 - share) * prior**2))
