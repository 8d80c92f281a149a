"""Profiles of a batch of readers, made from what they state: for one corpus and any day.

Shapes: m readers with P profiles between them.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digest.rank.borrowed import Borrowed
from digest.rank.deviations import Blend
from digest.rank.features import BASIS_BYTES
from digest.rank.kernel import LEND_UP_TO, Kernel
from digest.rank.profile import Portrait
from digest.rank.stating import NAME_BYTES, Seeds, Stated

# Of readers, by their place in the batch: what each of their profiles borrows, by fingerprint.
Kept = dict[int, dict[bytes, Borrowed]]

SIZES = struct.Struct("<HH")  # rows that are borrowed, and main directions


@dataclass(frozen=True, slots=True)
class Made(Stated):
    """A batch of readers, their profiles made.

    Attributes:
        blend: the profiles, ready to be multiplied.
        against: likewise what is disliked.
    """

    blend: Blend
    against: Blend

    @classmethod
    def made_of(
        cls, stated: Stated, kernel: Kernel, kept: Kept | None = None, extra: int = 0
    ) -> "Made":
        """Make the profiles of m readers.

        Args:
            kept: what each reader's profiles borrowed before; afterwards, what these borrow.
            extra: of so many readers, the last ones, nothing is kept.
        """
        now = len(stated.portraits) - extra
        before = None if kept is None else [kept.pop(r, {}) for r in range(now)]
        disliking = np.flatnonzero(np.array(stated.wary) >= 0)
        return cls(
            portraits=stated.portraits,
            profiles=stated.profiles,
            first=stated.first,
            seeds=stated.seeds,
            wary=stated.wary,
            disliked=stated.disliked,
            blend=_blend(stated.seeds, kernel, stated.owner, before, kept, now),
            against=_blend(stated.disliked, kernel, disliking, before, kept, now),
        )

    def without(self, extra: int) -> "Made":
        """Give the readers but the last ones; `seeds` and the profiles stay."""
        if not extra:
            return self
        count = len(self.portraits) - extra
        return replace(
            self,
            portraits=self.portraits[:count],
            profiles=self.profiles[: self.first[count]],
            first=self.first[: count + 1],
            wary=self.wary[:count],
        )


def may_borrow(portrait: Portrait) -> bool:
    """True where so little speaks for one of a reader's profiles, or is disliked, that it may."""
    said = [sum(p.liked.weights) + len(p.examples) + bool(p.topic) for p in portrait.profiles]
    if portrait.disliked.weights:
        said.append(sum(portrait.disliked.weights))
    # What counts is summed in 32 bits there.
    return min(said, default=LEND_UP_TO) < 1.01 * LEND_UP_TO


def _blend(
    seeds: Seeds,
    kernel: Kernel,
    owner: NDArray[np.intp],
    before: Sequence[Mapping[bytes, Borrowed]] | None,
    kept: Kept | None,
    now: int,
) -> Blend:
    """Sum seeds to profiles, borrowing as before where all that a profile is made of is as before.

    Args:
        owner: the reader of each profile.
        now: so many readers; what the profiles of others borrow is sought one at a time.
    """
    weights = seeds.weights(kernel)
    few = int(np.searchsorted(owner, now))
    if before is None or kept is None:
        return kernel.blend(weights, seeds.fresh, {}, few)
    whose = owner.tolist()
    thin = [row for row in kernel.thin(weights) if row < few]
    names = dict(zip(thin, seeds.fingerprints(thin, kernel), strict=True))
    borrowed = {
        row: before[whose[row]][name] for row, name in names.items() if name in before[whose[row]]
    }
    blend = kernel.blend(weights, seeds.fresh, borrowed, few)
    for row, name in names.items():
        one = borrowed[row]
        if not one.basis:
            one = one._replace(basis=kernel.basis, damped=blend.damped[row])
        kept.setdefault(whose[row], {})[name] = one
    return blend


def pack(borrowed: Mapping[bytes, Borrowed]) -> bytes:
    """Pack what a reader's profiles borrow: of each its name, and what `Borrowed` says."""
    return b"".join(
        part
        for name, one in sorted(borrowed.items())
        for part in (
            name,
            one.basis,
            SIZES.pack(len(one.rows), len(one.damped)),
            one.rows.astype("<i4").tobytes(),
            one.counts.astype("<f4").tobytes(),
            one.damped.astype("<f4").tobytes(),
        )
    )


def unpack(packed: bytes) -> dict[bytes, Borrowed]:
    """Read what `pack` packed; nothing where it is cut short, for it can be made again."""
    found: dict[bytes, Borrowed] = {}
    start = 0
    while start < len(packed):
        head = start + NAME_BYTES + BASIS_BYTES
        if head + SIZES.size > len(packed):
            return {}
        count, wide = SIZES.unpack_from(packed, head)
        first = head + SIZES.size
        end = first + 8 * count + 4 * wide
        if end > len(packed):
            return {}
        name, basis = packed[start : start + NAME_BYTES], packed[start + NAME_BYTES : head]
        rows = np.frombuffer(packed, "<i4", count, first)
        numbers = np.frombuffer(packed, "<f4", count + wide, first + 4 * count)
        found[name] = Borrowed(rows, numbers[:count], basis, numbers[count:])
        start = end
    return found
