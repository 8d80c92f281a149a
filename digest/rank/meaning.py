"""Likeness of meaning: vectors of a sentence-embedding model beside the default likeness.

Shapes: P profiles, n items of the day, r ordinary items, d numbers a vector.

Like the default likeness it is counted in deviations above what ordinary items get from the
same profile, so that the two can be averaged.  Where a vector is missing, of an item or of all
that a profile is made of, the default stands alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digest.model import Described
from digest.rank.words import MAX_CHARACTERS

Array = NDArray[np.float64]

PRIOR_ITEMS = 50  # the constants below count as so many ordinary items
PRIOR_MEAN, PRIOR_DEVIATION = 0.15, 0.12  # of cosines, seen with MiniLM on unlike abstracts


def text_of(item: Described | str) -> str:
    """Give what a model reads of an item."""
    if isinstance(item, str):
        return item
    return f"{item.title}. {item.summary[:MAX_CHARACTERS]}" if item.summary else item.title


def content_id(text: str) -> str:
    """Name a text: equal texts have one vector, whatever item shows them."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Meaning:
    """The vectors at hand.

    Attributes:
        weight: share of this likeness where both are there, 0 to 1.
        vectors: unit vectors by `content_id`, all of one length.
        reference: [r, d], of ordinary items.
    """

    weight: float = 0.0
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    reference: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def blend(
        self,
        likeness: NDArray[np.float32],
        profiles: Sequence[Sequence[tuple[Described | str, float]]],
        items: Sequence[Described],
    ) -> NDArray[np.float32]:
        """Average the default likeness [P, n] with that of meaning.

        Args:
            profiles: of each its texts and what they count.
        """
        if not self.weight or not self.vectors:
            return likeness
        shown = [self._vector(item) for item in items]
        known = np.flatnonzero([one is not None for one in shown])
        wishes = [self._sum(profile) for profile in profiles]
        speaking = np.flatnonzero([one is not None for one in wishes])
        if not len(known) or not len(speaking):
            return likeness
        day = np.array([one for one in shown if one is not None], dtype=np.float64)
        wanted = np.array([one for one in wishes if one is not None], dtype=np.float64)
        found = self._deviations(wanted, wanted @ day.T)
        mixed = likeness.copy()
        block = np.ix_(speaking, known)
        mixed[block] = (1.0 - self.weight) * likeness[block] + self.weight * found
        return mixed

    def _deviations(self, wanted: Array, cosines: Array) -> Array:
        ordinary = wanted @ self.reference.T.astype(np.float64) if self.reference.size else None
        count = 0 if ordinary is None else ordinary.shape[1]
        share = count / (count + PRIOR_ITEMS)
        mean, spread = np.full((len(wanted), 1), PRIOR_MEAN), PRIOR_DEVIATION**2
        variance = np.full((len(wanted), 1), spread)
        if ordinary is not None:
            seen = ordinary.mean(axis=1, keepdims=True)
            mean = share * seen + (1.0 - share) * mean
            variance = share * ordinary.var(axis=1, keepdims=True) + (1.0 - share) * variance
        return np.asarray((cosines - mean) / np.sqrt(variance))

    def _sum(self, profile: Sequence[tuple[Described | str, float]]) -> Array | None:
        found = [(self._vector(text), weight) for text, weight in profile]
        parts = [
            weight * vector.astype(np.float64) for vector, weight in found if vector is not None
        ]
        if not parts:
            return None
        total = np.sum(parts, axis=0)
        length = float(np.sqrt(total @ total))
        return np.asarray(total / length) if length > 0.0 else None

    def _vector(self, text: Described | str) -> NDArray[np.float32] | None:
        found = self.vectors.get(content_id(text_of(text)))
        # A model that was exchanged under its name leaves vectors of another length behind.
        fits = not self.reference.size or found is None or found.shape == self.reference[0].shape
        return found if fits else None


NO_MEANING = Meaning()
