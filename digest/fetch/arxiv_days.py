"""arXiv's calendar: which days bring nothing, and which submissions a day's feed holds.

Pure.  Source: info.arxiv.org/help/availability; days are those of feeds and list pages, the
day after the evening on which arXiv announced.
"""

from datetime import date, datetime, time, timedelta

from digest.fetch.arxiv_item import EASTERN

SATURDAY = 5
# Submissions received until then are announced the same evening.
DEADLINE = time(14, 0)
# Month, weekday (0 = Monday), which one in the month (-1 = last): holidays of the United States.
MOVING = (
    (1, 0, 3),  # Martin Luther King Day
    (5, 0, -1),  # Memorial Day
    (9, 0, 1),  # Labor Day
    (11, 3, 4),  # Thanksgiving
)
FIXED = ((6, 19), (7, 4))
# Around New Year arXiv announces on some days only, and on others in each year.
YEARS_END = ((12, 24), (1, 2))


def is_quiet(day: date) -> bool:
    """Say whether no announcement is to be expected in the feed of a day.

    A holiday and the day after it count both: which of the two has no feed differs.
    """
    if day.weekday() >= SATURDAY:
        return True
    if (day.month, day.day) >= YEARS_END[0] or (day.month, day.day) <= YEARS_END[1]:
        return True
    return any(_is_holiday(day - timedelta(days=back)) for back in (0, 1))


def missed_days(last: date, shown: date) -> tuple[date, ...]:
    """Give the days between two feeds on which another one is likely to have been made.

    Args:
        last: day of the last feed read; shown: day of the present one.
    """
    between = (last + timedelta(days=n) for n in range(1, (shown - last).days))
    return tuple(day for day in between if not is_quiet(day))


def submitted_until(day: date) -> datetime:
    """Give the instant up to which submissions stand in the feed of a day, aware.

    A feed of Tuesday to Friday holds what came until 14:00 Eastern of the day before, one of
    Monday what came until Friday's.
    """
    before = day - timedelta(days=1)
    while before.weekday() >= SATURDAY:
        before -= timedelta(days=1)
    return datetime.combine(before, DEADLINE, EASTERN)


def _is_holiday(day: date) -> bool:
    if (day.month, day.day) in FIXED:
        return True
    return any(
        day.month == month and day.weekday() == weekday and which in _places(day)
        for month, weekday, which in MOVING
    )


def _places(day: date) -> tuple[int, ...]:
    """Give the place of a weekday within its month, counted from 1, and -1 if it is the last."""
    place = (day.day - 1) // 7 + 1
    is_last = (day + timedelta(days=7)).month != day.month
    return (place, -1) if is_last else (place,)
