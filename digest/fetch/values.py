"""Foreign JSON and foreign spellings of dates to plain values; whatever does not fit is none.

Pure.  A service may answer null, a number or an object wherever it promised a text.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

MAX_DATE_CHARS = 60
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Instants of JSON are counted in seconds or, from here on (the year 1970 + 300), milliseconds.
MIN_MILLISECONDS = 9_500_000_000

_ISO_DAY = re.compile(r"(?P<year>\d{4})[-/.]?(?P<month>\d\d)[-/.]?(?P<day>\d\d)(?!\d)", re.ASCII)
_LOOSE_ISO_DAY = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)")
# The beginnings of months' names in Dutch, French, German, Italian, Portuguese and Spanish.
_OTHER_MONTHS = {
    "janv": 1,
    "jän": 1,
    "ene": 1,
    "gen": 1,
    "fév": 2,
    "fev": 2,
    "fevr": 2,
    "mär": 3,
    "maa": 3,
    "mrt": 3,
    "avr": 4,
    "abr": 4,
    "mai": 5,
    "mei": 5,
    "mag": 5,
    "juin": 6,
    "giu": 6,
    "juil": 7,
    "lug": 7,
    "aoû": 8,
    "aou": 8,
    "ago": 8,
    "set": 9,
    "okt": 10,
    "out": 10,
    "ott": 10,
    "déc": 12,
    "dez": 12,
    "dic": 12,
}
# A year, or a year and a month: W3C-DTF allows both, and neither is a day.
PARTIAL = re.compile(r"\s*\d{4}(?:[-/]\d{1,2})?\s*", re.ASCII)
# An hour past 24 or a minute past 59: nothing of such a date can be trusted.
_NO_TIME = re.compile(r"(?<![:\d])(?:2[5-9]|[3-9]\d):\d\d|:[6-9]\d", re.ASCII)
_MONTH = r"(?P<month>[^\W\d_]{3,12})\.?"
_NAMED_DAYS = (
    re.compile(rf"\b{_MONTH},?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})\b"),
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?[\s-]+(?:de\s+)?{_MONTH},?[\s-]+(?:de\s+)?"
        r"(?P<year>\d{4})\b"
    ),
    re.compile(rf"\b(?P<year>\d{{4}})[\s-]+{_MONTH}[\s-]+(?P<day>\d{{1,2}})\b"),
)


def text(holder: object, *names: str) -> str:
    """Give the first of an object's named fields that holds a text or a number, else ""."""
    if not isinstance(holder, Mapping):
        return ""
    for name in names:
        value = holder.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def inner(holder: object, name: str) -> Mapping[str, Any]:
    """Give the object in a field, an empty one where there is none."""
    value = holder.get(name) if isinstance(holder, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def each(holder: object, name: str) -> list[Any]:
    """Give the array in a field, an empty one where there is none."""
    value = holder.get(name) if isinstance(holder, Mapping) else None
    return value if isinstance(value, list) else []


def texts(value: object) -> Iterator[str]:
    """Give the texts of an array, or the one text that stands in its place."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and one.strip():
            yield one


def count(value: object) -> int | None:
    """Give a count: a whole number that a database holds, perhaps written as text."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,10}\s*", value, re.ASCII):
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and 0 <= value < 2**31 else None


def day(value: object) -> date | None:
    """Read the day of a date in any usual spelling, or of an instant in (milli)seconds.

    A year or a month alone is no day.  Instants with a zone give their UTC day.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _day_of_instant(value)
    if not isinstance(value, str):
        return None
    spelling = value.strip()[:MAX_DATE_CHARS]
    return _standard_day(spelling) or _written_day(spelling)


def _day_of_instant(number: float) -> date | None:
    try:
        seconds = number / 1000 if abs(number) >= MIN_MILLISECONDS else number
        return _plausible((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).date())
    except (OverflowError, ValueError):
        return None


def _standard_day(spelling: str) -> date | None:
    """Read RFC 3339, its date alone, or RFC 5322."""
    if "T" in spelling or " " in spelling:
        for read in (datetime.fromisoformat, parsedate_to_datetime):
            try:
                instant = read(spelling)
                zone = instant.tzinfo or UTC
                return _plausible(instant.replace(tzinfo=zone).astimezone(UTC).date())
            except (ValueError, OverflowError, IndexError, TypeError):
                continue
    match = _ISO_DAY.match(spelling) or _LOOSE_ISO_DAY.match(spelling)
    return _date(match["year"], match["month"], match["day"]) if match else None


def _written_day(spelling: str) -> date | None:
    if _NO_TIME.search(spelling):
        return None
    for pattern in _NAMED_DAYS:
        for match in pattern.finditer(spelling):
            if month := _month(match["month"]):
                return _date(match["year"], str(month), match["day"])
    return None


def _month(name: str) -> int | None:
    name = name.lower()
    if name[:3] in MONTHS and name[:4] not in _OTHER_MONTHS:
        return MONTHS.index(name[:3]) + 1
    return _OTHER_MONTHS.get(name[:4]) or _OTHER_MONTHS.get(name[:3])


def date_of(year: object, month: object, day_of_month: object) -> date | None:
    """Make a date of three parts: numbers, texts of digits, or an English month's name."""
    month_name = str(month)[:3].lower()
    number = str(MONTHS.index(month_name) + 1) if month_name in MONTHS else str(month)
    return _date(str(year), number, str(day_of_month))


def _date(year: str, month: str, day_of_month: str) -> date | None:
    try:
        return _plausible(date(int(year[:5]), int(month[:3]), int(day_of_month[:3])))
    except (ValueError, OverflowError):
        return None


def _plausible(found: date) -> date | None:
    return found if 1600 <= found.year <= 2200 else None
