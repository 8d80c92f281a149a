"""The outbox: what is to be sent, who is trying, and how every attempt went."""

import os
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, TypedDict

from sqlalchemy import Connection, Row, bindparam, func, insert, null, select, update

from digest.model import (
    Attempt,
    AttemptOutcome,
    Delivery,
    DeliveryStatus,
    Reply,
    SubscriberStatus,
    new_id,
)
from digest.store.database import claim_due, lock_rows, update_rows
from digest.store.recovery import this_worker
from digest.store.schema import PENDING, attempts, deliveries, subscribers
from digest.store.statements import Repeated
from digest.store.subscriber_rows import GETS_MAIL
from digest.store.subscribers import end_subscriptions

# Picks the fields of a delivery out of a row.
IN_ORDER = itemgetter(*[deliveries.c.keys().index(name) for name in Delivery._fields])
ATTEMPT = tuple(name for name in Attempt._fields if name != "reply")

# What is overdue for longer waited for us: we were down, or held to a pace or a warm-up.
STANDSTILL = timedelta(hours=1)

STATUS_AFTER = {
    AttemptOutcome.SENT: DeliveryStatus.SENT,
    AttemptOutcome.DEFERRED: DeliveryStatus.PENDING,
    AttemptOutcome.FAILED: DeliveryStatus.FAILED,
}

VALUES = {name: bindparam(f"new_{name}", type_=column.type) for name, column in attempts.c.items()}
# Nothing is added where the delivery was erased since.
ADD = Repeated(
    insert(attempts).from_select(
        list(VALUES), select(*VALUES.values()).where(deliveries.c.id == VALUES["delivery_id"])
    ),
    *(value.key for value in VALUES.values()),
)
RECORD = Repeated(
    update(deliveries)
    .where(deliveries.c.id == bindparam("row_id"), PENDING)
    .values(
        status=bindparam("new_status"),
        claimed_by=null(),
        next_attempt_at=func.coalesce(
            bindparam("due_at", type_=deliveries.c.next_attempt_at.type),
            deliveries.c.next_attempt_at,
        ),
        last_reply=bindparam("new_reply"),
    ),
    *("row_id", "new_status", "due_at", "new_reply"),
)


class OutboxCounts(TypedDict):
    """How full the outbox is; `due` and `oldest_due_at` speak of pending deliveries."""

    pending: int
    sent: int
    failed: int
    cancelled: int
    due: int
    oldest_due_at: datetime | None


def insert_deliveries(connection: Connection, given: Sequence[Delivery]) -> None:
    """Put deliveries into the outbox."""
    if given:
        connection.execute(insert(deliveries), [delivery._asdict() for delivery in given])


def claim_due_deliveries(
    connection: Connection,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    subscriber_id: str | None = None,
) -> list[Delivery]:
    """Claim deliveries that are due, longest due first; the attempt counts from here on.

    A delivery that nobody records is due again after *lease*.  Where nobody asked for a while,
    the time does not count towards giving up.

    Returns:
        deliveries as they stand after the claim.
    """
    due = PENDING & (deliveries.c.next_attempt_at <= now)
    if subscriber_id is not None:
        due &= deliveries.c.subscriber_id == subscriber_id
    until = now + lease
    rows = claim_due(
        connection,
        deliveries.c.next_attempt_at,
        due,
        until,
        limit,
        counted=deliveries.c.attempts,
    )
    began = {
        row.id: (row.counted_from or row.created_at) + (now - row.next_attempt_at)
        for row in rows
        if now - row.next_attempt_at > STANDSTILL
    }
    stood_still = [{"id": row_id, "counted_from": at} for row_id, at in began.items()]
    update_rows(connection, deliveries.c.id, stood_still)
    return [
        _delivery(row)._replace(
            attempts=row.attempts + 1,
            next_attempt_at=until,
            counted_from=began.get(row.id, row.counted_from),
        )
        for row in rows
    ]


def release_deliveries(connection: Connection, ids: Collection[str], now: datetime) -> None:
    """Give back what this process claimed and never tried: due at once, no attempt counted."""
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id.in_(ids), PENDING, deliveries.c.claimed_by == this_worker(os.getpid())
        )
        .values(attempts=deliveries.c.attempts - 1, next_attempt_at=now, claimed_by=None)
    )


def record_attempts(connection: Connection, finished: Sequence[Attempt]) -> None:
    """Record how attempts went; a delivery that is done or cancelled stays as it is.

    Whoever's address is dead gets no more mail.
    """
    _lock_subscribers(connection, [one for one in finished if one.outcome is AttemptOutcome.FAILED])
    lock_rows(connection, deliveries, [attempt.delivery_id for attempt in finished])
    ADD.execute(connection, [attempt_row(attempt) for attempt in finished])
    RECORD.execute(
        connection,
        [
            (
                attempt.delivery_id,
                STATUS_AFTER[attempt.outcome],
                attempt.next_attempt_at,
                f"{attempt.reply.code:03d} {attempt.reply.text}",
            )
            for attempt in finished
        ],
    )
    for attempt in finished:
        if attempt.bad_address:
            _suppress_reader(connection, attempt)


def outbox_counts(connection: Connection, now: datetime) -> OutboxCounts:
    """Count the deliveries by status, and those that are due."""
    rows = connection.execute(
        select(deliveries.c.status, func.count()).group_by(deliveries.c.status)
    )
    by_status: dict[DeliveryStatus, int] = dict(rows.all())
    due, oldest_due_at = connection.execute(
        select(func.count(), func.min(deliveries.c.next_attempt_at)).where(
            PENDING, deliveries.c.next_attempt_at <= now
        )
    ).one()
    return OutboxCounts(
        pending=by_status.get(DeliveryStatus.PENDING, 0),
        sent=by_status.get(DeliveryStatus.SENT, 0),
        failed=by_status.get(DeliveryStatus.FAILED, 0),
        cancelled=by_status.get(DeliveryStatus.CANCELLED, 0),
        due=due,
        oldest_due_at=oldest_due_at,
    )


def list_deliveries(
    connection: Connection, *, status: DeliveryStatus | None = None, limit: int
) -> list[Delivery]:
    """Give the newest deliveries, all or those of one status, newest first."""
    wanted = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    if status is not None:
        wanted = wanted.where(deliveries.c.status == status)
    return [_delivery(row) for row in connection.execute(wanted)]


def deliveries_of(connection: Connection, subscriber_id: str) -> list[Delivery]:
    """Give all deliveries to a subscriber, oldest first."""
    wanted = select(deliveries).where(deliveries.c.subscriber_id == subscriber_id)
    return [_delivery(row) for row in connection.execute(wanted.order_by(deliveries.c.id))]


def attempts_of(connection: Connection, delivery_id: str) -> list[Attempt]:
    """Give all attempts at a delivery, oldest first."""
    rows = connection.execute(
        select(attempts)
        .where(attempts.c.delivery_id == delivery_id)
        .order_by(attempts.c.at, attempts.c.id)
    )
    return read_attempts(rows)


def read_attempts(rows: Iterable[Row[Any]]) -> list[Attempt]:
    """Read attempts from rows."""
    return [
        Attempt(
            reply=Reply(*[row[name] for name in Reply._fields]),
            **{name: row[name] for name in ATTEMPT},
        )
        for row in (row._mapping for row in rows)
    ]


def find_delivery(connection: Connection, delivery_id: str) -> Delivery | None:
    """Give one delivery; None if there is none of that id."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).first()
    return None if row is None else _delivery(row)


def retry_delivery(connection: Connection, delivery_id: str, now: datetime) -> bool:
    """Make a delivery due at once, its time begun anew; one that failed is taken up again.

    Returns:
        False if it was sent or cancelled, is being tried at this moment, or its reader left.
    """
    again = (DeliveryStatus.PENDING, DeliveryStatus.FAILED)
    left = select(subscribers.c.id).where(subscribers.c.status.not_in(GETS_MAIL))
    return bool(
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.id == delivery_id,
                deliveries.c.status.in_(again),
                deliveries.c.subscriber_id.is_(None) | deliveries.c.subscriber_id.not_in(left),
                deliveries.c.claimed_by.is_(None),
            )
            # Counted from now: it would be given up at the next "try later" otherwise.
            .values(
                status=DeliveryStatus.PENDING,
                next_attempt_at=now,
                counted_from=now,
                superseded_at=None,
            )
        ).rowcount
    )


def cancel_delivery(connection: Connection, delivery_id: str) -> bool:
    """Take a waiting delivery out of the outbox for good.

    Returns:
        False if it does not wait any more, or is being tried at this moment.
    """
    return bool(
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == delivery_id, PENDING, deliveries.c.claimed_by.is_(None))
            .values(status=DeliveryStatus.CANCELLED)
        ).rowcount
    )


def _lock_subscribers(connection: Connection, failed: Sequence[Attempt]) -> None:
    """Lock those who may be given up before the deliveries, as whoever removes them does.

    In the other order the two would wait for each other for ever.
    """
    if failed:
        ids = select(deliveries.c.subscriber_id).where(
            deliveries.c.id.in_([attempt.delivery_id for attempt in failed])
        )
        lock_rows(connection, subscribers, ids)


def _suppress_reader(connection: Connection, refused: Attempt) -> None:
    reader = select(deliveries.c.subscriber_id).where(deliveries.c.id == refused.delivery_id)
    if subscriber_id := connection.scalar(reader):
        suppressed = SubscriberStatus.SUPPRESSED
        end_subscriptions(connection, [subscriber_id], suppressed, refused.at)


def _delivery(row: Row[Any]) -> Delivery:
    """Read a delivery from a whole row."""
    return Delivery(*IN_ORDER(row))


def attempt_row(attempt: Attempt) -> tuple[object, ...]:
    """Give the row of an attempt, under a new id, in the order of the table's columns."""
    reply = attempt.reply
    return (
        new_id(attempt.at),
        attempt.delivery_id,
        attempt.at,
        attempt.outcome,
        reply.code,
        reply.text,
        reply.uncertain,
        reply.relay,
        attempt.next_attempt_at,
        attempt.bad_address,
    )
