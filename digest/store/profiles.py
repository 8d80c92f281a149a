"""What is costly of readers' profiles, kept by version of ranking's statistics."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, select

from digest.store.database import chunks, upsert
from digest.store.schema import profiles, subscribers


def load_profiles(
    connection: Connection, version: int, subscriber_ids: Collection[str]
) -> dict[str, bytes]:
    """Give what is kept of subscribers for a version, by their ids."""
    return {
        id_: borrowed
        for chunk in chunks(subscriber_ids)
        for id_, borrowed in connection.execute(
            select(profiles.c.subscriber_id, profiles.c.borrowed).where(
                profiles.c.version == version, profiles.c.subscriber_id.in_(chunk)
            )
        )
    }


def save_profiles(connection: Connection, version: int, borrowed: Mapping[str, bytes]) -> None:
    """Keep it, in place of what was kept; whoever was erased meanwhile is left out."""
    there = {
        id_
        for chunk in chunks(borrowed)
        for id_ in connection.scalars(
            select(subscribers.c.id)
            .where(subscribers.c.id.in_(chunk))
            .order_by(subscribers.c.id)
            .with_for_update(read=True, key_share=True)
        )
    }
    rows = [
        {"subscriber_id": id_, "version": version, "borrowed": packed}
        for id_, packed in sorted(borrowed.items())
        if id_ in there
    ]
    if rows:
        add = upsert(connection, profiles)
        change = {"borrowed": add.excluded.borrowed}
        own = ["subscriber_id", "version"]
        connection.execute(add.on_conflict_do_update(index_elements=own, set_=change), rows)


def kept_after(
    connection: Connection, version: int, subscriber_id: str, limit: int
) -> Sequence[str]:
    """Give the next ids, in order, of whom something is kept for a version."""
    return connection.scalars(
        select(profiles.c.subscriber_id)
        .where(profiles.c.version == version, profiles.c.subscriber_id > subscriber_id)
        .order_by(profiles.c.subscriber_id)
        .limit(limit)
    ).all()
