"""Profiles of a batch of readers, made from what they state: for one corpus and any day.

Shapes: m readers with P profiles between them, S seeds (liked items and topics) in all,
C items of the corpus.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, repeat
from operator import attrgetter

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described, Feedback, ReasonKind
from digest.rank.deviations import Blend
from digest.rank.kernel import LEND_UP_TO, Borrowed, Kernel
from digest.rank.profile import NO_INTEREST, Portrait, Profile
from digest.rank.texts import Floats, Texts, content_key

# Of readers, by their place in the batch: what each of their profiles borrows, by fingerprint.
Kept = dict[int, dict[bytes, Borrowed]]

NAME_BYTES = 16
_item = attrgetter("item")
EXAMPLE, FEEDBACK, TOPIC = KINDS = ReasonKind.EXAMPLE, ReasonKind.FEEDBACK, ReasonKind.TOPIC


@dataclass(frozen=True, slots=True)
class Seeds:
    """What the profiles of a batch are made of.

    Attributes:
        fresh: the distinct texts that the corpus does not hold.
        texts: [S], liked items and topics; profile p has those of ends[p] to ends[p + 1].
        kinds: [S], place in KINDS of what each is; those of a profile stand in this order.
        columns: [S], which text each is: corpus row, or C + place in `fresh`.
        counts: [S], how much each counts.
    """

    fresh: Texts
    texts: Sequence[Described | str]
    kinds: NDArray[np.int8]
    columns: NDArray[np.intp]
    counts: Floats
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, profiles: Sequence[Profile], kernel: Kernel) -> "Seeds":
        """Find every text of P profiles: in the corpus, or read anew, each once."""
        texts: list[Described | str] = []
        counts: list[float] = []
        sizes: list[int] = []
        for one in profiles:
            liked, weights = one.liked
            texts += one.examples
            texts += map(_item, liked)
            counts += (1.0,) * len(one.examples)
            counts += weights
            if one.topic:
                texts.append(one.topic)
                counts.append(1.0)
            sizes += len(one.examples), len(liked), bool(one.topic)
        keys = [(one,) if isinstance(one, str) else content_key(one) for one in texts]
        columns = np.fromiter(map(kernel.rows.get, keys, repeat(-1)), np.intp, len(keys))
        first_fresh = kernel.corpus.terms.shape[0]
        fresh: dict[tuple[object, ...], int] = {}
        read: list[Described | str] = []
        for place in np.flatnonzero(columns < 0).tolist():
            columns[place] = column = fresh.setdefault(keys[place], first_fresh + len(read))
            if column == first_fresh + len(read):
                read.append(texts[place])
        kinds = np.tile(np.arange(len(KINDS), dtype=np.int8), len(profiles))
        return cls(
            fresh=kernel.read(read),
            texts=texts,
            kinds=np.repeat(kinds, sizes),
            columns=columns,
            counts=np.array(counts, dtype=np.float32),
            ends=np.cumsum([0, *sizes])[:: len(KINDS)],
        )

    def weights(self, kernel: Kernel) -> sp.csr_matrix:
        """What each text counts in each profile: [P, C + fresh]."""
        width = kernel.corpus.terms.shape[0] + self.fresh.terms.shape[0]
        shape = (len(self.ends) - 1, width)
        return sp.csr_matrix((self.counts, self.columns, self.ends), shape=shape)

    def fingerprints(self, profiles: Sequence[int], kernel: Kernel) -> list[bytes]:
        """Name all that each of some profiles is made of, and the corpus too: 16 bytes."""
        is_known = self.columns < kernel.corpus.terms.shape[0]
        columns, counts = np.where(is_known, self.columns, -1), self.counts
        names = []
        ends = self.ends.tolist()
        for start, end in ((ends[row], ends[row + 1]) for row in profiles):
            new = [] if is_known[start:end].all() else np.flatnonzero(~is_known[start:end]).tolist()
            said = [self.texts[start + place] for place in new]
            told = [one if isinstance(one, str) else content_key(one) for one in said]
            name = hashlib.blake2b(kernel.name, digest_size=NAME_BYTES)
            name.update(columns[start:end].tobytes())
            name.update(counts[start:end].tobytes())
            name.update(repr(told).encode("utf-8", "replace"))
            names.append(name.digest())
        return names


@dataclass(frozen=True, slots=True)
class Made:
    """A batch of readers.

    Attributes:
        profiles: P of them; those of a reader stand together.
        first: [m + 1], reader r has profiles first[r] up to first[r + 1].
        row: of the first profile in `seeds` and `blend`, which a part shares with its batch.
        blend: the profiles, ready to be multiplied.
        wary: [m], for a reader who dislikes something the row in `against`, else -1.
        against: one profile of each of these, of what is disliked.
    """

    portraits: Sequence[Portrait]
    profiles: Sequence[Profile]
    first: Sequence[int]
    row: int
    seeds: Seeds
    blend: Blend
    wary: Sequence[int]
    against: Blend

    @classmethod
    def of(
        cls,
        portraits: Sequence[Portrait],
        kernel: Kernel,
        kept: Kept | None = None,
        *,
        singly: bool = False,
    ) -> "Made":
        """Make the profiles of m readers.

        Args:
            kept: what each reader's profiles borrowed before; afterwards, what these borrow.
            singly: seek what they borrow for one at a time, which is faster for very few.
        """
        profiles = [profile for portrait in portraits for profile in portrait.profiles]
        seeds = Seeds.of(profiles, kernel)
        owner = [r for r, portrait in enumerate(portraits) for _ in portrait.profiles]
        disliking = [r for r, portrait in enumerate(portraits) if portrait.disliked.verdicts]
        wary = [-1] * len(portraits)
        for row, reader in enumerate(disliking):
            wary[reader] = row
        disliked = [replace(NO_INTEREST, liked=portraits[r].disliked) for r in disliking]
        against = Seeds.of(disliked, kernel)
        before = None if kept is None else [kept.pop(r, {}) for r in range(len(portraits))]
        return cls(
            portraits=portraits,
            profiles=profiles,
            first=[0, *accumulate(len(portrait.profiles) for portrait in portraits)],
            row=0,
            seeds=seeds,
            blend=_blend(seeds, kernel, owner, before, kept, singly=singly),
            wary=wary,
            against=_blend(against, kernel, disliking, before, kept, singly=singly),
        )

    @property
    def stated(self) -> NDArray[np.bool_]:
        """Which readers have profiles: [m]."""
        return np.diff(self.first) > 0

    @property
    def ends(self) -> NDArray[np.intp]:
        """Where the seeds of each profile begin, and those of the last one end: [P + 1]."""
        return self.seeds.ends[self.row : self.row + len(self.profiles) + 1]

    def part(self, readers: slice) -> "Made":
        """Give some of the readers, who stand together."""
        if (readers.start, readers.stop) == (0, len(self.portraits)):
            return self
        first = self.first[readers.start : readers.stop + 1]
        start, end = first[0], first[-1]
        wary = self.wary[readers]
        rows = [row for row in wary if row >= 0]
        number = iter(range(len(rows)))
        return Made(
            portraits=self.portraits[readers],
            profiles=self.profiles[start:end],
            first=[one - start for one in first],
            row=self.row + start,
            seeds=self.seeds,
            blend=self.blend.take(slice(start, end)),
            wary=[next(number) if row >= 0 else -1 for row in wary],
            against=self.against.take(slice(rows[0], rows[-1] + 1) if rows else slice(0)),
        )

    def said(self, profile: int) -> slice:
        """Say where the seeds of a profile stand."""
        return slice(*self.ends[profile : profile + 2].tolist())

    def profile_of(self, seed: int) -> int:
        """Say which profile a seed belongs to."""
        return int(np.searchsorted(self.ends, seed, side="right")) - 1

    def verdict(self, seed: int) -> Feedback:
        """Give the verdict that a seed is of."""
        number = self.profile_of(seed)
        profile = self.profiles[number]
        nth = seed - int(self.ends[number]) - len(profile.examples)
        return profile.liked.verdicts[nth]


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
    owner: Sequence[int],
    before: Sequence[Mapping[bytes, Borrowed]] | None,
    kept: Kept | None,
    *,
    singly: bool,
) -> Blend:
    """Sum seeds to profiles, borrowing as before where all that a profile is made of is as before.

    Args:
        owner: the reader of each profile.
    """
    weights = seeds.weights(kernel)
    if before is None or kept is None:
        return kernel.blend(weights, seeds.fresh, singly=singly)
    thin = kernel.thin(weights)
    names = dict(zip(thin, seeds.fingerprints(thin, kernel), strict=True))
    borrowed = {
        row: before[owner[row]][name] for row, name in names.items() if name in before[owner[row]]
    }
    blend = kernel.blend(weights, seeds.fresh, borrowed, singly=singly)
    for row, name in names.items():
        kept.setdefault(owner[row], {})[name] = borrowed[row]
    return blend


def pack(borrowed: Mapping[bytes, Borrowed]) -> bytes:
    """Pack what a reader's profiles borrow: name, number of rows, rows and counts of each."""
    return b"".join(
        part
        for name, one in sorted(borrowed.items())
        for part in (
            name,
            struct.pack("<H", len(one.rows)),
            one.rows.astype("<i4").tobytes(),
            one.counts.astype("<f4").tobytes(),
        )
    )


def unpack(packed: bytes) -> dict[bytes, Borrowed]:
    """Read what `pack` packed; nothing where it is cut short, for it can be made again."""
    found: dict[bytes, Borrowed] = {}
    start = 0
    while start < len(packed):
        name, start = packed[start : start + NAME_BYTES], start + NAME_BYTES
        if start + 2 > len(packed):
            return {}
        [count] = struct.unpack_from("<H", packed, start)
        if start + 2 + 8 * count > len(packed):
            return {}
        rows = np.frombuffer(packed, "<i4", count, start + 2)
        counts = np.frombuffer(packed, "<f4", count, start + 2 + 4 * count)
        found[name] = Borrowed(rows, counts)
        start += 2 + 8 * count
    return found
