"""When a source is looked at again: the operator's interval, the server's wishes, patience."""

from datetime import datetime, timedelta

LONGEST_WAIT = timedelta(days=1)
# What is gone for good is not asked again; a changed url or `digest fetch NAME` ends the pause.
PAUSE = timedelta(days=3650)


def after_success(now: datetime, every: timedelta, fresh_for: timedelta | None) -> datetime:
    """Give the next check of a source that answered.

    The longer of the configured interval and the server's own freshness counts; a server
    that claims to be fresh for a year is asked again after a day.
    """
    return now + max(every, min(fresh_for or timedelta(), LONGEST_WAIT))


def after_failure(
    now: datetime, every: timedelta, failures: int, retry_after: timedelta | None
) -> datetime:
    """Give the next check of a source that failed: the interval doubled with each failure.

    Args:
        failures: failed checks in a row, this one included; at least 1.
        retry_after: the server's wish, honoured up to a day (RFC 9110 section 10.2.3).
    """
    longest = max(every, LONGEST_WAIT)
    patience = min(every * (1 << min(failures, 16)), longest)
    return now + max(patience, min(retry_after or timedelta(), longest))


def after_gone(now: datetime) -> datetime:
    """Give the next check of a source that is gone for good: never, unless somebody acts."""
    return now + PAUSE
