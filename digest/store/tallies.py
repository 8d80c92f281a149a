"""What is counted of each day: subscribers by status, and how attempts ended.

Counting a day again is harmless.  Days are those of UTC.  Attempts are found by their ids,
which begin with their time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from digest.model import SubscriberStatus
from digest.store.attempts import made_from
from digest.store.database import Database, upsert
from digest.store.schema import attempts, tallies
from digest.store.subscribers import count_by_status

DAY = timedelta(days=1)
# What was missed while nothing ran is counted after the fact, so far back.
CATCH_UP = timedelta(days=30)
# The relay under which `pipeline/returning.py` records what came back by mail.
CAME_BACK = "bounces"


class Ending(StrEnum):
    """How an attempt at a delivery ended, or what came back of one that was taken."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of some days, each aligned with `days`; None = that day was not counted."""

    days: tuple[date, ...]
    subscribers: dict[str, tuple[int | None, ...]]
    attempts: dict[str, tuple[int | None, ...]]


def last_days(now: datetime, count: int) -> tuple[date, ...]:
    """Give the last days, today's the last."""
    today = now.astimezone(UTC).date()
    return tuple(today - DAY * back for back in reversed(range(count)))


def count_days(database: Database, now: datetime) -> None:
    """Count today, and the days since it was last counted; nobody waits while it counts."""
    today = now.astimezone(UTC).date()
    earliest = today - CATCH_UP
    with database.read() as connection:
        last = counted_until(connection)
        # A clock that stood ahead may have left counts of days to come.
        day = max(earliest, min(last, today)) if last else earliest
        counted = [(today, _subscribers_now(connection))]
        while day <= today:
            counted.append((day, _attempts_of(connection, day)))
            day += DAY
    with database.write() as connection:
        for day, counts in counted:
            _write(connection, day, counts)


def read_tally(connection: Connection, now: datetime, days: int) -> Tally:
    """Give the counts of the last days; attempts as they were last counted."""
    shown = last_days(now, days)
    rows = connection.execute(select(tallies).where(tallies.c.day >= shown[0]))
    found = {(row.day, row.what): row.total for row in rows}
    found |= {(shown[-1], what): count for what, count in _subscribers_now(connection).items()}
    return Tally(
        days=shown,
        subscribers=_series(found, shown, "subscribers", [*SubscriberStatus]),
        attempts=_series(found, shown, "attempts", [*Ending]),
    )


def attempts_ever(connection: Connection) -> dict[str, int]:
    """Count all attempts by how they ended, as they were last counted."""
    rows = connection.execute(
        select(tallies.c.what, func.sum(tallies.c.total).label("sum"))
        .where(tallies.c.what.in_([f"attempts.{ending}" for ending in Ending]))
        .group_by(tallies.c.what)
    )
    found = {row.what.partition(".")[2]: int(row.sum) for row in rows}
    return {str(ending): found.get(ending, 0) for ending in Ending}


def counted_until(connection: Connection) -> date | None:
    """Give the last day that was counted, None before the first."""
    last: date | None = connection.scalar(select(func.max(tallies.c.day)))
    return last


def _series(
    found: dict[tuple[date, str], int], days: Sequence[date], group: str, names: Sequence[StrEnum]
) -> dict[str, tuple[int | None, ...]]:
    return {str(name): tuple(found.get((day, f"{group}.{name}")) for day in days) for name in names}


def _subscribers_now(connection: Connection) -> dict[str, int]:
    counts = count_by_status(connection)
    return {f"subscribers.{status}": count for status, count in counts.items()}


def _attempts_of(connection: Connection, day: date) -> dict[str, int]:
    since = datetime.combine(day, time.min, UTC)
    of_day = made_from(since) & ~made_from(since + DAY)
    ending = _ending().label("ending")
    rows = connection.execute(select(ending, func.count()).where(of_day).group_by(ending))
    counts = dict.fromkeys(Ending, 0) | {Ending(name): count for name, count in rows.all()}
    return {f"attempts.{name}": count for name, count in counts.items()}


def _ending() -> ColumnElement[str]:
    return case(
        (attempts.c.relay != CAME_BACK, attempts.c.outcome),
        (attempts.c.text.contains("complaint"), literal(Ending.COMPLAINED.value)),
        else_=literal(Ending.BOUNCED.value),
    )


def _write(connection: Connection, day: date, counts: dict[str, int]) -> None:
    """Keep counts of a day; those of attempts never shrink, as erasing takes rows away."""
    rows = [{"day": day, "what": what, "total": count} for what, count in counts.items()]
    add = upsert(connection, tallies)
    is_kept = tallies.c.what.like("attempts.%") & (tallies.c.total > add.excluded.total)
    connection.execute(
        add.on_conflict_do_update(
            index_elements=["day", "what"],
            set_={"total": case((is_kept, tallies.c.total), else_=add.excluded.total)},
        ),
        rows,
    )
