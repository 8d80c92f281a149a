"""What the headers of an HTTP answer say about asking again.  Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# RFC 9111 section 1.2.2: a longer span than this says no more than "very long".
LONGEST = timedelta(days=365)
MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,10})", re.IGNORECASE)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Read Retry-After, given as seconds or as a date; None if absent or unreadable.

    Source: RFC 9110 section 10.2.3.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return _span(int(value[:10]))
    return _until(value, now)


def fresh_for(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Say how long the answer stays fresh: Cache-Control max-age, else Expires.

    The server's own Date is what Expires counts from, so a wrong clock does no harm.

    Source: RFC 9111 section 4.2.1.
    """
    cache_control = headers.get("Cache-Control", "")
    if "no-cache" in cache_control.lower() or "no-store" in cache_control.lower():
        return None
    if match := MAX_AGE.search(cache_control):
        return _span(int(match[1]))
    return _until(headers.get("Expires", ""), _date(headers.get("Date", "")) or now)


def _until(value: str, now: datetime) -> timedelta | None:
    at = _date(value)
    return None if at is None else _span((at - now).total_seconds())


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0), LONGEST.total_seconds()))


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
