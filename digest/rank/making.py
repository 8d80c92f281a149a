"""Profiles of a batch of readers, made from what they state: for one corpus and any day.

Shapes: m readers with P profiles between them.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digest.rank.costly import NOTHING, Costly
from digest.rank.deviations import Blend
from digest.rank.features import BASIS_BYTES
from digest.rank.kernel import Kernel
from digest.rank.stating import NAME_BYTES, Seeds, Stated
from digest.rank.texts import Columns

# Of readers, by their place in the batch: what is costly of each of their profiles, by fingerprint.
Kept = dict[int, dict[bytes, Costly]]

SIZES = struct.Struct("<HHf")  # rows that are borrowed, main directions, and the scale


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
        cls,
        stated: Stated,
        kernel: Kernel,
        kept: Kept | None = None,
        extra: int = 0,
        columns: Columns | None = None,
    ) -> "Made":
        """Make the profiles of m readers.

        Args:
            kept: what was costly of each reader's profiles before; afterwards, what is of these.
            extra: of so many readers, the last ones, nothing is kept.
            columns: the terms that count; None = all.
        """
        now = len(stated.portraits) - extra
        before = None if kept is None else [kept.pop(r, {}) for r in range(now)]
        asked = before, kept, now, columns
        disliking = np.flatnonzero(np.array(stated.wary) >= 0)
        return cls(
            portraits=stated.portraits,
            profiles=stated.profiles,
            first=stated.first,
            seeds=stated.seeds,
            wary=stated.wary,
            disliked=stated.disliked,
            blend=_blend(stated.seeds, kernel, stated.owner, *asked),
            against=_blend(stated.disliked, kernel, disliking, *asked),
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


def _blend(
    seeds: Seeds,
    kernel: Kernel,
    owner: NDArray[np.intp],
    before: Sequence[Mapping[bytes, Costly]] | None,
    kept: Kept | None,
    now: int,
    columns: Columns | None,
) -> Blend:
    """Sum seeds to profiles, with what was costly where all that one is made of is as before.

    Args:
        owner: the reader of each profile.
        now: so many readers; what the profiles of others borrow is sought one at a time.
    """
    weights = seeds.weights(kernel)
    few = int(np.searchsorted(owner, now))
    if before is None or kept is None:
        return kernel.blend(weights, seeds.fresh, {}, few, columns)
    whose = owner.tolist()
    told = np.flatnonzero(np.diff(seeds.ends[: few + 1])).tolist()
    names = dict(zip(told, seeds.fingerprints(told, kernel), strict=True))
    known = {
        row: before[whose[row]][name] for row, name in names.items() if name in before[whose[row]]
    }
    blend = kernel.blend(weights, seeds.fresh, known, few, columns)
    for row, name in names.items():
        one = known.get(row, NOTHING)
        if not one.basis:
            one = one._replace(
                basis=kernel.basis, damped=blend.damped[row], scale=float(blend.scale[row])
            )
        kept.setdefault(whose[row], {})[name] = one
    return blend


def pack(costly: Mapping[bytes, Costly]) -> bytes:
    """Pack what is costly of a reader's profiles: of each its name, and what `Costly` says."""
    return b"".join(
        part
        for name, one in sorted(costly.items())
        for part in (
            name,
            one.basis,
            SIZES.pack(len(one.rows), len(one.damped), one.scale),
            one.rows.astype("<i4").tobytes(),
            one.counts.astype("<f4").tobytes(),
            one.damped.astype("<f4").tobytes(),
        )
    )


def unpack(packed: bytes) -> dict[bytes, Costly]:
    """Read what `pack` packed; nothing where it is cut short, for it can be made again."""
    found: dict[bytes, Costly] = {}
    start = 0
    while start < len(packed):
        head = start + NAME_BYTES + BASIS_BYTES
        first = head + SIZES.size
        if first > len(packed):
            return {}
        count, wide, scale = SIZES.unpack_from(packed, head)
        end = first + 8 * count + 4 * wide
        if end > len(packed):
            return {}
        name, basis = packed[start : start + NAME_BYTES], packed[start + NAME_BYTES : head]
        numbers = np.frombuffer(packed, "<f4", count + wide, first + 4 * count)
        found[name] = Costly(
            rows=np.frombuffer(packed, "<i4", count, first) if count else NOTHING.rows,
            counts=numbers[:count],
            basis=basis,
            damped=numbers[count:],
            scale=scale,
        )
        start = end
    return found
