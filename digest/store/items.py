"""Items: the works themselves, found by their keys, revised, and merged when two prove one."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from digest.model import Change, Item
from digest.store.database import ITEMS_LOCK, advisory_lock, chunks, update_rows, upsert
from digest.store.merging import merge_items, survivors
from digest.store.schema import (
    LIVE,
    announcements,
    item_history,
    item_keys,
    item_votes,
    items,
    sources,
)
from digest.store.words import index_items

ITEM_FIELDS = tuple(part.name for part in fields(Item) if part.name != "votes_by_day")
COUNTS = {"upvotes", "comments"}
VotesByDay = tuple[tuple[date, int], ...]
"""Votes at the end of each day (UTC) on which a source showed the item, oldest first."""
NO_DAY = date.min
"""The day of a listing that shows none; NULL would not be the same day twice."""


def find_by_keys(connection: Connection, keys: Collection[str]) -> dict[str, Item]:
    """Give the item of every key that has one; thousands of keys are fine."""
    id_by_key: dict[str, str] = {}
    for chunk in chunks(keys):
        found = select(item_keys.c.key, item_keys.c.item_id).where(item_keys.c.key.in_(chunk))
        id_by_key.update((row.key, row.item_id) for row in connection.execute(found))
    item_by_id = get_items(connection, set(id_by_key.values()))
    return {key: item_by_id[item_id] for key, item_id in id_by_key.items()}


def get_items(connection: Connection, ids: Collection[str]) -> dict[str, Item]:
    """Give items by id."""
    rows = (
        row
        for chunk in chunks(ids)
        for row in connection.execute(select(items).where(items.c.id.in_(chunk))).mappings()
    )
    return {row["id"]: item_of(row) for row in rows}


def find_item(connection: Connection, id_or_key: str) -> Item | None:
    """Give the item of an id, also of one that was merged away, or of a key."""
    by_key = select(item_keys.c.item_id).where(item_keys.c.key == id_or_key)
    by_id = select(func.coalesce(items.c.merged_into, items.c.id)).where(items.c.id == id_or_key)
    row = connection.execute(
        select(items).where(items.c.id.in_(by_id) | items.c.id.in_(by_key))
    ).mappings()
    return next(map(item_of, row), None)


def lock_items(connection: Connection) -> None:
    """Wait for whoever compares a listing with the store, until this transaction ends.

    Find, diff and save are one step then, so two sources cannot both add the same work.
    """
    advisory_lock(connection, ITEMS_LOCK)


def save_changes(
    connection: Connection, source_id: str, changes: Sequence[Change], at: datetime
) -> None:
    """Store what diff found in one listing of a source.

    An item whose visible part changes goes to the history first, so a digest that showed it
    looks the same ever after.  Items that prove to be one are merged.

    Args:
        connection: of a transaction that holds `lock_items`.
        source_id: whose listing it was.
        changes: in the listing's order, SEEN ones too.
        at: when the listing was fetched.
    """
    source_name = connection.scalar(select(sources.c.name).where(sources.c.id == source_id))
    targets = survivors(changes)
    added: list[dict[str, Any]] = []
    revised: list[dict[str, Any]] = []
    counted: list[dict[str, Any]] = []
    for change in changes:
        row = _row(change.item)
        if source_name not in change.item.sources:
            row["sources"] = (*change.item.sources, source_name)
        before = _row(change.previous) if change.previous else None
        if before is None:
            added.append(row | {"revision": 1})
        elif changed := {name for name in ITEM_FIELDS if row[name] != before[name]}:
            if changed <= COUNTS:
                counted.append({name: row[name] for name in ("id", *COUNTS)})
            else:
                revised.append(row)
    _lock_rows(connection, {row["id"] for row in (*revised, *counted)}, targets)
    if added:
        connection.execute(insert(items), added)
    _revise(connection, revised)
    update_rows(connection, items.c.id, counted)
    merge_items(connection, targets)
    index_items(connection, {row["id"] for row in (*added, *revised)})
    _save_keys(connection, changes, targets)
    _save_announcements(connection, source_id, changes, targets, at)
    _save_votes(connection, changes, targets, at)


def candidates(connection: Connection, since: datetime) -> list[Item]:
    """Give what a digest may carry: eligible since then, not withdrawn, oldest first."""
    rows = connection.execute(
        select(items)
        .where(items.c.eligible_at >= since, ~items.c.withdrawn, LIVE)
        .order_by(items.c.eligible_at, items.c.id)
    )
    return [item_of(row) for row in rows.mappings()]


def votes_by_day(
    connection: Connection, item_ids: Collection[str], since: date
) -> dict[str, VotesByDay]:
    """Give the votes that items had on each day since then; items without any are left out.

    The last entry of today is the count so far; days on which no source showed the item, or
    none with votes, are missing.
    """
    found: defaultdict[str, list[tuple[date, int]]] = defaultdict(list)
    for chunk in chunks(item_ids):
        rows = connection.execute(
            select(item_votes)
            .where(item_votes.c.item_id.in_(chunk), item_votes.c.day >= since)
            .order_by(item_votes.c.day)
        )
        for item_id, day, upvotes in rows:
            found[item_id].append((day, upvotes))
    return {item_id: tuple(days) for item_id, days in found.items()}


def with_votes(connection: Connection, found: Sequence[Item], since: date) -> list[Item]:
    """Give items with the votes they had on each day since then; one query for thousands."""
    series = votes_by_day(connection, {item.id for item in found}, since)
    return [
        replace(item, votes_by_day=series[item.id]) if item.id in series else item for item in found
    ]


def recent_items(connection: Connection, limit: int, *, eligible_only: bool = False) -> list[Item]:
    """Give the items seen last, newest first."""
    wanted = select(items).where(LIVE)
    if eligible_only:
        wanted = wanted.where(items.c.eligible_at.is_not(None))
    newest_first = wanted.order_by(items.c.first_seen_at.desc(), items.c.id.desc())
    return [item_of(row) for row in connection.execute(newest_first.limit(limit)).mappings()]


def count_items(connection: Connection) -> int:
    """Count the items."""
    return connection.scalar(select(func.count()).select_from(items).where(LIVE)) or 0


def item_of(row: Mapping[Any, Any] | RowMapping) -> Item:
    """Read an item from a row that has a column for each of its fields."""
    return Item(**{name: row[name] for name in ITEM_FIELDS})


def _row(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ITEM_FIELDS}


def _lock_rows(
    connection: Connection, changed_ids: Collection[str], targets: Mapping[str, str]
) -> None:
    """Wait for whoever records picks of the items that will change.

    In the order of ids, as they do; each in its own order would wait for the other for ever.
    """
    for chunk in chunks(sorted({*changed_ids, *targets, *targets.values()})):
        connection.execute(
            select(items.c.id)
            .where(items.c.id.in_(chunk))
            .order_by(items.c.id)
            .with_for_update(key_share=True)
        )


def _revise(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Move the stored rows to the history and put these in their place."""
    copied = [column.name for column in item_history.c if column.name != "item_id"]
    for chunk in chunks({row["id"] for row in rows}):
        connection.execute(
            insert(item_history).from_select(
                ["item_id", *copied],
                select(items.c.id, *(items.c[name] for name in copied)).where(
                    items.c.id.in_(chunk)
                ),
            )
        )
    update_rows(connection, items.c.id, rows, revision=items.c.revision + 1)


def _save_keys(
    connection: Connection, changes: Sequence[Change], targets: Mapping[str, str]
) -> None:
    """Note the keys of changed items; a key stays with the item that had it first."""
    rows = [
        {"key": key, "item_id": targets.get(change.item.id, change.item.id)}
        for change in changes
        if change.previous is None or change.item.keys != change.previous.keys
        for key in change.item.keys
    ]
    if rows:
        connection.execute(upsert(connection, item_keys).on_conflict_do_nothing(), rows)


def _save_announcements(
    connection: Connection,
    source_id: str,
    changes: Sequence[Change],
    targets: Mapping[str, str],
    at: datetime,
) -> None:
    """Note where the source showed each item; a later listing of the same day replaces it."""
    row_by_item_and_day: dict[tuple[str, date], dict[str, Any]] = {}
    for place, change in enumerate(changes, start=1):
        shown = change.announcement
        item_id = targets.get(change.item.id, change.item.id)
        day = shown.announced_on or NO_DAY
        row = {
            "source_id": source_id,
            "item_id": item_id,
            "day": day,
            "kind": shown.announce,
            "place": place,
            "upvotes": shown.upvotes,
            "comments": shown.comments,
            "seen_at": at,
        }
        row_by_item_and_day.setdefault((item_id, day), row)
    if not row_by_item_and_day:
        return
    add = upsert(connection, announcements)
    replaced = ("kind", "place", "upvotes", "comments", "seen_at")
    connection.execute(
        add.on_conflict_do_update(
            index_elements=["source_id", "item_id", "day"],
            set_={name: add.excluded[name] for name in replaced},
        ),
        list(row_by_item_and_day.values()),
    )


def _save_votes(
    connection: Connection,
    changes: Sequence[Change],
    targets: Mapping[str, str],
    at: datetime,
) -> None:
    """Note the votes of the day; of several sources the one that shows the most counts."""
    most: dict[str, int] = {}
    for change in changes:
        if change.announcement.upvotes is not None:
            item_id = targets.get(change.item.id, change.item.id)
            most[item_id] = max(change.announcement.upvotes, most.get(item_id, 0))
    if not most:
        return
    day = at.astimezone(UTC).date()
    add = upsert(connection, item_votes)
    connection.execute(
        add.on_conflict_do_update(
            index_elements=["item_id", "day"],
            set_={"upvotes": add.excluded.upvotes},
            where=add.excluded.upvotes > item_votes.c.upvotes,
        ),
        [
            {"item_id": item_id, "day": day, "upvotes": upvotes}
            for item_id, upvotes in sorted(most.items())
        ],
    )
