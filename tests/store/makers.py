"""Small values for the store's tests; whatever a test does not name is ordinary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from digest.model import (
    Announcement,
    Attempt,
    AttemptOutcome,
    Change,
    ChangeKind,
    Delivery,
    DeliveryKind,
    Digest,
    DigestState,
    Item,
    Pick,
    Reason,
    ReasonKind,
    Reply,
    Source,
    Subscriber,
    new_id,
)
from digest.store.database import Database
from digest.store.digests import record_digests
from digest.store.items import find_by_keys, save_changes
from digest.store.sources import list_sources, save_sources
from digest.store.subscribers import add_subscriber

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
LEASE = timedelta(minutes=15)


def make_item(number: int = 1, **fields) -> Item:
    ordinary = {
        "id": new_id(NOW),
        "keys": (f"arxiv:2603.{number:05d}", f"title:{number}"),
        "title": f"Item {number}",
        "first_seen_at": NOW,
        "eligible_at": NOW,
        "sources": ("papers",),
    }
    return Item(**ordinary | fields)


def make_change(item: Item, previous: Item | None = None, **fields) -> Change:
    """A change as diff gives it; `fields` not of Change are those of the announcement."""
    merged_ids = fields.pop("merged_ids", ())
    announcement = Announcement(keys=item.keys, title=item.title, **fields)
    if previous is None:
        kind = ChangeKind.NEW
    else:
        kind = ChangeKind.SEEN if item == previous else ChangeKind.REVISED
    return Change(
        kind=kind,
        item=item,
        previous=previous,
        announcement=announcement,
        merged_ids=merged_ids,
    )


def make_subscriber(who: str = "ada", **fields) -> Subscriber:
    ordinary = {"id": new_id(NOW), "email": f"{who}@example.org", "next_digest_at": NOW}
    return Subscriber(**ordinary | fields)


def make_digest(subscriber: Subscriber, items: Sequence[Item], **fields) -> Digest:
    picks = tuple(
        Pick(
            place=place,
            item=item,
            score=1 / (place + 1),
            interest="graphs",
            reasons=(Reason(kind=ReasonKind.KEYWORD, value="graph", share=0.5),),
            upvotes=item.upvotes,
            comments=item.comments,
        )
        for place, item in enumerate(items, start=1)
    )
    ordinary = {
        "id": new_id(NOW),
        "subscriber_id": subscriber.id,
        "edition": date(2026, 3, 2),
        "window_from": NOW - timedelta(days=3),
        "composed_at": NOW,
        "picks": picks,
    }
    return Digest(**ordinary | fields)


def make_delivery(digest: Digest, **fields) -> Delivery:
    delivery_id = new_id(NOW)
    ordinary = {
        "id": delivery_id,
        "kind": DeliveryKind.DIGEST,
        "recipient": "ada@example.org",
        "message_id": f"{delivery_id}@example.org",
        "subscriber_id": digest.subscriber_id,
        "digest_id": digest.id,
        "created_at": NOW,
        "next_attempt_at": NOW,
    }
    return Delivery(**ordinary | fields)


def make_attempt(delivery: Delivery, outcome: AttemptOutcome, **fields) -> Attempt:
    code = {"sent": 250, "deferred": 451, "failed": 550}[outcome]
    ordinary = {
        "delivery_id": delivery.id,
        "at": NOW,
        "outcome": outcome,
        "reply": Reply(code=code, text="so it is", relay="relay:25"),
    }
    return Attempt(**ordinary | fields)


def store_source(connection: Connection, name: str = "papers") -> str:
    """Store one source, and give its id."""
    known = [state.source for state in list_sources(connection)]
    save_sources(connection, [*known, Source(name=name, url=f"https://{name}.example.org")], NOW)
    return next(one.id for one in list_sources(connection) if one.source.name == name)


def store_items(database: Database, items: Sequence[Item]) -> str:
    """Store new items as one listing of a source, and give the source's id."""
    with database.write() as connection:
        source_id = store_source(connection)
        save_changes(connection, source_id, [make_change(item) for item in items], NOW)
    return source_id


def revise(database: Database, source_id: str, item: Item, **fields) -> Item:
    """Store an item anew with other fields, and give it as it stands now."""
    with database.write() as connection:
        previous = find_by_keys(connection, item.keys[:1])[item.keys[0]]
        change = make_change(replace(previous, **fields), previous)
        save_changes(connection, source_id, [change], LATER)
    return change.item


def store_subscribers(database: Database, subscribers: Sequence[Subscriber]) -> None:
    with database.write() as connection:
        for subscriber in subscribers:
            add_subscriber(connection, subscriber, NOW)


def store_digest(database: Database, digest: Digest) -> Delivery:
    """Record one digest, and give its delivery."""
    delivery = make_delivery(digest)
    going_out = {digest.id: delivery} if digest.state is DigestState.COMPOSED else {}
    with database.write() as connection:
        record_digests(connection, [digest], going_out, {digest.subscriber_id: LATER})
    return delivery
