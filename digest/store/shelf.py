"""Items as digests show them: each as it stood when the digest was recorded."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Connection, select, tuple_

from digest.model import Item
from digest.store.database import chunks
from digest.store.items import VotesByDay, item_of, votes_by_day
from digest.store.schema import item_history, items

VOTES_SHOWN = timedelta(days=14)
"""How far back an item's votes by day go: the longest window of a digest, as it is set usually."""

KEPT = 4096
"""Items of a run; one takes some 4 kB."""

Shown = tuple[str, int]
"""An item as a digest shows it: id and revision."""

Look = tuple[str, int, int | None, int | None, str | None, date]
"""What an item looked like: id and revision, upvotes, comments; whose votes by day, until when.

A plain tuple: a run makes one for every pick.
"""


class Shelf:
    """Keeps items from one batch of digests to the next: those of one day share most.

    What is read once is never stale: a revision that was shown does not change.
    """

    def __init__(self) -> None:
        self._items: dict[Look, Item] = {}

    def fetch(self, connection: Connection, looks: Collection[Look]) -> Mapping[Look, Item]:
        """Give the items of these looks, and maybe others."""
        missing = {look for look in looks if look not in self._items}
        if missing and len(self._items) + len(missing) > KEPT:
            self._items = {}
            missing = set(looks)
        if missing:
            self._items |= _read(connection, missing)
        return self._items


def _read(connection: Connection, looks: Collection[Look]) -> dict[Look, Item]:
    stood, survivors = _as_stood(connection, {(look[0], look[1]) for look in looks})
    since = min(look[5] for look in looks) - VOTES_SHOWN
    counted = {look[4]: survivors.get(look[4], look[4]) for look in looks if look[4]}
    votes = votes_by_day(connection, set(counted.values()), since)
    return {
        look: replace(
            stood[look[0], look[1]],
            upvotes=look[2],
            comments=look[3],
            votes_by_day=_votes_until(votes.get(counted[look[4]], ()), look[5], look[2])
            if look[4]
            else (),
        )
        for look in looks
    }


def _votes_until(votes: VotesByDay, day: date, upvotes: int | None) -> VotesByDay:
    """Give the votes up to the day a digest was composed, that day's as they stood then."""
    past = tuple(entry for entry in votes if day - VOTES_SHOWN <= entry[0] < day)
    if not votes or upvotes is None:
        return past
    return (*past, (day, max(upvotes, past[-1][1] if past else 0)))


def _as_stood(
    connection: Connection, shown: Collection[Shown]
) -> tuple[dict[Shown, Item], dict[str, str]]:
    """Give items as they stood at a revision, and the ids of those that were merged into others.

    That is today's row if it is of that revision, else history's.
    """
    stood: dict[Shown, Item] = {}
    survivors: dict[str, str] = {}
    for chunk in chunks({item_id for item_id, _ in shown}):
        for row in connection.execute(select(items).where(items.c.id.in_(chunk))).mappings():
            stood[row["id"], row["revision"]] = item_of(row)
            if row["merged_into"]:
                survivors[row["id"]] = row["merged_into"]
    for earlier in chunks(shown - stood.keys()):
        rows = connection.execute(
            select(item_history).where(
                tuple_(item_history.c.item_id, item_history.c.revision).in_(earlier)
            )
        )
        for row in rows.mappings():
            key = (row["item_id"], row["revision"])
            values = {"id": key[0], "upvotes": None, "comments": None}
            stood[key] = item_of({**row, **values})
    return stood, survivors
