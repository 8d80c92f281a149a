"""Sources: what is configured, when each is due, and how its checks went."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from digest.model import ListingOutcome, Source, SourceState, Validators, new_id
from digest.store.database import SETTINGS_LOCK, advisory_lock, claim_due, update_rows
from digest.store.schema import listings, sources

CONFIGURED = tuple(part.name for part in fields(Source))
NO_VALIDATORS = Validators()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a source, as it is remembered.

    Attributes:
        items: how many the listing held.
        shown_on: the day that the listing said it was of.
    """

    at: datetime
    outcome: ListingOutcome
    items: int
    shown_on: date | None
    error: str | None


def save_sources(connection: Connection, given: Sequence[Source], now: datetime) -> None:
    """Make the stored sources those given; one no longer given is disabled, never deleted.

    A new source is due at once.  So is one whose address or kind changed, and what was
    learned of the old address is forgotten.  Of several programs that bring their settings in at
    once, as services do that start together, each waits for the one before it.
    """
    advisory_lock(connection, SETTINGS_LOCK)
    stored = {row.name: row for row in connection.execute(select(sources))}
    added: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for source in given:
        values = {name: getattr(source, name) for name in CONFIGURED}
        row = stored.get(source.name)
        if row is None:
            added.append(values | _unknown(now) | {"id": new_id(now), "listed": False})
        elif (row.url, row.kind) != (source.url, source.kind):
            moved.append(values | _unknown(now))
        else:
            # Not on every start: a longer wait may be what the server asked for.
            sooner = now + source.every if source.every < row.every else row.next_check_at
            next_check_at = min(row.next_check_at, sooner)
            kept.append(values | {"enabled": True, "next_check_at": next_check_at})
    if added:
        connection.execute(insert(sources), added)
    for rows in (kept, moved):
        update_rows(connection, sources.c.name, rows)
    gone = stored.keys() - {source.name for source in given}
    update_rows(
        connection, sources.c.name, [{"name": name, "enabled": False} for name in sorted(gone)]
    )


def list_sources(connection: Connection) -> list[SourceState]:
    """Give all sources with what is remembered of them, disabled ones too, by name."""
    states = [_state(row) for row in connection.execute(select(sources))]
    return sorted(states, key=lambda state: state.source.name)


def quiet_source_names(connection: Connection) -> set[str]:
    """Name the sources whose last listing was empty, as on a weekend or a holiday."""
    last = (
        select(listings.c.outcome)
        .where(listings.c.source_id == sources.c.id, listings.c.outcome != ListingOutcome.UNCHANGED)
        .order_by(listings.c.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = select(sources.c.name).where(sources.c.enabled, last == ListingOutcome.EMPTY)
    return set(connection.scalars(wanted))


def claim_due_sources(
    connection: Connection,
    now: datetime,
    lease: timedelta,
    limit: int,
    *,
    names: Collection[str] | None = None,
) -> list[SourceState]:
    """Claim sources for a check: the due ones, or those named, due or not.

    A source that nobody records comes back after *lease*.
    """
    wanted = sources.c.next_check_at <= now if names is None else sources.c.name.in_(names)
    rows = claim_due(
        connection, sources.c.next_check_at, sources.c.enabled & wanted, now + lease, limit
    )
    return [_state(row) for row in rows]


def is_being_read(connection: Connection, now: datetime) -> bool:
    """True while somebody holds a claim on a source: what it announces is not stored yet."""
    held = sources.c.enabled & sources.c.claimed_by.is_not(None) & (sources.c.next_check_at > now)
    return connection.scalar(select(sources.c.id).where(held).limit(1)) is not None


def record_check(
    connection: Connection,
    state: SourceState,
    outcome: ListingOutcome,
    *,
    at: datetime,
    next_check_at: datetime,
    items: int = 0,
    new: int = 0,
    shown_on: date | None = None,
    validators: Validators = NO_VALIDATORS,
    error: str | None = None,
    moved_to: str | None = None,
) -> None:
    """Remember how a check of a source went, and when the next one is due.

    Args:
        connection: of a transaction that writes.
        state: the source as it was claimed.
        outcome: how it ended; FAILED leaves the validators alone and drops a moved address,
            so that the configured one gets its chance again.
        at: when.
        next_check_at: when it is due again.
        items: how many the listing held; 0 if it was not read.
        new: how many of them nobody had announced before.
        shown_on: the day that the listing said it was of.
        validators: what the server gave; UNCHANGED keeps those that it did not repeat.
        error: one sentence, with FAILED.
        moved_to: where a permanent redirect led.
    """
    if outcome is ListingOutcome.FAILED:
        changes: dict[str, Any] = {
            "failures": sources.c.failures + 1,
            "last_error": error,
            "moved_to": None,
        }
    else:
        before = state.validators if outcome is ListingOutcome.UNCHANGED else NO_VALIDATORS
        changes = {
            "failures": 0,
            "last_error": None,
            "last_ok_at": at,
            "etag": validators.etag or before.etag,
            "last_modified": validators.last_modified or before.last_modified,
        }
        if moved_to:
            changes["moved_to"] = moved_to
        if items:
            changes["listed"] = True
            changes["usual_count"] = follow_count(state.usual_count, items)
    connection.execute(
        update(sources)
        .where(sources.c.id == state.id)
        .values(next_check_at=next_check_at, claimed_by=None, **changes)
    )
    connection.execute(
        insert(listings).values(
            id=new_id(at),
            source_id=state.id,
            at=at,
            outcome=outcome,
            items=items,
            new=new,
            shown_on=shown_on,
            error=error,
        )
    )


def recent_checks(connection: Connection, source_id: str, limit: int) -> list[Check]:
    """Give a source's last checks, newest first."""
    columns = [listings.c[part.name] for part in fields(Check)]
    rows = connection.execute(
        select(*columns)
        .where(listings.c.source_id == source_id)
        .order_by(listings.c.at.desc(), listings.c.id.desc())
        .limit(limit)
    )
    return [Check(**row._mapping) for row in rows]


def last_shown_on(connection: Connection, source_id: str) -> date | None:
    """Give the latest day that a listing of a source said it was of."""
    newest: date | None = connection.execute(
        select(func.max(listings.c.shown_on)).where(listings.c.source_id == source_id)
    ).scalar()
    return newest


def follow_count(usual: int | None, items: int) -> int:
    """Let the usual count follow a listing's, by a tenth at most.

    A step of bounded size settles at the median; one listing ten times as long, which would
    drag a mean along and make the next ordinary one look broken, moves it by that tenth.
    """
    if usual is None:
        return items
    step = max(1, usual // 10)
    return usual + max(-step, min(step, items - usual))


def _unknown(now: datetime) -> dict[str, Any]:
    """Give the columns of a source whose address was never read."""
    nothing = ("moved_to", "etag", "last_modified", "last_error", "usual_count")
    return dict.fromkeys(nothing) | {"failures": 0, "enabled": True, "next_check_at": now}


def _state(row: Row[Any]) -> SourceState:
    source = Source(**{name: row._mapping[name] for name in CONFIGURED})
    if row.moved_to:
        source = replace(source, url=row.moved_to)
    return SourceState(
        id=row.id,
        source=source,
        next_check_at=row.next_check_at,
        validators=Validators(etag=row.etag, last_modified=row.last_modified),
        failures=row.failures,
        last_ok_at=row.last_ok_at,
        last_error=row.last_error,
        usual_count=row.usual_count,
        listed=row.listed,
        enabled=row.enabled,
    )
