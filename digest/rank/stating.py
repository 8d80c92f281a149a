"""What a batch of readers states, and where its texts are found.

Shapes: m readers with P profiles between them, S seeds (liked items and topics) in all,
C items of the corpus.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import attrgetter

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described, Feedback, ReasonKind
from digest.rank.kernel import Kernel
from digest.rank.profile import NO_INTEREST, Portrait, Profile
from digest.rank.texts import Floats, Texts, content_key

NAME_BYTES = 16
FORM = b"scaled"  # of what is kept under a name: another one, and it is made anew
EXAMPLE, FEEDBACK, TOPIC = KINDS = ReasonKind.EXAMPLE, ReasonKind.FEEDBACK, ReasonKind.TOPIC
_item = attrgetter("item")


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
    def of(
        cls, profiles: Sequence[Profile], kernel: Kernel, before: "Seeds | None" = None
    ) -> "Seeds":
        """Find every text of P profiles: in the corpus, or read anew, each once.

        Args:
            before: those of other profiles, which come first; they hold all that is not in
                the corpus.
        """
        texts: list[Described | str] = []
        keys: list[tuple[object, ...]] = []
        counts: list[float] = []
        sizes: list[int] = []
        for one in profiles:
            liked, weights, contents = one.liked
            if one.examples:
                texts += one.examples
                keys += map(content_key, one.examples)
                counts += (1.0,) * len(one.examples)
            texts += map(_item, liked)
            keys += contents
            counts += weights
            if one.topic:
                texts.append(one.topic)
                keys.append((one.topic,))
                counts.append(1.0)
            sizes += len(one.examples), len(liked), bool(one.topic)
        columns = np.fromiter(map(kernel.rows.get, keys, repeat(-1)), np.intp, len(keys))
        missing = np.flatnonzero(columns < 0).tolist()
        fresh = dict(before.fresh_columns(kernel)) if before and missing else {}
        read: list[Described | str] = []
        for place in missing:
            column = kernel.corpus.terms.shape[0] + len(fresh)
            columns[place] = fresh.setdefault(keys[place], column)
            if columns[place] == column:
                read.append(texts[place])
        kinds = np.tile(np.arange(len(KINDS), dtype=np.int8), len(profiles))
        found = cls(
            fresh=before.fresh if before else kernel.read(read),
            texts=texts,
            kinds=np.repeat(kinds, sizes),
            columns=columns,
            counts=np.array(counts, dtype=np.float32),
            ends=np.cumsum([0, *sizes])[:: len(KINDS)],
        )
        return before.followed_by(found) if before else found

    def followed_by(self, more: "Seeds") -> "Seeds":
        """Give these and more, whose fresh texts are these too."""
        return Seeds(
            fresh=self.fresh,
            texts=[*self.texts, *more.texts],
            kinds=np.concatenate([self.kinds, more.kinds]),
            columns=np.concatenate([self.columns, more.columns]),
            counts=np.concatenate([self.counts, more.counts]),
            ends=np.concatenate([self.ends, self.ends[-1] + more.ends[1:]]),
        )

    def fresh_columns(self, kernel: Kernel) -> Iterator[tuple[tuple[object, ...], int]]:
        """Give the content of what is not in the corpus, and its column."""
        for place in np.flatnonzero(self.columns >= kernel.corpus.terms.shape[0]).tolist():
            yield _key(self.texts[place]), int(self.columns[place])

    def weights(self, kernel: Kernel) -> sp.csr_matrix:
        """What each text counts in each profile: [P, C + fresh]."""
        width = kernel.corpus.terms.shape[0] + self.fresh.terms.shape[0]
        shape = (len(self.ends) - 1, width)
        return sp.csr_matrix((self.counts, self.columns, self.ends), shape=shape)

    def fingerprints(self, profiles: Sequence[int], kernel: Kernel) -> list[bytes]:
        """Name all that each of some profiles is made of, and the corpus too: 16 bytes."""
        is_known = self.columns < kernel.corpus.terms.shape[0]
        told = np.empty((len(self.columns), 2), np.int32)
        told[:, 0], told[:, 1] = np.where(is_known, self.columns, -1), self.counts.view(np.int32)
        said, size, ends = told.tobytes(), told.itemsize * 2, self.ends.tolist()
        new = np.flatnonzero(~is_known)
        news = np.searchsorted(new, self.ends).tolist()
        start = hashlib.blake2b(kernel.name, digest_size=NAME_BYTES, person=FORM)
        names = []
        for row in profiles:
            first, last = ends[row], ends[row + 1]
            name = start.copy()
            name.update(said[size * first : size * last])
            if news[row] < news[row + 1]:
                keys = [_key(self.texts[n]) for n in new[news[row] : news[row + 1]].tolist()]
                name.update(repr(keys).encode("utf-8", "replace"))
            names.append(name.digest())
        return names


@dataclass(frozen=True, slots=True)
class Stated:
    """A batch of readers.

    Attributes:
        profiles: P of them; those of a reader stand together.
        first: [m + 1], reader r has profiles first[r] up to first[r + 1].
        seeds: what they are made of.
        wary: [m], for a reader who dislikes something the row in `disliked`, else -1.
        disliked: likewise of one profile of each of these, of what is disliked.
    """

    portraits: Sequence[Portrait]
    profiles: Sequence[Profile]
    first: Sequence[int]
    seeds: Seeds
    wary: Sequence[int]
    disliked: Seeds

    @classmethod
    def of(
        cls, portraits: Sequence[Portrait], kernel: Kernel, before: "Stated | None" = None
    ) -> "Stated":
        """Find what m readers state.

        Args:
            before: other readers, who come first and state all that these do.
        """
        profiles = [profile for portrait in portraits for profile in portrait.profiles]
        wary = [one for one in portraits if one.disliked.verdicts]
        disliked = [NO_INTEREST._replace(liked=one.disliked) for one in wary]
        everybody = [*before.portraits, *portraits] if before else portraits
        row = iter(range(len(everybody)))
        return cls(
            portraits=everybody,
            profiles=[*before.profiles, *profiles] if before else profiles,
            first=[0, *accumulate(len(one.profiles) for one in everybody)],
            seeds=Seeds.of(profiles, kernel, before.seeds if before else None),
            wary=[next(row) if one.disliked.verdicts else -1 for one in everybody],
            disliked=Seeds.of(disliked, kernel, before.disliked if before else None),
        )

    @property
    def stated(self) -> NDArray[np.bool_]:
        """Which readers have profiles: [m]."""
        return np.diff(self.first) > 0

    @property
    def owner(self) -> NDArray[np.intp]:
        """Whose each profile is: [P]."""
        return np.repeat(np.arange(len(self.portraits)), np.diff(self.first))

    def said(self, profile: int) -> slice:
        """Say where the seeds of a profile stand."""
        return slice(*self.seeds.ends[profile : profile + 2].tolist())

    def profile_of(self, seed: int) -> int:
        """Say which profile a seed belongs to."""
        return int(np.searchsorted(self.seeds.ends, seed, side="right")) - 1

    def verdict(self, seed: int) -> Feedback:
        """Give the verdict that a seed is of."""
        number = self.profile_of(seed)
        profile = self.profiles[number]
        first = int(self.seeds.ends[number]) + len(profile.examples)
        return profile.liked.verdicts[seed - first]


def _key(text: Described | str) -> tuple[object, ...]:
    return (text,) if isinstance(text, str) else content_key(text)
