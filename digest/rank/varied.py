"""Varied picks of what scored: one after the other, for many readers at once.

Shapes: m readers, n items of the day, K candidates a reader (its highest scores), best first.

A candidate counts for less the more it resembles what is taken (maximal marginal relevance, as
a discount), near-duplicates of what is taken do not count at all, and an interest or a source
that has its share gives way to another one that has something to say.

Source: Carbonell and Goldstein 1998, SIGIR, 335-336.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.model import Item
from digest.rank.alike import Places
from digest.rank.day import Day
from digest.rank.evidence import Judged
from digest.rank.features import Array
from digest.rank.settings import Settings

Flags = NDArray[np.bool_]

CANDIDATES_A_PICK = 4  # so many of the highest scores compete for each pick
LEAST_CANDIDATES = 40
SIFTED = 8  # items of which the best bounds what the candidates score, from
SIFT_FROM = 10  # times as many items on as there are candidates: so there are groups enough
AT_ONCE = 8_000_000  # numbers of candidates' directions held at a time: 32 MB
SCORE_STEP = 1e-10  # scores are rounded to it


def vary(judged: Judged, good: Flags, wanted: Places, settings: Settings) -> Places:
    """Choose every reader's picks.

    Args:
        good: [m, n]; False keeps an item from a reader.
        wanted: [m], picks of each reader.

    Returns:
        [m, most wanted], places of the items in the order of choice; -1 where there are none left.
    """
    rows, found = good.shape
    if not found or not wanted.any():
        return np.full((rows, 0), -1)
    wide = min(found, max(CANDIDATES_A_PICK * int(wanted.max()), LEAST_CANDIDATES))
    size = max(1, AT_ONCE // (wide * max(1, judged.day.texts.unit.shape[1])))
    round_ = _Round(judged, good, wanted, settings)
    chosen = np.full((rows, int(wanted.max())), -1)
    left = np.ones(rows, dtype=np.bool_)
    # Half of the candidates do where no share asks for others, for nearly everybody.
    few = ~_has_shares(judged) & (wide < found)
    for who, width in ((few, wide // 2), (left, wide)):
        readers = np.flatnonzero(who & left)
        for start in range(0, len(readers), size):
            part = readers[start : start + size]
            chosen[part], is_sure = round_.run(part, width)
            left[part] = ~is_sure
    # Near-duplicates may use up a reader's candidates: all items compete then.
    counts = (chosen >= 0).sum(axis=1)
    short = np.flatnonzero(counts < wanted)
    available = good[short].sum(axis=1)
    for row in short[(counts[short] < available) & (available > wide)].tolist():
        chosen[row] = round_.run(np.array([row]), found)[0][0]
    return chosen


def lowest(values: Array, wide: int) -> tuple[Places, Array]:
    """Find the lowest values of each row, in order: their columns and themselves, [m, wide].

    Where too few are finite, any column stands for others that are not.
    """
    line = np.arange(len(values))[:, None]
    if values.shape[1] < SIFT_FROM * wide:
        columns = values.argsort(axis=1)[:, :wide]
        return columns, values[line, columns]
    # As many as are wanted, each the lowest of some columns: the highest of them bounds the rest.
    groups = values.shape[1] // SIFTED
    some = values[:, : groups * SIFTED].reshape(len(values), SIFTED, groups).min(axis=1)
    bound = np.partition(some, wide - 1, axis=1)[:, wide - 1 : wide]
    is_low = values <= bound
    if bound.max(initial=0.0) == np.inf:
        is_low &= values < np.inf
    counts = np.count_nonzero(is_low, axis=1)
    row, low = np.repeat(line, counts), np.flatnonzero(is_low)
    column = low - row * values.shape[1]
    place = np.arange(len(low)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = np.zeros((len(values), max(wide, int(counts.max()))), dtype=np.intp)
    found = np.full(columns.shape, np.inf)
    columns[row, place], found[row, place] = column, values.take(low)
    order = found.argsort(axis=1)[:, :wide]
    return columns[line, order], found[line, order]


@dataclass(frozen=True, slots=True)
class _Round:
    """One greedy choice for some readers at once."""

    judged: Judged
    good: Flags
    wanted: Places
    settings: Settings

    def run(self, rows: Places, wide: int) -> tuple[Places, Flags]:
        """Give the places chosen for the readers of these rows, in the order of choice.

        And for whom more candidates would change nothing, but for shares: their picks are worth
        more than any other ever was.
        """
        day, wanted = self.judged.day, self.wanted[rows]
        candidates, worth, value = self._candidates(rows, wide)
        discount = self._discounts(rows)
        shares = _Shares(self.judged, rows, candidates, wanted, self.settings)
        compare = day.alike.among(candidates)
        has_twins = np.array([bool(twins) for twins in day.duplicates])
        everyone = np.arange(len(rows))
        lowered = np.empty_like(value)
        least, beyond = np.full(len(rows), np.inf), value[:, -1].copy()
        chosen = np.full((len(rows), int(self.wanted.max())), -1)
        for place in range(int(wanted.max())):
            best = shares.best(value)
            reached = value[everyone, best]
            np.minimum(least, reached, out=least, where=place < wanted)
            going = (reached > -np.inf) & (place < wanted)
            if not going.any():
                break
            taken = candidates[everyone, best]
            chosen[going, place] = taken[going]
            for row in np.flatnonzero(going & has_twins[taken]).tolist():
                twins = list(day.duplicates[int(taken[row])])
                value[row, np.isin(candidates[row], twins)] = -np.inf
            value[everyone, best] = -np.inf
            shares.count(best, going)
            lowered[:] = compare(taken)
            lowered *= -discount
            lowered += 1.0
            lowered *= worth
            np.minimum(value, lowered, out=value)
        return chosen, least >= beyond

    def _candidates(self, rows: Places, wide: int) -> tuple[Places, Array, Array]:
        """Give the highest scores: places, scores from 0, and the same but -inf where closed."""
        total, good = self.judged.total, self.good
        if len(rows) < len(total):
            total, good = total[rows], good[rows]
        behind = _tie_breaker(total.shape[1]) - total
        if not good.all():
            behind[~good] = np.inf
        candidates, behind = lowest(behind, wide)
        worth = np.maximum(total[np.arange(len(rows))[:, None], candidates], 0.0)
        return candidates, worth, np.where(behind < np.inf, worth, -np.inf)

    def _discounts(self, rows: Places) -> Array:
        profiles = np.diff(self.judged.made.first)[rows]
        return np.where(profiles, self.settings.diversity, self.settings.spread)[:, None]


class _Shares:
    """What keeps one interest or one source from taking all places of a reader.

    Args:
        candidates: [m, K], best first.
        wanted: [m], how many picks each reader wants.
    """

    def __init__(
        self,
        judged: Judged,
        rows: Places,
        candidates: Places,
        wanted: Places,
        settings: Settings,
    ) -> None:
        self._judged, self._rows, self._candidates = judged, rows, candidates
        self._shares = [
            share
            for share in (
                _by_interest(judged, rows, candidates, wanted, settings),
                _by_source(judged.day, candidates, wanted, settings),
            )
            if share
        ]

    def best(self, value: Array) -> Places:
        """Give each reader's best candidate [m]; one above its share only for want of others.

        Where both shares cannot be kept, that of interests, the first one, is.
        """
        best = np.asarray(value.argmax(axis=1))
        limited = np.flatnonzero(np.any([share.is_used_up() for share in self._shares], axis=0))
        if not len(limited):
            return best
        value, chosen = value[limited], best[limited]
        full = [share.full(limited) for share in self._shares]
        either = np.logical_or.reduce(full)
        silent = self._silent(limited)
        line = np.arange(len(limited))
        left = either[line, chosen]
        for over in (either, *full):
            others = np.where(over | silent, -np.inf, value)
            instead = others.argmax(axis=1)
            gives_way = left & over[line, chosen] & (others[line, instead] > -np.inf)
            chosen = np.where(gives_way, instead, chosen)
            left &= ~gives_way
        best[limited] = chosen
        return best

    def _silent(self, lines: Places) -> Flags:
        """Say which candidates have interests, none of which speaks for them."""
        readers, candidates = self._rows[lines], self._candidates[lines]
        silent = np.zeros(candidates.shape, dtype=np.bool_)
        stated = self._judged.made.stated[readers]
        _, evidence = self._judged.loudest(readers[stated][:, None], candidates[stated])
        silent[stated] = evidence <= 0.0
        return silent

    def count(self, best: Places, going: Flags) -> None:
        """Note what was taken."""
        for share in self._shares:
            share.count(best, going)


class _Share:
    """How much of its share each group of a reader's candidates has used up.

    Args:
        group: [m, K], which group each candidate belongs to.
        counted: [m, K], which of them use up a share.
        most: [m], picks that are one.
    """

    def __init__(self, group: Places, counted: Flags, most: Array) -> None:
        self._group, self._counted, self._most = group, counted, most[:, None]
        self._taken = np.zeros((len(group), int(group.max()) + 1))
        self._rows = np.arange(len(group))

    def is_used_up(self) -> Flags:
        """Say of whom any group has its share: [m]."""
        return np.asarray((self._taken >= self._most).any(axis=1))

    def full(self, rows: Places) -> Flags:
        """Say which candidates of some readers are of a group that has its share."""
        taken = np.take_along_axis(self._taken[rows], self._group[rows], axis=1)
        return np.asarray(self._counted[rows] & (taken >= self._most[rows]))

    def count(self, best: Places, going: Flags) -> None:
        """Note what was taken."""
        group = self._group[self._rows, best]
        self._taken[self._rows, group] += going & self._counted[self._rows, best]


def _has_shares(judged: Judged) -> Flags:
    """Say who has several interests, or a day of several sources: [m]."""
    sources = {item.sources[:1] if isinstance(item, Item) else () for item in judged.day.items}
    return np.asarray((np.diff(judged.made.first) > 1) | (len(sources) > 1))


def _by_interest(
    judged: Judged, rows: Places, candidates: Places, wanted: Places, settings: Settings
) -> _Share | None:
    """Group by the interest that speaks most; one that is alone has no share."""
    first = np.asarray(judged.made.first)
    several = np.flatnonzero(first[rows + 1] - first[rows] > 1)
    if not len(several):
        return None
    readers = rows[several][:, None]
    profile, evidence = judged.loudest(readers, candidates[several])
    group, counted = np.zeros_like(candidates), np.zeros(candidates.shape, dtype=np.bool_)
    group[several] = profile - first[readers]
    # An item that no interest speaks for uses up no interest's share.
    counted[several] = evidence > 0.0
    return _Share(group, counted, _most(settings.interest_share, wanted))


def _by_source(day: Day, candidates: Places, wanted: Places, settings: Settings) -> _Share | None:
    """Group by the source that showed an item first; one that is alone has no share."""
    shown_by = (item.sources if isinstance(item, Item) else () for item in day.items)
    names = [sources[0] if sources else "" for sources in shown_by]
    number = {name: n for n, name in enumerate(dict.fromkeys(names))}
    if len(number) < 2:
        return None
    group = np.array([number[name] for name in names])[candidates]
    several = (group != group[:, :1]).any(axis=1, keepdims=True)
    return _Share(
        group, np.broadcast_to(several, group.shape), _most(settings.source_share, wanted)
    )


def _most(share: float, wanted: Places) -> Array:
    return np.asarray(np.maximum(1.0, np.ceil(share * wanted)))


def _tie_breaker(items: int) -> Array:
    """Give what keeps equal scores in the order of the items, below any difference of scores."""
    return np.asarray(np.arange(items) * (SCORE_STEP / (items + 1)), dtype=np.float64)
