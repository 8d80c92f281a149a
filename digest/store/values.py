"""How our values stand in columns: instants, spans, choices, and small things as JSON text.

Each type takes the model's value and gives that value back, on both engines alike.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic_core import from_json
from sqlalchemy import DateTime, Dialect, Integer, Text, TypeDecorator

from digest.model import Announce, Links, Reason, ReasonKind

# Made once: json.dumps would make one a value, at twice the cost.
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
KIND_BY_VALUE = {kind.value: kind for kind in ReasonKind}


class Instant(TypeDecorator[datetime]):
    """An aware instant; UTC in the table and out of it, so that both engines compare alike."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], datetime | str | None]:
        """Store as UTC; SQLite keeps it as text of one width, which sorts as time does."""
        return _as_text if dialect.name == "sqlite" else _checked

    def result_processor(
        self, dialect: Dialect, _coltype: object
    ) -> Callable[[Any], datetime | None]:
        """Give aware UTC; SQLite has forgotten the zone, PostgreSQL speaks its session's."""
        return _from_text if dialect.name == "sqlite" else _in_utc


class Span(TypeDecorator[timedelta]):
    """A duration, in whole seconds."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, _dialect: Dialect) -> int | None:
        """Store the seconds."""
        return None if value is None else round(value.total_seconds())

    def process_result_value(self, value: int | None, _dialect: Dialect) -> timedelta | None:
        """Give the duration."""
        return None if value is None else timedelta(seconds=value)


class Choice(TypeDecorator[StrEnum]):
    """One of an enumeration's values, as its text."""

    impl = Text
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def bind_processor(self, _dialect: Dialect) -> Callable[[Any], str | None]:
        """Store the text, and refuse what the enumeration does not know."""
        return _Known(self.choices, {one: one.value for one in self.choices}).__getitem__

    def result_processor(
        self, _dialect: Dialect, _coltype: object
    ) -> Callable[[Any], StrEnum | None]:
        """Give the member."""
        return _Known(self.choices, {one.value: one for one in self.choices}).__getitem__


class _Known(dict[Any, Any]):
    """What stands for each choice, and nothing for nothing; raises ValueError for all else."""

    def __init__(self, choices: type[StrEnum], known: dict[Any, Any]) -> None:
        super().__init__(known | {None: None})
        self._choices = choices

    def __missing__(self, value: str) -> StrEnum:
        return self._choices(value)


class Json(TypeDecorator[Any]):
    """A small value as JSON text.

    Args:
        load: makes the model's value of what JSON held.
        dump: makes of the model's value what JSON can hold.
    """

    impl = Text
    cache_ok = True

    def __init__(self, load: Callable[[Any], Any], dump: Callable[[Any], Any]) -> None:
        super().__init__()
        self.load = load
        self.dump = dump

    def process_bind_param(self, value: object, _dialect: Dialect) -> str | None:
        """Store compact JSON, letters of every language as they are."""
        if value is None:
            return None
        return ENCODER.encode(self.dump(value))

    def process_result_value(self, value: str | None, _dialect: Dialect) -> object:
        """Give the model's value."""
        if value is None:
            return None
        if value == "[]":  # most lists are empty, and a reader has a dozen
            return self.load([])
        return self.load(from_json(value))  # twice as fast as json.loads


def _checked(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"expected an aware instant, got {value!r}")
    return value and value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    instant = _checked(value)
    # Without the zone.
    return instant.isoformat(" ", "microseconds")[:-6] if instant else None


def _from_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(f"{value}+00:00") if value else None


def _in_utc(value: datetime | None) -> datetime | None:
    return value and value.astimezone(UTC)


def _dump_links(links: Links) -> dict[str, str]:
    pairs = ((part.name, getattr(links, part.name)) for part in fields(Links))
    return {name: link for name, link in pairs if link is not None}


def _dump_reasons(reasons: Iterable[Reason]) -> list[tuple[object, ...]]:
    return [(each.kind, each.value, each.share, each.interest) for each in reasons]


def _load_reasons(rows: Iterable[tuple[str, str, float, str | None]]) -> tuple[Reason, ...]:
    return tuple(
        [
            Reason(kind=KIND_BY_VALUE[kind], value=value, share=share, interest=interest)
            for kind, value, share, interest in rows
        ]
    )


AS_JSON = Json(lambda read: read, lambda value: value)
TEXTS = Json(tuple, list)
ROWS = Json(lambda rows: tuple(map(tuple, rows)), list)
MAPPING = Json(dict, dict)
WEEKDAYS = Json(frozenset, sorted)
ANNOUNCES = Json(lambda values: tuple(map(Announce, values)), list)
LINKS = Json(lambda values: Links(**values), _dump_links)
REASONS = Json(_load_reasons, _dump_reasons)
