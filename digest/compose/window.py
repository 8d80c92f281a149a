"""Which items may go into a subscriber's digest: the window and the ledger, as arrays."""

from bisect import bisect_left
from collections.abc import Sequence, Set
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from digest.model import Frequency, Item, Subscriber

WEEK = timedelta(days=7)


def window_from(
    subscriber: Subscriber, now: datetime, *, window: timedelta, catch_up: timedelta
) -> datetime:
    """Give since when items compete for a subscriber's next digest.

    That is the last digest, but at least *window* back, so that a slow riser gets a second
    chance, and at most *catch_up* back, so that an outage ends in one digest of a bearable size.
    A weekly digest is of a week, the first one as well.
    """
    is_weekly = subscriber.schedule.frequency is Frequency.WEEKLY
    newest = now - (max(window, WEEK) if is_weekly else window)
    oldest = now - catch_up
    return max(oldest, min(newest, subscriber.last_digest_at or newest))


def eligible_items(
    windows: Sequence[datetime],
    items: Sequence[Item],
    sent: Sequence[Set[str]],
) -> NDArray[np.bool_]:
    """Say which of n items may go to which of m subscribers: [m, n].

    Args:
        windows: m instants; items that became eligible before one are too old for it.
        items: each with `eligible_at` set.
        sent: m sets of the item ids that the ledger already holds.
    """
    since = np.array([instant.timestamp() for instant in windows])
    became = np.array([item.eligible_at.timestamp() for item in items if item.eligible_at])
    eligible = became[np.newaxis, :] >= since[:, np.newaxis]
    place_by_id = {item.id: place for place, item in enumerate(items)}
    for row, item_ids in enumerate(sent):
        eligible[row, [place_by_id[item_id] for item_id in item_ids if item_id in place_by_id]] = (
            False
        )
    return eligible


class News:
    """Counts what became eligible since an instant, for many instants over the same items.

    Args:
        items: n items in order of `eligible_at`, each with one.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._became = [item.eligible_at for item in items if item.eligible_at]
        names: set[str] = set()
        self._names: list[tuple[str, ...]] = [()]
        for item in reversed(items):
            added = names | set(item.sources)
            # Most items add no name: they share one tuple with the item after them.
            self._names.append(self._names[-1] if added == names else tuple(sorted(added)))
            names = added
        self._names.reverse()

    def since(self, instant: datetime) -> tuple[int, tuple[str, ...]]:
        """Give how many items became eligible, and the sources that announced them."""
        place = bisect_left(self._became, instant)
        return len(self._became) - place, self._names[place]
