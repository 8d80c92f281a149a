"""What digests name beside their picks: title lines as they stand in a digest's row."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, and_, select

from digest.model import Item, Mention, MentionKind
from digest.store.database import chunks
from digest.store.items import item_of
from digest.store.schema import LIVE, digests, item_history, items, picks
from digest.store.shelf import Look, Shown

Row = tuple[str, str, int, int | None, str | None]
"""Kind, item id, revision, votes, edition that carried an earlier version."""


def to_rows(
    mentions: Sequence[Mention], shown_by_id: Mapping[str, Shown], picked: Collection[Shown]
) -> list[Row]:
    """Give the rows of a digest's mentions; what proved to be a pick of it is left out."""
    return [
        (
            *(one.kind, *shown_by_id[one.item.id], one.item.upvotes),
            one.sent_on.isoformat() if one.sent_on else None,
        )
        for one in mentions
        if one.kind is not MentionKind.ALSO_NEW or shown_by_id[one.item.id] not in picked
    ]


def looks_of(rows: Sequence[Row], day: date) -> list[Look]:
    """Give what the items of rows looked like; no more than a title and its votes is shown."""
    return [
        (item_id, revision, upvotes, None, None, day) for _, item_id, revision, upvotes, _ in rows
    ]


KINDS = {kind.value: kind for kind in MentionKind}


def from_rows(rows: Sequence[Row], named: Sequence[Item]) -> tuple[Mention, ...]:
    """Give mentions of rows, whose items are *named*, in the same order."""
    return tuple(
        [
            Mention(
                kind=KINDS[kind],
                item=item,
                sent_on=date.fromisoformat(sent_on) if sent_on else None,
            )
            for (kind, _, _, _, sent_on), item in zip(rows, named, strict=True)
        ]
    )


def revised_since(
    connection: Connection, since: Mapping[str, datetime], limit: int
) -> dict[str, list[Mention]]:
    """Give what subscribers were sent and what has a newer version since, newest first.

    Args:
        since: instant by subscriber id.
        limit: the most for one subscriber.
    """
    revised = connection.execute(
        select(items.c.id, items.c.revised_at)
        .where(LIVE, items.c.revised_at >= min(since.values()), items.c.version > 1)
        .order_by(items.c.revised_at.desc(), items.c.id)
    ).all()
    was_shown = and_(
        item_history.c.item_id == picks.c.shown_id,
        item_history.c.revision == picks.c.shown_revision,
    )
    found: defaultdict[str, list[tuple[datetime, Mention]]] = defaultdict(list)
    for works in chunks(row.id for row in revised):
        for people in chunks(since):
            rows = connection.execute(
                select(picks.c.subscriber_id, digests.c.edition, items)
                .join(items, items.c.id == picks.c.item_id)
                .join(digests, digests.c.id == picks.c.digest_id)
                .join(item_history, was_shown)
                .where(
                    picks.c.item_id.in_(works),
                    picks.c.subscriber_id.in_(people),
                    items.c.version > item_history.c.version,
                )
            ).mappings()
            for row in rows:
                at = row["revised_at"]
                if at >= since[row["subscriber_id"]]:
                    one = Mention.of(MentionKind.REVISED, item_of(row), row["edition"])
                    found[row["subscriber_id"]].append((at, one))
    return {
        subscriber_id: [
            one for _, one in sorted(pairs, key=lambda pair: pair[0], reverse=True)[:limit]
        ]
        for subscriber_id, pairs in found.items()
    }
