"""How a subscriber stands in rows: one of its own, and one for each interest."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from digest.model import Interest, Schedule, Subscriber, SubscriberStatus
from digest.store.database import chunks, update_rows
from digest.store.schema import Leaver, interests, subscribers

SCHEDULE = tuple(part.name for part in fields(Schedule))
INTEREST = tuple(part.name for part in fields(Interest))
NESTED = {"schedule", "interests"}
PLAIN = tuple(part.name for part in fields(Subscriber) if part.name not in NESTED)
GETS_MAIL = (SubscriberStatus.CONFIRMED, SubscriberStatus.UNCONFIRMED)
WISHES = (
    select(interests.c.subscriber_id, *[interests.c[name] for name in INTEREST])
    .where(interests.c.subscriber_id.in_(bindparam("ids", expanding=True)))
    .order_by(interests.c.subscriber_id, interests.c.place)
)


def address_key(email: str) -> str:
    """Give the form under which an address is unique: one spelling, one letter case.

    RFC 5321 section 2.4 lets a host tell `Ada` from `ada`; none that matters does, and
    whoever signs up twice wants one digest.
    """
    return unicodedata.normalize("NFC", email.strip()).casefold()


def stored_by_key(
    connection: Connection, keys: Iterable[str]
) -> dict[str, tuple[Subscriber, Leaver | None]]:
    """Give subscribers by the key of their address, and who ended their subscription."""
    stored: dict[str, tuple[Subscriber, Leaver | None]] = {}
    for chunk in chunks(keys):
        found = select(subscribers).where(subscribers.c.email_key.in_(chunk))
        rows = connection.execute(found).all()
        for row, subscriber in zip(rows, read_subscribers(connection, rows), strict=True):
            stored[row.email_key] = (subscriber, row.unsubscribed_by)
    return stored


def standing_by_key(
    connection: Connection, keys: Iterable[str]
) -> dict[str, tuple[SubscriberStatus, Leaver | None]]:
    """Give the status of subscribers by the key of their address, and who ended it."""
    found: dict[str, tuple[SubscriberStatus, Leaver | None]] = {}
    for chunk in chunks(keys):
        rows = connection.execute(
            select(
                subscribers.c.email_key, subscribers.c.status, subscribers.c.unsubscribed_by
            ).where(subscribers.c.email_key.in_(chunk))
        )
        found.update((row.email_key, (row.status, row.unsubscribed_by)) for row in rows)
    return found


def read_subscribers(connection: Connection, rows: Sequence[Row[Any]]) -> list[Subscriber]:
    """Read subscribers from rows, with their interests."""
    wishes: defaultdict[str, list[Interest]] = defaultdict(list)
    for chunk in chunks(row.id for row in rows):
        # In the order of the key, so that nothing is sorted.
        for subscriber_id, *values in connection.execute(WISHES, {"ids": chunk}).all():
            wishes[subscriber_id].append(Interest(**dict(zip(INTEREST, values, strict=True))))
    return [
        Subscriber(
            schedule=Schedule(**{name: row[name] for name in SCHEDULE}),
            interests=tuple(wishes[row["id"]]),
            **{name: row[name] for name in PLAIN},
        )
        for row in (row._mapping for row in rows)
    ]


def insert_subscribers(connection: Connection, given: Sequence[Subscriber]) -> None:
    """Write new subscribers."""
    if given:
        connection.execute(insert(subscribers), [_row(subscriber) for subscriber in given])
        _insert_interests(connection, given)


def rewrite_subscribers(connection: Connection, given: Sequence[Subscriber]) -> None:
    """Write known subscribers; when and why one had left is kept while it stays away."""
    rows = [_row(subscriber) for subscriber in given]
    update_rows(connection, subscribers.c.id, rows)
    for chunk in chunks(given):
        ids = [subscriber.id for subscriber in chunk]
        connection.execute(delete(interests).where(interests.c.subscriber_id.in_(ids)))
        connection.execute(
            update(subscribers)
            .where(subscribers.c.id.in_(ids), subscribers.c.status.in_(GETS_MAIL))
            .values(unsubscribed_by=None, ended_at=None)
        )
    _insert_interests(connection, given)


def _row(subscriber: Subscriber) -> dict[str, Any]:
    plain = {name: getattr(subscriber, name) for name in PLAIN}
    schedule = {name: getattr(subscriber.schedule, name) for name in SCHEDULE}
    return plain | schedule | {"email_key": address_key(subscriber.email)}


def _insert_interests(connection: Connection, given: Sequence[Subscriber]) -> None:
    rows = [
        {name: getattr(interest, name) for name in INTEREST}
        | {"subscriber_id": subscriber.id, "place": place}
        for subscriber in given
        for place, interest in enumerate(subscriber.interests)
    ]
    if rows:
        connection.execute(insert(interests), rows)
