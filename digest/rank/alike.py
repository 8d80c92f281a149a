"""How much items of a day resemble each other, so that picks can be varied.

Shapes: n items, m readers, K candidates a reader, k main directions.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from digest.rank.texts import Floats, Texts

ALL_PAIRS_UP_TO = 3_000  # items of a day: 36 MB
# Cosines of words, of two abstracts of a day that are on nothing in common, and on one topic; of
# main directions, which a small corpus does not have, such are about 0.1 and 0.7.
UNLIKE, ALIKE = 0.03, 0.15

Places = NDArray[np.intp]


class Alike:
    """The likeness of any two of n items, from 0 to 1; compared when first asked for.

    Args:
        by_words: compare words, for the corpus is too small to have main directions.
    """

    def __init__(self, texts: Texts, *, by_words: bool) -> None:
        self._texts, self._by_words = texts, by_words

    @cached_property
    def _pairs(self) -> Floats | None:
        """All of them, [n, n]; None where the items are too many for that."""
        texts = self._texts
        if self._by_words:
            pairs = (texts.terms @ texts.terms.T).toarray()
            pairs -= np.float32(UNLIKE)
            pairs /= np.float32(ALIKE - UNLIKE)
        elif len(texts.unit) <= ALL_PAIRS_UP_TO:
            pairs = texts.unit @ texts.unit.T
        else:
            return None
        return np.asarray(np.clip(pairs, 0.0, 1.0, out=pairs))

    def among(self, candidates: Places) -> Callable[[Places], Floats]:
        """Give what compares each reader's newest pick [m] with its candidates [m, K]: [m, K].

        What that gives is overwritten when it is asked again.
        """
        pairs, unit = self._pairs, self._texts.unit
        if pairs is None:
            gathered = unit[candidates]
            return lambda taken: np.clip(np.einsum("mKk,mk->mK", gathered, unit[taken]), 0.0, 1.0)
        where, found = np.empty_like(candidates), np.empty(candidates.shape, np.float32)

        def compare(taken: Places) -> Floats:
            np.add(candidates, taken[:, None] * len(pairs), out=where)
            # All are in range; "clip" spares numpy a copy.
            return pairs.take(where, out=found, mode="clip")

        return compare
