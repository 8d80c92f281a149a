"""Figures for the operator, each counted by the database over a bounded stretch of time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection, case, func, select

from digest.model import AttemptOutcome, Verdict
from digest.store.attempts import made_from
from digest.store.database import utc_day
from digest.store.schema import PENDING, attempts, deliveries, feedback, items, listings
from digest.store.tallies import CAME_BACK

# So many are counted at once without anybody waiting for it.
NEWEST_VERDICTS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits in the outbox; `oldest_due_at` is None where nothing is due."""

    waiting: int
    due: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayCounts:
    """How a relay's attempts ended."""

    relay: str
    sent: int
    deferred: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An item with the verdicts on it."""

    item_id: str
    title: str
    more: int
    less: int


def new_items_by_source(
    connection: Connection, source_ids: Sequence[str], days: Sequence[date]
) -> dict[str, tuple[int, ...]]:
    """Count the items that were new in each source's listings, by source id, a day each."""
    day = utc_day(connection, listings.c.at).label("day")
    rows = connection.execute(
        select(listings.c.source_id, day, func.sum(listings.c.new).label("new"))
        .where(
            listings.c.source_id.in_(source_ids),
            listings.c.at >= datetime.combine(days[0], time.min, UTC),
            listings.c.new > 0,
        )
        .group_by(listings.c.source_id, day)
    )
    counts = {(row.source_id, row.day): int(row.new) for row in rows}
    return {one: tuple(counts.get((one, day), 0) for day in days) for one in source_ids}


def queue_now(connection: Connection, now: datetime) -> Queue:
    """Say what waits in the outbox."""
    waiting = connection.scalar(select(func.count()).select_from(deliveries).where(PENDING))
    due, oldest = connection.execute(
        select(func.count(), func.min(deliveries.c.next_attempt_at)).where(
            PENDING, deliveries.c.next_attempt_at <= now
        )
    ).one()
    return Queue(waiting=waiting or 0, due=due, oldest_due_at=oldest)


def count_by_relay(connection: Connection, since: datetime, most: int) -> list[RelayCounts]:
    """Count the newest attempts from an instant on, by relay and by how they ended.

    Args:
        most: no more are looked at.
    """
    newest = (
        select(attempts.c.relay, attempts.c.outcome)
        .where(made_from(since))
        .order_by(attempts.c.id.desc())
        .limit(most)
        .subquery()
    )
    rows = connection.execute(
        select(newest.c.relay, newest.c.outcome, func.count().label("tried"))
        .where(newest.c.relay != CAME_BACK)
        .group_by(newest.c.relay, newest.c.outcome)
    )
    found: defaultdict[str, dict[str, int]] = defaultdict(
        lambda: {str(one): 0 for one in AttemptOutcome}
    )
    for row in rows:
        found[row.relay][row.outcome] = row.tried
    return [RelayCounts(relay=relay, **counts) for relay, counts in sorted(found.items())]


def top_feedback(connection: Connection, since: datetime, limit: int) -> list[Judged]:
    """Give the items with the most verdicts from an instant on, out of `NEWEST_VERDICTS`."""
    newest = (
        select(feedback.c.item_id, feedback.c.verdict)
        .where(feedback.c.at >= since)
        .order_by(feedback.c.at.desc())
        .limit(NEWEST_VERDICTS)
        .subquery()
    )
    more = func.sum(case((newest.c.verdict == Verdict.MORE, 1), else_=0)).label("more")
    counted = (
        select(newest.c.item_id, more, func.count().label("all_"))
        .group_by(newest.c.item_id)
        .order_by(func.count().desc(), newest.c.item_id)
        .limit(limit)
        .subquery()
    )
    rows = connection.execute(
        select(items.c.id, items.c.title, counted.c.more, counted.c.all_)
        .join(counted, counted.c.item_id == items.c.id)
        .order_by(counted.c.all_.desc(), items.c.id)
    )
    return [
        Judged(item_id=row.id, title=row.title, more=row.more, less=row.all_ - row.more)
        for row in rows
    ]
