"""Items that prove to be one work: everything that hangs on them moves to the survivor.

A merged item's row stays, pointing at its survivor: digests that showed it still render as
they did, and whoever still holds its id is led on.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, exists, literal, select, update

from digest.model import Change
from digest.store.database import upsert
from digest.store.schema import (
    announcements,
    feedback,
    item_keys,
    item_votes,
    items,
    picks,
)


def survivors(changes: Sequence[Change]) -> dict[str, str]:
    """Give for each item that is merged away the one that survives, chains followed."""
    target: dict[str, str] = {}

    def last(item_id: str) -> str:
        while item_id in target:
            item_id = target[item_id]
        return item_id

    for change in changes:
        for merged_id in change.merged_ids:
            source, survivor = last(merged_id), last(change.item.id)
            if source != survivor:
                target[source] = survivor
    return {item_id: last(item_id) for item_id in target}


def merge_items(connection: Connection, target_by_id: Mapping[str, str]) -> None:
    """Move keys, ledger, feedback, announcements and votes of merged items to their survivors.

    Where a subscriber was sent both, or judged both, the survivor keeps its own row of the
    ledger, and the later verdict counts.

    Args:
        connection: of a transaction that has locked all these items.
        target_by_id: merged item -> survivor; no survivor is merged itself.
    """
    for item_id, target in target_by_id.items():
        _merge(connection, item_id, target)


def _merge(connection: Connection, item_id: str, target: str) -> None:
    connection.execute(
        update(items)
        .where((items.c.id == item_id) | (items.c.merged_into == item_id))
        .values(merged_into=target)
    )
    connection.execute(
        update(item_keys).where(item_keys.c.item_id == item_id).values(item_id=target)
    )
    _move_picks(connection, item_id, target)
    _move_feedback(connection, item_id, target)
    _move_announcements(connection, item_id, target)
    _move_votes(connection, item_id, target)


def _move_picks(connection: Connection, item_id: str, target: str) -> None:
    """Move the ledger's rows; a row that would be the second one stays where it is.

    It stays because its digest did show it, and blocks nothing: a merged item is no candidate.
    """
    also = picks.alias()
    has_target = exists().where(
        also.c.subscriber_id == picks.c.subscriber_id, also.c.item_id == target
    )
    connection.execute(
        update(picks).where(picks.c.item_id == item_id, ~has_target).values(item_id=target)
    )


def _move_feedback(connection: Connection, item_id: str, target: str) -> None:
    add = upsert(connection, feedback)
    connection.execute(
        add.from_select(
            ["subscriber_id", "item_id", "verdict", "at"],
            select(
                feedback.c.subscriber_id, literal(target), feedback.c.verdict, feedback.c.at
            ).where(feedback.c.item_id == item_id),
        ).on_conflict_do_update(
            index_elements=["subscriber_id", "item_id"],
            set_={"verdict": add.excluded.verdict, "at": add.excluded.at},
            where=add.excluded.at > feedback.c.at,
        )
    )
    connection.execute(delete(feedback).where(feedback.c.item_id == item_id))


def _move_announcements(connection: Connection, item_id: str, target: str) -> None:
    moved = [literal(target) if column.name == "item_id" else column for column in announcements.c]
    connection.execute(
        upsert(connection, announcements)
        .from_select(
            [column.name for column in announcements.c],
            select(*moved).where(announcements.c.item_id == item_id),
        )
        .on_conflict_do_nothing()
    )
    connection.execute(delete(announcements).where(announcements.c.item_id == item_id))


def _move_votes(connection: Connection, item_id: str, target: str) -> None:
    add = upsert(connection, item_votes)
    connection.execute(
        add.from_select(
            ["item_id", "day", "upvotes"],
            select(literal(target), item_votes.c.day, item_votes.c.upvotes).where(
                item_votes.c.item_id == item_id
            ),
        ).on_conflict_do_update(
            index_elements=["item_id", "day"],
            set_={"upvotes": add.excluded.upvotes},
            where=add.excluded.upvotes > item_votes.c.upvotes,
        )
    )
    connection.execute(delete(item_votes).where(item_votes.c.item_id == item_id))
