"""Popularity: what the sources' votes say of an item, made equal between sources and days."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from digest.model import Described, Item

VOTES, RISE, COMMENTS, SOURCES = 0.5, 0.2, 0.2, 0.1  # shares of the signs; they sum to 1
PRIOR_ITEMS = 5  # a day counts as itself from about so many items on
FRESH_DAYS = 2.0  # an item so much older than the newest counts half as recent


def popularity(items: Sequence[Described]) -> NDArray[np.float64]:
    """Say how popular each of n items is among its own source and day: [n], 0.0 to 1.0.

    A count v becomes v / (v + u), with u the usual count of that source on that day, drawn
    towards the source's own mean while the day has few items.  So the usual count means 0.5
    everywhere, none means 0.0, and more never means less.  What an item rose by since
    yesterday counts the same way; one that appeared today rose by all its votes.
    """
    votes = _against_usual([item.upvotes for item in items], items)
    rises = _against_usual(votes_since_yesterday(items), items)
    comments = _against_usual([item.comments for item in items], items)
    sources = [len(item.sources) - 1 if isinstance(item, Item) else 0 for item in items]
    named = np.array([extra / (extra + 1) if extra > 0 else 0.0 for extra in sources])
    return VOTES * votes + RISE * rises + COMMENTS * comments + SOURCES * named


def votes_since_yesterday(items: Sequence[Described]) -> list[int | None]:
    """Give how many votes each of n items won since the day before: None where nobody votes.

    Today is the newest day of which any of the items has a count.  An item without a count of
    today rose by nothing; one without an earlier count rose by all it has.
    """
    series = [item.votes_by_day if isinstance(item, Item) else () for item in items]
    today = max((days[-1][0] for days in series if days), default=None)
    return [
        item.upvotes if len(days) < 2 and not _is_old(days, today) else _last_step(days, today)
        for item, days in zip(items, series, strict=True)
    ]


def _is_old(days: Sequence[tuple[date, int]], today: date | None) -> bool:
    return bool(days) and days[-1][0] != today


def _last_step(days: Sequence[tuple[date, int]], today: date | None) -> int:
    """Give the votes won since the last count before today's, a day's share of longer gaps."""
    if len(days) < 2 or _is_old(days, today):
        return 0
    (before, few), (last, many) = days[-2:]
    return max(many - few, 0) // (last - before).days


def recency(items: Sequence[Described]) -> NDArray[np.float64]:
    """Say how recent each of n items is beside the newest of them: [n], 0.0 to 1.0."""
    moments = [_seen_at(item) for item in items]
    newest = max((moment for moment in moments if moment), default=None)
    ages = [
        (newest - moment).total_seconds() / 86_400 if newest and moment else math.inf
        for moment in moments
    ]
    return np.exp2(-np.array(ages, dtype=np.float64) / FRESH_DAYS)


def _against_usual(counts: Sequence[int | None], items: Sequence[Described]) -> NDArray[np.float64]:
    by_day: dict[tuple[str, object], list[int]] = defaultdict(list)
    by_source: dict[str, list[int]] = defaultdict(list)
    for count, item in zip(counts, items, strict=True):
        if count is not None:
            by_day[_group(item)].append(max(count, 0))
            by_source[_group(item)[0]].append(max(count, 0))
    usual: dict[tuple[str, object], float] = {}
    for group, found in by_day.items():
        prior = PRIOR_ITEMS * _mean(by_source[group[0]])
        usual[group] = (sum(found) + prior) / (len(found) + PRIOR_ITEMS)
    shares = [
        max(count, 0) / (max(count, 0) + usual[_group(item)]) if count and count > 0 else 0.0
        for count, item in zip(counts, items, strict=True)
    ]
    return np.array(shares, dtype=np.float64)


def _group(item: Described) -> tuple[str, object]:
    moment = _seen_at(item)
    source = item.sources[0] if isinstance(item, Item) and item.sources else ""
    return source, moment.astimezone(UTC).date() if moment else None


def _seen_at(item: Described) -> datetime | None:
    return (item.eligible_at or item.first_seen_at) if isinstance(item, Item) else None


def _mean(counts: Iterable[int]) -> float:
    found = list(counts)
    return sum(found) / len(found) if found else 0.0
