"""What a visitor typed, as wishes of a subscriber: bounded, and tolerant of nonsense.

A field that says nothing usable leaves things as they are; browsers check before sending.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import cache
from html import escape
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from digest.config import USUAL_DAYS
from digest.model import Form, Interest, Schedule, Subscriber
from digest.schedule.clock import next_digest_at
from digest.text import one_line
from digest.web.tongues import SPOKEN

MOST_INTERESTS = 20
MOST_LINES = 100
NAME_CHARS, LINE_CHARS, TEXT_CHARS = 100, 300, 2000
LIKED = "Papers I like"
LISTS = ("keywords", "authors", "muted_words", "examples")

Value = TypeVar("Value")


class Fields(Protocol):
    """The fields of a form, as `starlette.datastructures.FormData` gives them."""

    def getlist(self, key: str) -> Sequence[object]:
        """Give every value of a field."""


@cache
def zones() -> frozenset[str]:
    """Name every time zone; read from the disk once."""
    return frozenset(available_timezones())


@cache
def zone_options() -> str:
    """Give the time zones that a reader may choose, as the options of a select."""
    offered = sorted(name for name in zones() if "/" in name or name == "UTC")
    return "".join(f"<option>{escape(name)}</option>" for name in offered)


def text_of(fields: Fields, name: str) -> str:
    """Give one text field, "" if it is absent or a file."""
    values = fields.getlist(name)
    return values[0] if values and isinstance(values[0], str) else ""


def lines_of(fields: Fields, name: str, room: int = LINE_CHARS) -> tuple[str, ...]:
    """Give the lines of a text field, each clean and of bounded length."""
    lines = text_of(fields, name).splitlines()[:MOST_LINES]
    return tuple(dict.fromkeys(clean for one in lines if (clean := one_line(one, room))))


def with_sign_up(subscriber: Subscriber, fields: Fields) -> Subscriber:
    """Give a new subscriber the wishes of the sign-up form."""
    topics = lines_of(fields, "topics", TEXT_CHARS)[:MOST_INTERESTS]
    examples = lines_of(fields, "examples")
    interests = {
        topic[:NAME_CHARS]: Interest(name=topic[:NAME_CHARS], text=topic) for topic in topics
    }
    changed = replace(_with_schedule(subscriber, fields), interests=tuple(interests.values()))
    return with_liked(changed, examples)


def with_liked(subscriber: Subscriber, examples: Sequence[str]) -> Subscriber:
    """Add examples to the interest that holds the papers somebody likes."""
    if not examples:
        return subscriber
    by_name = {one.name: one for one in subscriber.interests}
    known = by_name.get(LIKED, Interest(name=LIKED))
    told = tuple(
        dict.fromkeys((*known.examples, *(one_line(line, LINE_CHARS) for line in examples)))
    )
    by_name[LIKED] = replace(known, examples=told[:MOST_LINES])
    return replace(subscriber, interests=tuple(by_name.values())[:MOST_INTERESTS])


def with_preferences(subscriber: Subscriber, fields: Fields, now: datetime) -> Subscriber:
    """Give a subscriber the wishes of the preferences form; a new schedule counts from now."""
    changed = _with_schedule(subscriber, fields)
    popularity = _read(float, text_of(fields, "popularity"))
    language = text_of(fields, "language")
    if popularity is not None and 0 <= popularity <= 1:
        changed = replace(changed, popularity=popularity)
    if language in SPOKEN:
        changed = replace(changed, language=language)
    changed = replace(
        changed,
        at_least=_number(fields, "at_least", subscriber.at_least),
        interests=_interests(subscriber, fields),
        paused_until=_pause(text_of(fields, "paused_until"), changed.schedule),
    )
    # A box that is not ticked is not sent: this field says that the boxes were shown.
    if text_of(fields, "wishes"):
        form = text_of(fields, "form")
        changed = replace(
            changed,
            explore=bool(text_of(fields, "explore")),
            thumbnails=bool(text_of(fields, "thumbnails")),
            revisions=bool(text_of(fields, "revisions")),
            form=Form(form) if form in set(Form) else changed.form,
        )
    if changed.schedule != subscriber.schedule:
        changed = replace(changed, next_digest_at=next_digest_at(changed.schedule, now))
    return changed


def without_interest(subscriber: Subscriber, which: str) -> Subscriber | None:
    """Take one interest away, named by its place; None = there is no such place."""
    if not which.isdecimal() or len(which) > 3 or int(which) >= len(subscriber.interests):
        return None
    place = int(which)
    kept = subscriber.interests[:place] + subscriber.interests[place + 1 :]
    return replace(subscriber, interests=kept)


def interest_fields(subscriber: Subscriber) -> list[Mapping[str, object]]:
    """Give what the form shows of each interest, and an empty one to add."""
    shown = [*subscriber.interests, Interest(name="")][:MOST_INTERESTS]
    names = ("name", "text", "weight", *LISTS)
    return [
        {"place": place} | {name: getattr(one, name) for name in names}
        for place, one in enumerate(shown)
    ]


def paused_until_day(subscriber: Subscriber, now: datetime) -> str:
    """Give the day that a pause lasts to, "" if there is none."""
    until = subscriber.paused_until
    if until is None or until <= now:
        return ""
    return until.astimezone(ZoneInfo(subscriber.schedule.timezone)).date().isoformat()


def with_times(known: Schedule, *, timezone: str, at: time, weekdays: frozenset[int]) -> Schedule:
    """Give a schedule other times; days that have a name give their frequency with them."""
    frequency = known.frequency
    if weekdays != known.weekdays:
        usual = {usual_days: name for name, usual_days in USUAL_DAYS.items()}
        frequency = usual.get(weekdays, frequency)
    return Schedule(timezone=timezone, at=at, weekdays=weekdays, frequency=frequency)


def _with_schedule(subscriber: Subscriber, fields: Fields) -> Subscriber:
    known: Schedule = subscriber.schedule
    zone = text_of(fields, "timezone")
    at = _read(time.fromisoformat, text_of(fields, "at"))
    given = {str(day) for day in fields.getlist("weekdays")}
    days = frozenset(day for day in range(7) if str(day) in given)
    schedule = with_times(
        known,
        timezone=zone if zone in zones() else known.timezone,
        at=at.replace(second=0, microsecond=0, tzinfo=None) if at else known.at,
        weekdays=days or known.weekdays,
    )
    return replace(
        subscriber,
        schedule=schedule,
        max_items=_number(fields, "max_items", subscriber.max_items),
    )


def _interests(subscriber: Subscriber, fields: Fields) -> tuple[Interest, ...]:
    """Read the interests; what the form does not show of one is kept."""
    found: dict[str, Interest] = {}
    for place in range(MOST_INTERESTS):
        name = one_line(text_of(fields, f"name-{place}"), NAME_CHARS)
        if not name or name in found:
            continue
        known = subscriber.interests[place : place + 1]
        weight = _read(float, text_of(fields, f"weight-{place}"))
        found[name] = replace(
            known[0] if known else Interest(name=name),
            name=name,
            text=one_line(text_of(fields, f"text-{place}"), TEXT_CHARS),
            weight=weight if weight is not None and 0.1 <= weight <= 10 else 1.0,
            **{one: lines_of(fields, f"{one}-{place}") for one in LISTS},
        )
    return tuple(found.values())


def _pause(day: str, schedule: Schedule) -> datetime | None:
    until = _read(date.fromisoformat, day)
    if until is None or until.year > 9000:
        return None
    midnight = datetime.combine(until, time.min, ZoneInfo(schedule.timezone))
    return midnight.astimezone(UTC)


def _number(fields: Fields, name: str, known: int) -> int:
    number = _read(int, text_of(fields, name)[:9])
    return number if number is not None and 1 <= number <= 100 else known


def _read(reader: Callable[[str], Value], text: str) -> Value | None:
    with suppress(ValueError, OverflowError):
        return reader(text)
    return None
