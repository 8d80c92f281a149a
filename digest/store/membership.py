"""Joining, leaving and being forgotten: what a reader does with a signed link."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update

from digest.model import Subscriber, SubscriberStatus
from digest.store.database import chunks, upsert
from digest.store.remembered import Hashes
from digest.store.schema import (
    Leaver,
    attempts,
    deliveries,
    digests,
    feedback,
    interests,
    picks,
    sign_ups,
    subscribers,
    suppressions,
)
from digest.store.sign_ups import DAY
from digest.store.subscriber_rows import GETS_MAIL, address_key, rewrite_subscribers
from digest.store.subscribers import end_subscriptions, get_subscribers


class SuppressionReason(StrEnum):
    """Why an address is remembered; all but UNSUBSCRIBED keep it from signing up again."""

    UNSUBSCRIBED = "unsubscribed"
    REFUSED = "refused"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


REMEMBERED_AS = {
    SubscriberStatus.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBED,
    SubscriberStatus.SUPPRESSED: SuppressionReason.BOUNCED,
}
"""What a hash says of an address whose row is gone; one that says more is left as it is."""


class Suppression(NamedTuple):
    """An address that gets no mail, by its keyed hash."""

    address_hash: str
    reason: SuppressionReason
    since: datetime


def confirm(
    connection: Connection,
    subscriber_id: str,
    next_digest_at: datetime,
    hashes: Collection[str] = (),
) -> None:
    """Make a sign-up count, or take somebody back who left; the due time is set anew.

    Args:
        connection: of a transaction that writes.
        hashes: of the address; that it once left is forgotten, a refusal is not.
    """
    came_back = (SubscriberStatus.UNCONFIRMED, SubscriberStatus.UNSUBSCRIBED)
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == subscriber_id, subscribers.c.status.in_(came_back))
        .values(
            status=SubscriberStatus.CONFIRMED,
            unsubscribed_by=None,
            ended_at=None,
            next_digest_at=next_digest_at,
        )
    )
    welcome_back(connection, hashes)


def welcome_back(connection: Connection, hashes: Collection[str]) -> None:
    """Forget that an address once left, for it came back by its reader's or operator's will."""
    connection.execute(
        delete(suppressions).where(
            suppressions.c.address_hash.in_(hashes),
            suppressions.c.reason == SuppressionReason.UNSUBSCRIBED,
        )
    )


def leave(
    connection: Connection, subscriber: Subscriber, hashed: str | None, now: datetime
) -> bool:
    """End a subscription by its reader's will, and make earlier links to preferences void.

    Args:
        connection: of a transaction that writes.
        hashed: the keyed hash of the address, kept when the address is gone; None without a key.

    Returns:
        False if it had ended before.
    """
    if subscriber.status not in GETS_MAIL:
        return False
    left = SubscriberStatus.UNSUBSCRIBED
    end_subscriptions(connection, [subscriber.id], left, now, by=Leaver.READER)
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == subscriber.id)
        .values(link_epoch=subscribers.c.link_epoch + 1)
    )
    if hashed is not None:
        suppress(connection, hashed, SuppressionReason.UNSUBSCRIBED, now)
    return True


def save_wishes(connection: Connection, subscriber: Subscriber) -> None:
    """Store what a subscriber wishes; nothing is changed for one who left meanwhile."""
    stored = get_subscribers(connection, [subscriber.id]).get(subscriber.id)
    if stored and stored.status is subscriber.status:
        rewrite_subscribers(connection, [subscriber])


def suppress(connection: Connection, hashed: str, reason: SuppressionReason, now: datetime) -> None:
    """Remember an address by its keyed hash; nothing is ever weakened."""
    add = upsert(connection, suppressions).values(address_hash=hashed, reason=reason, since=now)
    connection.execute(
        add.on_conflict_do_update(
            index_elements=["address_hash"],
            set_={"reason": add.excluded.reason, "since": add.excluded.since},
            where=suppressions.c.reason == SuppressionReason.UNSUBSCRIBED,
        )
    )


def is_refused(connection: Connection, hashes: Collection[str]) -> bool:
    """Say whether an address must get no mail ever, by its hash under any key."""
    found = select(suppressions.c.address_hash).where(
        suppressions.c.address_hash.in_(hashes),
        suppressions.c.reason != SuppressionReason.UNSUBSCRIBED,
    )
    return connection.scalar(found.limit(1)) is not None


def list_suppressions(connection: Connection) -> list[Suppression]:
    """Give every remembered address, the newest first."""
    rows = connection.execute(select(suppressions).order_by(suppressions.c.since.desc()))
    return [Suppression(row.address_hash, SuppressionReason(row.reason), row.since) for row in rows]


def forget_suppression(connection: Connection, hashes: Collection[str]) -> bool:
    """Forget an address by its hash under any key; False if it was not remembered."""
    gone = delete(suppressions).where(suppressions.c.address_hash.in_(hashes))
    return bool(connection.execute(gone).rowcount)


def erase(connection: Connection, ids: Collection[str]) -> None:
    """Forget subscribers with everything of theirs: wishes, verdicts, digests, deliveries."""
    for chunk in chunks(ids):
        own = select(deliveries.c.id).where(deliveries.c.subscriber_id.in_(chunk))
        connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(own)))
        for table in (deliveries, picks, digests, feedback, interests):
            connection.execute(delete(table).where(table.c.subscriber_id.in_(chunk)))
        connection.execute(delete(subscribers).where(subscribers.c.id.in_(chunk)))


def erase_one(
    connection: Connection, subscriber: Subscriber, hashes: Hashes | None, now: datetime
) -> bool:
    """Erase one subscriber; a hash stays where otherwise the address would come back.

    That is of somebody who left or was suppressed, and of whoever the settings file lists.

    Args:
        connection: of a transaction that writes.
        hashes: of an address; None = there is no key.

    Returns:
        True if a hash stays.
    """
    comes_back = SuppressionReason.UNSUBSCRIBED if subscriber.config_owned else None
    reason = REMEMBERED_AS.get(subscriber.status, comes_back)
    erase(connection, [subscriber.id])
    if reason is None or hashes is None:
        return False
    suppress(connection, hashes(address_key(subscriber.email))[0], reason, now)
    return True


def forget_old(
    connection: Connection,
    now: datetime,
    *,
    unconfirmed_for: timedelta,
    ended_for: timedelta,
    hashes: Hashes | None,
) -> int:
    """Erase sign-ups that nobody confirmed, and whoever gets no mail for long; a hash stays.

    Of those whom the settings file alone dropped not even that: it may bring them back.

    Args:
        connection: of a transaction that writes.
        unconfirmed_for: how long a sign-up waits for its confirmation.
        ended_for: how long a subscription that ended is kept.
        hashes: of an address; None = there is no key, so that whoever left or was suppressed
            is remembered by the row itself.

    Returns:
        how many were erased.
    """
    connection.execute(delete(sign_ups).where(sign_ups.c.at < now - DAY))
    unconfirmed = (subscribers.c.status == SubscriberStatus.UNCONFIRMED) & (
        subscribers.c.created_at < now - unconfirmed_for
    )
    ended = (
        subscribers.c.status.in_((SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.SUPPRESSED))
    ) & (subscribers.c.ended_at < now - ended_for)
    rows = connection.execute(
        select(
            subscribers.c.id,
            subscribers.c.email_key,
            subscribers.c.status,
            subscribers.c.unsubscribed_by,
        ).where(unconfirmed | ended)
    ).all()
    gone: list[str] = []
    for row in rows:
        if row.status is SubscriberStatus.UNCONFIRMED or row.unsubscribed_by is Leaver.CONFIG:
            gone.append(row.id)
        elif hashes:
            suppress(connection, hashes(row.email_key)[0], REMEMBERED_AS[row.status], now)
            gone.append(row.id)
    erase(connection, gone)
    return len(gone)
