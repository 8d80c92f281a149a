"""How attempts went, over all deliveries: what was sent since when, and what was refused.

Attempts are found by their ids, which begin with their time: no index of its own is needed.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from digest.model import Attempt, AttemptOutcome, new_id
from digest.store.outbox import read_attempts
from digest.store.schema import attempts

# The part of an id that its time fills.
TIME_LENGTH = 13


def first_sent_at(connection: Connection) -> datetime | None:
    """Give when the very first message was sent; None before that."""
    first: datetime | None = connection.scalar(
        select(attempts.c.at)
        .where(attempts.c.outcome == AttemptOutcome.SENT)
        .order_by(attempts.c.id)
        .limit(1)
    )
    return first


def count_attempts(connection: Connection, since: datetime) -> dict[AttemptOutcome, int]:
    """Count the attempts from an instant on, by how they ended."""
    rows = connection.execute(
        select(attempts.c.outcome, func.count())
        .where(made_from(since))
        .group_by(attempts.c.outcome)
    )
    return dict.fromkeys(AttemptOutcome, 0) | dict(rows.all())


def last_refusals(connection: Connection, since: datetime, limit: int) -> list[Attempt]:
    """Give the newest attempts from an instant on that were not taken, newest first."""
    rows = connection.execute(
        select(attempts)
        .where(made_from(since), attempts.c.outcome != AttemptOutcome.SENT)
        .order_by(attempts.c.id.desc())
        .limit(limit)
    )
    return read_attempts(rows)


def made_from(since: datetime) -> ColumnElement[bool]:
    """Give the condition that an attempt was made at an instant or later."""
    return attempts.c.id >= new_id(since)[:TIME_LENGTH]
