"""What came back, put down: a delivery that failed after all, and readers who get no more."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from digest.model import (
    Attempt,
    Delivery,
    DeliveryStatus,
    Reply,
    Subscriber,
    SubscriberStatus,
)
from digest.store.membership import SuppressionReason, suppress
from digest.store.outbox import ADD, attempt_row, find_delivery
from digest.store.schema import deliveries
from digest.store.subscribers import end_subscriptions, get_subscribers


def delivery_with_message_id(connection: Connection, message_id: str) -> Delivery | None:
    """Give the delivery of a Message-ID without angle brackets; None if it is none of ours."""
    found = connection.scalar(select(deliveries.c.id).where(deliveries.c.message_id == message_id))
    return find_delivery(connection, found) if found else None


def record_bounce(connection: Connection, attempt: Attempt) -> bool:
    """Let a delivery that was taken have failed after all.

    Returns:
        False if that was recorded before: bounces may come twice.
    """
    failed = (
        update(deliveries)
        .where(
            deliveries.c.id == attempt.delivery_id,
            deliveries.c.status.in_((DeliveryStatus.SENT, DeliveryStatus.PENDING)),
        )
        .values(
            status=DeliveryStatus.FAILED,
            claimed_by=None,
            last_reply=f"{attempt.reply.code:03d} {attempt.reply.text}",
        )
    )
    if not connection.execute(failed).rowcount:
        return False
    ADD.execute(connection, [attempt_row(attempt)])
    return True


def endings_of(connection: Connection, subscriber_id: str, most: int) -> dict[str, Reply]:
    """Give the last reply to each of a subscriber's newest ended deliveries, oldest first.

    Args:
        most: no more are looked at.
    """
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.last_reply)
        .where(
            deliveries.c.subscriber_id == subscriber_id,
            deliveries.c.status.in_((DeliveryStatus.SENT, DeliveryStatus.FAILED)),
            deliveries.c.last_reply.is_not(None),
        )
        .order_by(deliveries.c.id.desc())
        .limit(most)
    ).all()
    return {
        row.id: Reply(code=int(row.last_reply[:3]), text=row.last_reply[4:])
        for row in reversed(rows)
    }


def suppress_subscriber(
    connection: Connection,
    subscriber_id: str,
    reason: SuppressionReason,
    hashed: Callable[[str], str] | None,
    now: datetime,
) -> None:
    """Write to a subscriber no more, and remember the address by its hash when it is gone.

    Args:
        hashed: gives the keyed hash of an address; None where there is no key.
    """
    readers: Sequence[Subscriber] = [*get_subscribers(connection, [subscriber_id]).values()]
    for reader in readers:
        end_subscriptions(connection, [reader.id], SubscriberStatus.SUPPRESSED, now)
        if hashed is not None:
            suppress(connection, hashed(reader.email), reason, now)
