"""Fetch what is due: get, parse, hold against the store, record; a source at a time."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from digest.errors import FetchError, GoneError
from digest.fetch.arxiv_address import gap_address, gap_days, recent_addresses
from digest.fetch.diff import diff
from digest.fetch.joining import join
from digest.fetch.next_check import after_failure, after_gone, after_success
from digest.fetch.plausible import check_plausible
from digest.model import (
    Announcement,
    Change,
    ChangeKind,
    Fetched,
    Item,
    Listing,
    ListingOutcome,
    Source,
    SourceState,
    Validators,
    new_id,
)
from digest.protocols import Clock, Fetcher, Progress
from digest.store import items as item_store
from digest.store import sources
from digest.store.database import Database

logger = logging.getLogger(__name__)

# A claim that is not recorded within its lease is due again: the worker is thought dead.
LEASE = timedelta(minutes=10)
# After so many failures in a row a listing is taken without the days missed before it.
GAP_PATIENCE = 3
# Sources claimed at once; the HTTP client keeps to one connection a host by itself.
BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How one check of a source went, for whoever watches.

    Attributes:
        items: announcements in the listing; new, revised: of them.
    """

    source_name: str
    outcome: ListingOutcome
    items: int = 0
    new: int = 0
    revised: int = 0
    warnings: tuple[str, ...] = ()
    error: str | None = None


async def fetch_due(
    database: Database,
    fetcher: Fetcher,
    *,
    clock: Clock,
    names: Collection[str] | None = None,
    progress: Progress,
) -> list[Check]:
    """Check every source that is due, or the named ones; a failed one stops no other."""
    states = await asyncio.to_thread(_claim_sources, database, clock(), names)
    checks: list[Check] = []
    for check in asyncio.as_completed(
        [check_source(database, fetcher, state, clock=clock) for state in states]
    ):
        checks.append(await check)
        progress("fetch", len(checks), len(states))
    return checks


async def check_source(
    database: Database, fetcher: Fetcher, state: SourceState, *, clock: Clock
) -> Check:
    """Fetch one claimed source, hold its listing against the store, record what came out."""
    try:
        fetched = await fetcher.fetch(state.source, state.validators)
        if fetched.listing:
            _check_plausible(fetched.listing, state, clock())
            listing = await _with_missed_days(database, fetcher, state, fetched.listing)
            fetched = replace(fetched, listing=listing)
    except FetchError as error:
        return await asyncio.to_thread(_record_failure, database, state, error, clock())
    return await asyncio.to_thread(_record_listing, database, state, fetched, clock())


async def try_sources(
    database: Database,
    fetcher: Fetcher,
    names: Collection[str],
    *,
    clock: Clock,
    progress: Progress,
) -> list[Check]:
    """Say what a check of the named sources would bring, without claiming or storing."""
    with database.read() as connection:
        states = [one for one in sources.list_sources(connection) if one.source.name in names]
    checks: list[Check] = []
    for state in states:
        try:
            fetched = await fetcher.fetch(state.source, Validators())
            if fetched.listing:
                _check_plausible(fetched.listing, state, clock())
        except FetchError as error:
            checks.append(_failed(state, error))
            continue
        with database.read() as connection:
            stored = item_store.find_by_keys(connection, _keys(fetched.listing))
        checks.append(
            _check(state, fetched.listing, _diff(fetched.listing, state, stored, clock()))
        )
        progress("fetch", len(checks), len(states))
    return checks


def _claim_sources(
    database: Database, now: datetime, names: Collection[str] | None
) -> list[SourceState]:
    with database.write() as connection:
        return sources.claim_due_sources(connection, now, LEASE, BATCH, names=names)


def _check_plausible(listing: Listing, state: SourceState, now: datetime) -> None:
    check_plausible(listing, state.source, state.usual_count, state.failures, now.date())


async def _with_missed_days(
    database: Database, fetcher: Fetcher, state: SourceState, listing: Listing
) -> Listing:
    """Add what arXiv announced on days whose feed was never read; other sources keep theirs.

    Raises:
        FetchError: the days could not be read; the next check tries again, for a while.
    """
    last = await asyncio.to_thread(_last_shown_on, database, state)
    day = listing.shown_on
    address = gap_address(state.source.url, last, day) if last and day else None
    if last is None or day is None or address is None:
        return listing
    days, place = gap_days(last, day), "query API"
    try:
        found = await fetcher.fetch(replace(state.source, url=address), Validators())
        missed = found.listing or replace(listing, announcements=())
    except FetchError as error:
        lists = recent_addresses(state.source.url, last, day)
        try:
            shown = await _from_lists(fetcher, state.source, lists)
        except FetchError:
            if state.failures < GAP_PATIENCE:
                raise error from None
            said = f"days were missed and could not be filled: {days}: {error}"
            return replace(listing, warnings=(*listing.warnings, said))
        held = (one for one in shown if one.announced_on and last < one.announced_on < day)
        missed, place = replace(listing, announcements=tuple(held)), "recent list"
    said = f"days were missed: {days}: {len(missed.announcements)} items taken from arXiv's {place}"
    return join([listing, missed], [said])


async def _from_lists(
    fetcher: Fetcher, source: Source, addresses: Sequence[str]
) -> list[Announcement]:
    """Read all that list pages show, of several days.

    Raises:
        FetchError: one of them could not be read, or none goes back far enough.
    """
    if not addresses:
        raise FetchError("no list page goes back so far", source=source.name)
    fetched = [
        await fetcher.fetch(replace(source, url=address), Validators()) for address in addresses
    ]
    return [one for page in fetched if page.listing for one in page.listing.announcements]


def _last_shown_on(database: Database, state: SourceState) -> date | None:
    with database.read() as connection:
        return sources.last_shown_on(connection, state.id)


def _record_listing(
    database: Database, state: SourceState, fetched: Fetched, now: datetime
) -> Check:
    listing = fetched.listing
    with database.write() as connection:
        item_store.lock_items(connection)
        stored = item_store.find_by_keys(connection, _keys(listing))
        changes = _diff(listing, state, stored, now)
        item_store.save_changes(connection, state.id, changes, now)
        check = _check(state, listing, changes)
        sources.record_check(
            connection,
            state,
            check.outcome,
            at=now,
            next_check_at=after_success(now, state.source.every, fetched.fresh_for),
            items=check.items,
            new=check.new,
            shown_on=listing.shown_on if listing else None,
            validators=fetched.validators,
            moved_to=fetched.moved_to,
        )
    logger.info(
        "listing stored: source=%s outcome=%s items=%d new=%d revised=%d",
        *(check.source_name, check.outcome, check.items, check.new, check.revised),
    )
    for warning in check.warnings:
        logger.warning("listing is odd: source=%s %s", check.source_name, warning)
    return check


def _record_failure(
    database: Database, state: SourceState, error: FetchError, now: datetime
) -> Check:
    next_check_at = (
        after_gone(now)
        if isinstance(error, GoneError)
        else after_failure(now, state.source.every, state.failures + 1, error.retry_after)
    )
    check = _failed(state, error)
    with database.write() as connection:
        sources.record_check(
            connection,
            state,
            check.outcome,
            at=now,
            next_check_at=next_check_at,
            validators=state.validators,
            error=check.error,
        )
    # The operator hears of the second failure in a row: one alone mends itself.
    level = logging.ERROR if state.failures >= 1 else logging.WARNING
    logger.log(level, "%s (next at %s)", error, next_check_at.strftime("%H:%MZ"))
    return check


def _keys(listing: Listing | None) -> set[str]:
    announcements = listing.announcements if listing else ()
    return {key for announcement in announcements for key in announcement.keys}


def _diff(
    listing: Listing | None, state: SourceState, stored: Mapping[str, Item], now: datetime
) -> list[Change]:
    if listing is None:
        return []
    return diff(
        listing,
        state.source,
        stored,
        now=now,
        baseline=not state.listed,
        new_id=lambda: new_id(now),
    )


def _check(state: SourceState, listing: Listing | None, changes: Sequence[Change]) -> Check:
    kinds = [change.kind for change in changes]
    return Check(
        source_name=state.source.name,
        outcome=_outcome(listing, kinds),
        items=len(listing.announcements) if listing else 0,
        new=kinds.count(ChangeKind.NEW),
        revised=kinds.count(ChangeKind.REVISED),
        warnings=listing.warnings if listing else (),
    )


def _failed(state: SourceState, error: FetchError) -> Check:
    return Check(source_name=state.source.name, outcome=ListingOutcome.FAILED, error=str(error))


def _outcome(listing: Listing | None, kinds: Sequence[ChangeKind]) -> ListingOutcome:
    if listing is not None and not listing.announcements:
        return ListingOutcome.EMPTY
    if all(kind is ChangeKind.SEEN for kind in kinds):
        return ListingOutcome.UNCHANGED
    return ListingOutcome.NEW
