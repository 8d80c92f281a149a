"""Likes and what says nearly the same on a day: "more" never lowers its own near-duplicates.

A verdict changes what its profile borrows and how even it is, and lets older verdicts fade, by
which the reader may come to like even that a hair less.  So it counts at least as it did before
the newest verdicts on what says nearly the same: one more can only add to these.

Shapes: m readers with P profiles between them, n items of the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.rank.alike import Places
from digest.rank.day import Day
from digest.rank.making import Made
from digest.rank.profile import Portrait
from digest.rank.settings import Settings
from digest.rank.stating import FEEDBACK, KINDS, Stated
from digest.rank.texts import Floats, nearly_same

LIKED_ITSELF = 2.0  # what is added for an item that is liked itself, wherever it is seen again
PAIRS = 1_000_000  # looked at together: bounds memory where a day and likes say all the same
OLDEST = 4  # likes of one text that are looked at one by one; bounds the work


@dataclass(frozen=True, slots=True)
class Twins:
    """What is to be lifted.

    Attributes:
        former: readers as they were before some verdicts.
        least: which reader, for which items, counts at least as which of `former` does.
        again: profiles, and the items that are liked themselves under them.
    """

    former: list[Portrait] = field(default_factory=list)
    least: list[tuple[int, list[int], int]] = field(default_factory=list)
    again: list[tuple[int, Places]] = field(default_factory=list)


def find_twins(
    stated: Stated, day: Day, settings: Settings, asked: NDArray[np.bool_] | None
) -> Twins:
    """Find what says nearly the same as liked items.

    Args:
        asked: [m, n], which items matter to whom; None = all.
    """
    found = Twins()
    seeds = stated.seeds
    liked = np.flatnonzero(seeds.kinds == KINDS.index(FEEDBACK))
    if not len(liked):
        return found
    same = day.known
    if seeds.fresh.terms.shape[0]:
        same = sp.vstack([same, nearly_same(seeds.fresh, day.texts)], format="csr")
    counts = np.diff(same.indptr)[seeds.columns[liked]]
    liked, counts = liked[counts > 0], counts[counts > 0]
    readers = stated.owner[np.searchsorted(seeds.ends, liked, side="right") - 1]
    # As many readers at a time as have so many pairs of a like and an item.
    pairs = np.cumsum(counts)
    part = pairs[np.searchsorted(readers, readers, side="right") - 1] // PAIRS
    for number in np.unique(part).tolist():
        some = liked[part == number]
        alike = same[seeds.columns[some]].tocoo()
        some_pairs = _Pairs(some[alike.row], readers[part == number][alike.row], alike.col)
        if asked is not None:
            some_pairs = some_pairs.where(asked[some_pairs.readers, some_pairs.places])
        if len(some_pairs.likes):
            _seek_former(found, some_pairs, stated, settings)
            _seek_themselves(found, some_pairs, stated, day)
    return found


def lift(learned: Floats, against: Floats | None, made: Made, twins: Twins) -> None:
    """Lift what says nearly the same as liked items.

    Args:
        learned, against: [P, n] of all readers, and behind them of those of `twins.former`.
    """
    first, now = made.first, len(made.portraits) - len(twins.former)
    for reader, places, row in twins.least:
        own = slice(first[reader], first[reader + 1])
        then = slice(first[now + row], first[now + row + 1])
        least = learned[then, places]
        if against is not None:
            least = least - against[then, places] + against[own, places]
        learned[own, places] = np.maximum(learned[own, places], least)
    for profile, again in twins.again:
        learned[profile, again] += LIKED_ITSELF


class _Pairs(NamedTuple):
    """Pairs of a like and an item that says nearly the same: [t] each.

    Attributes:
        likes: places in the batch's seeds.
        readers: whose like it is.
        places: of the items.
    """

    likes: Places
    readers: Places
    places: Places

    def where(self, kept: NDArray[np.bool_]) -> "_Pairs":
        """Give some of them."""
        return _Pairs(*(part[kept] for part in self))

    def by_item(self) -> dict[tuple[int, bytes], list[int]]:
        """Give the places of items by reader and likes; many items have the same ones."""
        order = np.lexsort((self.likes, self.places, self.readers))
        likes, readers, places = (part[order] for part in self)
        is_new = np.diff(readers, prepend=-1) | np.diff(places, prepend=-1)
        starts = np.flatnonzero(is_new)
        found: dict[tuple[int, bytes], list[int]] = {}
        for group, start in zip(np.split(likes, starts[1:]), starts.tolist(), strict=True):
            key = int(readers[start]), group.tobytes()
            found.setdefault(key, []).append(int(places[start]))
        return found


def _seek_themselves(found: Twins, pairs: _Pairs, stated: Stated, day: Day) -> None:
    """Find the items that are liked themselves, wherever they are seen again."""
    place_of = {key: place for place, item in enumerate(day.items) for key in item.keys}
    for like in np.unique(pairs.likes).tolist():
        again = {place_of[key] for key in stated.verdict(like).item.keys if key in place_of}
        if again:
            nearly = pairs.places[pairs.likes == like]
            found.again.append((stated.profile_of(like), np.intersect1d(nearly, [*again])))


def _seek_former(found: Twins, pairs: _Pairs, stated: Stated, settings: Settings) -> None:
    """Find what readers were before the newest of some likes, or before them all."""
    rows: dict[tuple[int, frozenset[int]], int] = {}
    for (reader, likes), places in pairs.by_item().items():
        seeds: Sequence[int] = np.frombuffer(likes, np.intp).tolist()
        verdicts = sorted(map(stated.verdict, seeds), key=attrgetter("at"))
        for kept in {*range(min(len(verdicts), OLDEST)), len(verdicts) - 1}:
            left_out = verdicts[kept:]
            key = reader, frozenset(map(id, left_out))
            row = rows.get(key)
            if row is None:
                row = rows[key] = len(found.former)
                found.former.append(stated.portraits[reader].before(left_out, settings))
            found.least.append((reader, places, row))
