"""When a subscriber's digest is due: local wall-clock times as instants, and back as editions.

Pure: `now` comes in, nothing is remembered.  A *slot* is the instant of one edition, and an
edition is a local day that the schedule lists.  What the zones do to a slot:

- its local time does not exist that day (a clock set forward): the first instant after the gap,
  which at 23:30 may already be the next day's midnight; the edition stays the day it is for;
- its local time exists twice (a clock set back): the first of the two;
- the day does not exist at all (Samoa had no 30 December 2011): no slot, no edition.

Due times are only ever compared with `now`; that each edition happens once is kept by the
store's UNIQUE (subscriber, edition), not here.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.model import Schedule

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

# A weekly schedule has a slot every 7 days, or in 14 where the zone skipped that very day.
SEARCHED_DAYS = 15


def next_digest_at(schedule: Schedule, after: datetime) -> datetime:
    """Give the first slot strictly after an instant, as aware UTC.

    Args:
        after: aware, in any zone.
    """
    zone = ZoneInfo(schedule.timezone)
    today = after.astimezone(zone).date()
    days = (today + DAY * count for count in range(SEARCHED_DAYS + 1))
    return next(slot_at for _, slot_at in _slots(schedule, zone, days) if slot_at > after)


def edition_on(schedule: Schedule, now: datetime) -> date:
    """Give the edition that is current: the day of the latest slot at or before an instant.

    Args:
        now: aware, in any zone.
    """
    zone = ZoneInfo(schedule.timezone)
    # A clock set back over midnight shows yesterday again after today's slot has passed.
    tomorrow = now.astimezone(zone).date() + DAY
    days = (tomorrow - DAY * count for count in range(SEARCHED_DAYS + 2))
    return next(edition for edition, slot_at in _slots(schedule, zone, days) if slot_at <= now)


def first_digest_at(schedule: Schedule, now: datetime) -> datetime:
    """Give when a new subscriber is due: today's slot even if it has passed, else the next one.

    Args:
        now: aware, in any zone.
    """
    zone = ZoneInfo(schedule.timezone)
    today = now.astimezone(zone).date()
    slots = _slots(schedule, zone, iter((today,)))
    return next((slot_at for _, slot_at in slots), None) or next_digest_at(schedule, now)


def _slots(
    schedule: Schedule, zone: ZoneInfo, days: Iterator[date]
) -> Iterator[tuple[date, datetime]]:
    """Give edition and instant of each listed day that exists in the zone."""
    for day in days:
        if day.weekday() in schedule.weekdays and _exists(day, zone):
            yield day, _first_instant(day, schedule.at, zone)


def _exists(day: date, zone: ZoneInfo) -> bool:
    return _first_instant(day, time.min, zone).astimezone(zone).date() == day


def _first_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Give the first instant at which a zone's clock shows a local time or has jumped over it.

    Source: PEP 495, "The fold attribute" and "Guidelines for new tzinfo implementations".
    """
    local = datetime.combine(day, at.replace(fold=0), zone)
    instant = local.astimezone(UTC)
    other = local.replace(fold=1).astimezone(UTC)
    # Unique times give one instant for both folds, repeated ones the earlier for fold=0.  Only
    # in a gap do they swap: fold=1 reads the clock as after the jump and lands before it.
    if other >= instant:
        return instant
    offset_before = other.astimezone(zone).utcoffset()
    seconds = range((instant - other) // SECOND + 1)
    jump = bisect_left(
        seconds,
        True,  # noqa: FBT003 - the value searched for, not a switch
        key=lambda second: (other + second * SECOND).astimezone(zone).utcoffset() != offset_before,
    )
    return other + jump * SECOND
