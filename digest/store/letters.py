"""What a digest's mail says, frozen with the digest: for whom it is written, and what it shows.

A mail is made of one row that nobody searches, where picks and wishes would be a dozen.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date, time
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, bindparam, select, type_coerce
from sqlalchemy.types import NullType

from digest.model import (
    Addressee,
    Day,
    Digest,
    Form,
    Frequency,
    Item,
    Mention,
    Pick,
    Said,
    Schedule,
    Subscriber,
)
from digest.store import mentions
from digest.store.database import chunks
from digest.store.schema import digests, subscribers
from digest.store.shelf import Look, Shelf, Shown
from digest.store.values import AS_JSON

KEPT = 4096
"""Of what many letters of a run have in common: days, schedules, mentions."""

DAY = tuple(part.name for part in fields(Day))
COMMON = ("edition", "window_from", "composed_at", "state", *DAY)
FORMS = {form.value: form for form in Form}
LETTERS = (
    select(
        digests.c.id,
        digests.c.subscriber_id,
        subscribers.c.email,
        subscribers.c.link_epoch,
        digests.c.letter,
        type_coerce(digests.c.mentions, AS_JSON).label("mentions"),
        # As the table holds them: values are made of them once for all digests of an hour.
        *[type_coerce(digests.c[name], NullType()).label(name) for name in COMMON],
    )
    .join(subscribers, subscribers.c.id == digests.c.subscriber_id)
    .where(digests.c.id.in_(bindparam("ids", expanding=True)), digests.c.letter.is_not(None))
)


class Named(NamedTuple):
    """A reader as a mail was written for; see `digest.model.Addressee`."""

    id: str
    email: str
    link_epoch: int
    language: str
    name: str
    form: Form
    thumbnails: bool
    revisions: bool
    schedule: Schedule
    interest_names: tuple[str, ...]


class Letter(NamedTuple):
    """A digest that goes out, its picks without all their reasons, and whom it is for."""

    digest: Digest
    reader: Addressee


Chosen = tuple[tuple[Said, ...] | None, tuple[int, ...] | None]
"""The reasons of a pick that are named, and the sentences that are shown, as `Pick` has them."""


class Common(NamedTuple):
    """What digests composed in one hour have in common: the day of that, and their values."""

    on: date
    values: dict[str, Any]


def letter_row(digest: Digest, shown: Sequence[Shown], reader: Subscriber) -> tuple[object, ...]:
    """Give a letter as its column holds it: the reader's wishes, then what the picks show."""
    one = reader.schedule
    schedule = (one.timezone, one.at.isoformat(), one.frequency, *sorted(one.weekdays))
    picks = [
        (*what, pick.score, pick.upvotes, pick.comments, pick.interest, pick.said, pick.sentences)
        for what, pick in zip(shown, digest.picks, strict=True)
    ]
    wishes = (reader.language, reader.name, reader.form, reader.thumbnails, reader.revisions)
    return (*wishes, schedule, reader.interest_names, picks)


class Letters:
    """Reads letters, a batch at a time; what many of them have in common is made once."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._commons: dict[tuple[object, ...], Common] = {}
        self._schedules: dict[tuple[str | int, ...], Schedule] = {}
        self._mentions: dict[mentions.Row, Mention] = {}

    def read(self, connection: Connection, digest_ids: Collection[str]) -> dict[str, Letter]:
        """Give letters by digest id; a digest that has none, or is gone, is left out."""
        for kept in (self._commons, self._schedules, self._mentions):
            if len(kept) > KEPT:
                kept.clear()
        # A row's values by position: by name each would be looked up.
        rows = [
            (letter, id_, (subscriber_id, email, link_epoch), mentions, common)
            for chunk in chunks(digest_ids)
            for id_, subscriber_id, email, link_epoch, letter, mentions, *common in (
                connection.execute(LETTERS, {"ids": chunk}).all()
            )
        ]
        commons = [self._common(tuple(row[-1]), connection.dialect) for row in rows]
        named = [[tuple(mention) for mention in row[-2]] for row in rows]
        looks = [
            [(one[0], one[1], one[3], one[4], one[0], common.on) for one in row[0][-1]]
            for row, common in zip(rows, commons, strict=True)
        ]
        items = self._fetch(connection, commons, named, looks)
        mentioned = self._mentions
        return {
            id_: Letter(
                Digest(
                    id=id_,
                    subscriber_id=address[0],
                    picks=_picks(letter[-1], [items[look] for look in shown]),
                    mentions=tuple([mentioned[one] for one in others]),
                    **common.values,
                ),
                self._reader(letter, address),
            )
            for (letter, id_, address, _, _), common, others, shown in zip(
                rows, commons, named, looks, strict=True
            )
        }

    def _common(self, stored: tuple[object, ...], dialect: Dialect) -> Common:
        """Make values of what stands alike in many rows."""
        if known := self._commons.get(stored):
            return known
        values: dict[str, Any] = {}
        for name, value in zip(COMMON, stored, strict=True):
            process = digests.c[name].type.dialect_impl(dialect).result_processor(dialect, None)
            values[name] = process(value) if process else value
        day = Day(**{name: values.pop(name) for name in DAY})
        found = self._commons[stored] = Common(values["composed_at"].date(), {**values, "day": day})
        return found

    def _fetch(
        self,
        connection: Connection,
        commons: Sequence[Common],
        named: Sequence[Sequence[mentions.Row]],
        looks: Sequence[Sequence[Look]],
    ) -> Mapping[Look, Item]:
        """Give the items that picks show, and know all mentions afterwards."""
        unknown = [one for one in set(chain.from_iterable(named)) if one not in self._mentions]
        # A title line shows no votes by day, so that any day will do.
        titles = mentions.looks_of(unknown, commons[0].on) if unknown else []
        items = self._shelf.fetch(connection, {*chain.from_iterable(looks), *titles})
        shown = mentions.from_rows(unknown, [items[look] for look in titles])
        self._mentions.update(zip(unknown, shown, strict=True))
        return items

    def _reader(self, letter: Sequence[Any], address: tuple[str, str, int]) -> Named:
        language, name, form, thumbnails, revisions, schedule, interest_names, _ = letter
        key = tuple(schedule)
        if key not in self._schedules:
            timezone, at, frequency, *weekdays = schedule
            self._schedules[key] = Schedule(
                timezone=timezone,
                at=time.fromisoformat(at),
                weekdays=frozenset(weekdays),
                frequency=Frequency(frequency),
            )
        return Named(
            *address,
            language,
            name,
            FORMS[form],
            thumbnails,
            revisions,
            self._schedules[key],
            tuple(interest_names),
        )


def chosen(letter: Sequence[Any] | None) -> dict[int, Chosen]:
    """Give by place which reasons of a pick are named and which sentences are shown."""
    picks = letter[-1] if letter else ()
    return {
        place: (_said(said), _places(sentences))
        for place, (*_, said, sentences) in enumerate(picks, start=1)
    }


def _picks(rows: Sequence[Any], items: Sequence[Item]) -> tuple[Pick, ...]:
    # By position: it takes half the time.
    return tuple(
        [
            Pick(place, item, score, interest, (), upvotes, comments, _said(said), _places(chosen))
            for place, (item, row) in enumerate(zip(items, rows, strict=True), start=1)
            for _, _, score, upvotes, comments, interest, said, chosen in [row]
        ]
    )


def _said(rows: Sequence[Any] | None) -> tuple[Said, ...] | None:
    return None if rows is None else tuple(map(tuple, rows))


def _places(places: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if places is None else tuple(places)
