"""Which items a reader gets of those that scored: varied, shared out, and one from outside.

Shapes: m readers, n items of the day, K candidates a reader (its highest scores), k directions.
Picks are taken one after the other.  A candidate counts for less the more it resembles what
is taken (maximal marginal relevance, as a discount), near-duplicates of what is taken do not
count at all, and an interest or a source that has its share gives way to another one that has
something to say.  Nothing here takes a pick away without giving another in its place.

Source: Carbonell and Goldstein 1998, SIGIR, 335-336.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.model import Item, Reader
from digest.rank.evidence import NOTHING_AGAINST, Day, Judged
from digest.rank.kernel import SMALL_CORPUS, Kernel
from digest.rank.popularity import votes_since_yesterday
from digest.rank.settings import Settings

Array = NDArray[np.float64]
Places = NDArray[np.intp]

CANDIDATES_A_PICK = 4  # so many of the highest scores compete for each pick
LEAST_CANDIDATES = 40
ALL_PAIRS_UP_TO = 3_000  # items of a day: 36 MB
AT_ONCE = 8_000_000  # numbers of candidates' directions held at a time: 32 MB
SCORE_STEP = 1e-10  # scores are rounded to it
# Cosines of words, of two abstracts of a day that are on nothing in common, and on one topic; of
# main directions, which a small corpus does not have, such are about 0.1 and 0.7.
UNLIKE, ALIKE = 0.03, 0.15
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
    kernel: Kernel,
    settings: Settings,
) -> list[Choice]:
    """Choose every reader's picks.

    Args:
        readers: m of them, those of *judged*.
        allowed: [m, n]; False keeps an item from a reader.
        limit: picks of a reader who does not say how many; to others so many places and others.
    """
    possible = allowed & np.isfinite(judged.total)
    least = np.array([reader.minimum_score for reader in readers])[:, None]
    good = possible & (judged.total >= np.where(least > 0.0, least, -np.inf))
    asked = [limit if reader.max_items is None else reader.max_items for reader in readers]
    wanted = np.minimum(asked, limit)
    chosen = _varied(judged, good, wanted, kernel, settings)
    choices = []
    for row, (reader, places) in enumerate(zip(readers, chosen, strict=True)):
        outside = None
        if reader.explore and wanted[row] >= EXPLORE_FROM and len(places) + 1 >= EXPLORE_FROM:
            outside = _outside(reader, judged, row, possible[row], places)
        if outside is not None:
            places = [*places[: wanted[row] - 1], outside]
        score = judged.total[row]
        others: tuple[int, ...] = ()
        if len(places) < limit:
            others = _others(np.where(good[row], score, -np.inf), places, limit, judged.day)
        reached = dict(zip(places, score[places].tolist(), strict=True))
        best_first = sorted(sorted(places), key=reached.__getitem__, reverse=True)
        choices.append(Choice(best_first, outside, others))
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


def _varied(
    judged: Judged, good: NDArray[np.bool_], wanted: Places, kernel: Kernel, settings: Settings
) -> list[list[int]]:
    rows, found = good.shape
    if not found or not wanted.any():
        return [[] for _ in range(rows)]
    wide = min(found, max(CANDIDATES_A_PICK * int(wanted.max()), LEAST_CANDIDATES))
    size = max(1, AT_ONCE // (wide * max(1, kernel.corpus.unit.shape[1])))
    likeness = _Likeness(judged.day, kernel)
    chosen: list[list[int]] = []
    for start in range(0, rows, size):
        part = range(start, min(start + size, rows))
        round_ = _Round(judged, good, wanted, likeness, settings)
        chosen += round_.run(part, wide)
    # Near-duplicates may use up a reader's candidates: all items compete then.
    available = good.sum(axis=1)
    for row in np.flatnonzero([len(p) for p in chosen] < np.minimum(wanted, available)).tolist():
        if available[row] > wide:
            [chosen[row]] = _Round(judged, good, wanted, likeness, settings).run([row], found)
    return chosen


class _Likeness:
    """How much items of a day resemble each other, from 0 to 1."""

    def __init__(self, day: Day, kernel: Kernel) -> None:
        self._unit = day.texts.unit
        self._alike: NDArray[np.float32] | None = None
        if kernel.corpus.terms.shape[0] < SMALL_CORPUS:
            terms = day.texts.terms
            self._alike = ((terms @ terms.T).toarray() - UNLIKE) / (ALIKE - UNLIKE)
        elif len(self._unit) <= ALL_PAIRS_UP_TO:
            self._alike = self._unit @ self._unit.T
        if self._alike is not None:
            np.clip(self._alike, 0.0, 1.0, out=self._alike)

    def among(self, candidates: Places) -> Callable[[Places], NDArray[np.float32]]:
        """Give what compares each reader's newest pick [m] with its candidates [m, K]: [m, K]."""
        alike, unit = self._alike, self._unit
        if alike is not None:
            return lambda taken: alike[taken[:, None], candidates]
        gathered = unit[candidates]
        return lambda taken: np.clip(np.einsum("mKk,mk->mK", gathered, unit[taken]), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Round:
    """One greedy choice for some readers at once."""

    judged: Judged
    good: NDArray[np.bool_]
    wanted: Places
    likeness: _Likeness
    settings: Settings

    def run(self, rows: Sequence[int], wide: int) -> list[list[int]]:
        """Give the places chosen for the readers of these rows, in the order of choice."""
        total = self.judged.total[rows]
        key = np.where(self.good[rows], total, -np.inf) - _tie_breaker(total.shape[1])
        candidates = np.argpartition(-key, wide - 1, axis=1)[:, :wide]
        order = np.argsort(-np.take_along_axis(key, candidates, axis=1), axis=1)
        candidates = np.take_along_axis(candidates, order, axis=1)
        open_ = np.isfinite(np.take_along_axis(key, candidates, axis=1))
        worth = np.maximum(np.take_along_axis(total, candidates, axis=1), 0.0)
        discount = self._discounts(rows)
        shares = _Shares(self.judged, rows, candidates, self.wanted[rows], self.settings)
        everyone, likeness = np.arange(len(rows)), self.likeness.among(candidates)
        nearest = np.zeros(candidates.shape)
        chosen: list[list[int]] = [[] for _ in rows]
        for _ in range(int(self.wanted[rows].max())):
            value = np.where(open_, worth * (1.0 - discount * nearest), -1.0)
            best = shares.best(value)
            going = open_[everyone, best] & (np.array([len(c) for c in chosen]) < self.wanted[rows])
            if not going.any():
                break
            taken = candidates[everyone, best]
            for row in np.flatnonzero(going).tolist():
                place = int(taken[row])
                chosen[row].append(place)
                if self.judged.day.duplicates[place]:
                    open_[row] &= ~np.isin(candidates[row], list(self.judged.day.duplicates[place]))
            open_[everyone, best] = False
            shares.count(best, going)
            np.maximum(nearest, likeness(taken), out=nearest)
        return chosen

    def _discounts(self, rows: Sequence[int]) -> Array:
        profiles = np.diff(self.judged.made.first)[rows]
        return np.where(profiles, self.settings.diversity, self.settings.spread)[:, None]


class _Shares:
    """How much of its share each interest and each source of a reader has used up.

    Args:
        candidates: [m, K], best first.
        wanted: [m], how many picks each reader wants.
    """

    def __init__(
        self,
        judged: Judged,
        rows: Sequence[int],
        candidates: Places,
        wanted: Places,
        settings: Settings,
    ) -> None:
        self._rows = np.arange(len(rows))
        interest = np.zeros(candidates.shape, dtype=np.intp)
        telling = np.ones(candidates.shape, dtype=np.bool_)
        several = np.zeros((len(rows), 1), dtype=np.bool_)
        for place, row in enumerate(rows):
            start, end = judged.made.first[row], judged.made.first[row + 1]
            if start < end:
                evidence = judged.evidence[start:end, candidates[place]]
                interest[place] = evidence.argmax(axis=0)
                telling[place] = evidence.max(axis=0) > 0.0
                several[place] = end - start > 1
        self._telling = telling
        source = _sources(judged.day)[candidates]
        self._groups = [(interest, settings.interest_share), (source, settings.source_share)]
        self._counts = [np.zeros((len(rows), int(group.max()) + 1)) for group, _ in self._groups]
        # An item that no interest speaks for uses up no interest's share.
        self._counted = [telling & several, np.ones(candidates.shape, dtype=np.bool_)]
        self._most = [
            np.maximum(1.0, np.ceil(share * wanted))[:, None] for _, share in self._groups
        ]

    def best(self, value: Array) -> Places:
        """Give each reader's best candidate [m]; one above its share only for want of others.

        Where both shares cannot be kept, that of interests is.
        """
        best = np.asarray(value.argmax(axis=1))
        full = [
            counted & (np.take_along_axis(counts, group, axis=1) >= most)
            for (group, _), counts, counted, most in zip(
                self._groups, self._counts, self._counted, self._most, strict=True
            )
        ]
        left = (full[0] | full[1])[self._rows, best]
        for over in (full[0] | full[1], full[0], full[1]):
            rows = np.flatnonzero(left & over[self._rows, best])
            others = np.where(over[rows] | ~self._telling[rows], -1.0, value[rows])
            instead = others.argmax(axis=1)
            is_open = others[np.arange(len(rows)), instead] >= 0.0
            best[rows[is_open]] = instead[is_open]
            left[rows[is_open]] = False
        return best

    def count(self, best: Places, going: NDArray[np.bool_]) -> None:
        """Note what was taken."""
        for (group, _), counts, counted in zip(
            self._groups, self._counts, self._counted, strict=True
        ):
            counts[self._rows, group[self._rows, best]] += going & counted[self._rows, best]


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


def _sources(day: Day) -> Places:
    """Number the source that showed each item first: [n]."""
    shown_by = (item.sources if isinstance(item, Item) else () for item in day.items)
    names = [sources[0] if sources else "" for sources in shown_by]
    number = {name: n for n, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], dtype=np.intp)


def _tie_breaker(items: int) -> Array:
    """Give what keeps equal scores in the order of the items, below any difference of scores."""
    return np.asarray(np.arange(items) * (SCORE_STEP / (items + 1)), dtype=np.float64)
