"""Which items a reader gets of those that scored: varied, shared out, and one from outside.

Shapes: m readers, n items of the day.  Nothing here takes a pick away without giving another
in its place.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.model import Item, Reader
from digest.rank.alike import Places
from digest.rank.day import Day
from digest.rank.evidence import NOTHING_AGAINST, Judged
from digest.rank.features import Array
from digest.rank.popularity import votes_since_yesterday
from digest.rank.settings import Settings
from digest.rank.varied import vary

EXPLORE_FROM = 5  # picks that a reader wants, from which on one may come from outside
OUTSIDERS = 3  # of so many, each reader and day gets one
OUTSIDERS_WORTH = 0.7  # of the best of them
RISING = 0.5  # of its votes an item won since yesterday


@dataclass(frozen=True, slots=True)
class Choice:
    """What one reader gets: places of the day's items, best first.

    Attributes:
        outside: the one of them that comes from outside the profile, if one does.
        others: the best of what had no place, near-duplicates folded.
    """

    places: list[int]
    outside: int | None = None
    others: tuple[int, ...] = ()


def choose(
    readers: Sequence[Reader],
    judged: Judged,
    allowed: NDArray[np.bool_],
    limit: int,
    settings: Settings,
) -> list[Choice]:
    """Choose every reader's picks.

    Args:
        readers: m of them, those of *judged*.
        allowed: [m, n]; False keeps an item from a reader.
        limit: picks of a reader who does not say how many; to others so many places and others.
    """
    possible = allowed & (judged.total > -np.inf)
    good = possible
    least = np.array([reader.minimum_score for reader in readers])[:, None]
    if (least > 0.0).any():
        good = possible & (judged.total >= np.where(least > 0.0, least, -np.inf))
    asked = [limit if reader.max_items is None else reader.max_items for reader in readers]
    wanted = np.minimum(asked, limit)
    chosen = vary(judged, good, wanted, settings)
    outsiders = _outsiders(readers, judged, possible, chosen, wanted)
    choices = []
    for row, places in enumerate(_best_first(chosen, judged.total)):
        others: tuple[int, ...] = ()
        if len(places) < limit:
            score = np.where(good[row], judged.total[row], -np.inf)
            others = _others(score, places, limit, judged.day)
        choices.append(Choice(places, outsiders.get(row), others))
    return choices


def why_outside(day: Day, place: int) -> str:
    """Say what speaks for an item from outside: "rising", "popular" or "new"."""
    item = day.items[place]
    votes = item.upvotes or 0
    if not votes:
        return "new"
    has_past = isinstance(item, Item) and len(item.votes_by_day) > 1
    rise = votes_since_yesterday(day.items)[place] or 0 if has_past else 0
    return "rising" if rise > RISING * votes else "popular"


def _others(score: Array, places: Sequence[int], limit: int, day: Day) -> tuple[int, ...]:
    """Give the highest scores beside *places*, so that there are *limit* of both."""
    others: list[int] = []
    taken = set(places)
    room = limit - len(places)
    for place in np.argsort(-score, kind="stable").tolist():
        if len(others) == room or not np.isfinite(score[place]):
            break
        if place not in taken and day.duplicates[place].isdisjoint(taken):
            others.append(place)
            taken.add(place)
    return tuple(others)


def _best_first(chosen: Places, total: Array) -> list[list[int]]:
    """Put each reader's choice [m, p] in the order of scores, equal ones in that of the items."""
    line = np.arange(len(chosen))[:, None]
    # What stands for none, -1, is put last.
    places = np.sort(np.where(chosen < 0, total.shape[1], chosen), axis=1)
    there = places < total.shape[1]
    score = np.where(there, total[line, np.where(there, places, 0)], -np.inf)
    ordered = places[line, np.argsort(-score, axis=1, kind="stable")].tolist()
    counts = there.sum(axis=1).tolist()
    return [row[:count] for row, count in zip(ordered, counts, strict=True)]


def _outsiders(
    readers: Sequence[Reader],
    judged: Judged,
    possible: NDArray[np.bool_],
    chosen: Places,
    wanted: Places,
) -> dict[int, int]:
    """Give those who explore an item from outside, in place of their last pick: by reader."""
    found = {}
    for row, reader in enumerate(readers):
        if not reader.explore or wanted[row] < EXPLORE_FROM:
            continue
        places = chosen[row][chosen[row] >= 0].tolist()
        if len(places) + 1 < EXPLORE_FROM:
            continue
        outside = _outside(reader, judged, row, possible[row], places)
        if outside is not None:
            chosen[row, min(len(places), int(wanted[row]) - 1)] = found[row] = outside
    return found


def _outside(
    reader: Reader, judged: Judged, row: int, possible: NDArray[np.bool_], places: Sequence[int]
) -> int | None:
    """Give an item that nothing in the profile speaks for or against: popular, or at least new."""
    start, end = judged.made.first[row], judged.made.first[row + 1]
    if start == end:
        return None
    heaviest = max(profile.weight for profile in judged.made.profiles[start:end])
    best = judged.evidence[start:end].max(axis=0)
    worst = judged.evidence[start:end].min(axis=0)
    far = possible & (best <= 0.0) & (worst > -NOTHING_AGAINST * heaviest)
    for place in places:
        far[[place, *judged.day.duplicates[place]]] = False
    outsiders = np.flatnonzero(far)
    if not len(outsiders):
        return None
    worth = judged.day.popularity[outsiders] + 0.1 * judged.day.recency[outsiders]
    order = np.argsort(-worth, kind="stable")[:OUTSIDERS]
    order = order[worth[order] >= OUTSIDERS_WORTH * worth[order[0]]]
    return int(outsiders[order[zlib.crc32(reader.salt.encode()) % len(order)]])
