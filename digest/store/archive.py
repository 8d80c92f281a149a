"""The public list: what became news on a day, what holds certain words, what it is about."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Subquery, func, select

from digest.model import Item
from digest.store.items import item_of
from digest.store.schema import LIVE, item_words, items
from digest.store.words import matches

SHOWN = LIVE & ~items.c.withdrawn & items.c.eligible_at.is_not(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The items that became news between two instants.

    Attributes:
        items: one page of them, most voted first.
        count: of all of them.
        before, after: the nearest instants outside at which an item became news.
    """

    items: list[Item]
    count: int
    before: datetime | None
    after: datetime | None


def latest_news_at(connection: Connection) -> datetime | None:
    """Give the instant at which the newest item became news."""
    newest: datetime | None = connection.scalar(select(func.max(items.c.eligible_at)).where(SHOWN))
    return newest


def read_stretch(
    connection: Connection, since: datetime, until: datetime, *, limit: int, skip: int = 0
) -> Stretch:
    """Read the items that became news from *since* to before *until*."""
    within = SHOWN & (items.c.eligible_at >= since) & (items.c.eligible_at < until)
    rows = connection.execute(
        select(items)
        .where(within)
        .order_by(func.coalesce(items.c.upvotes, 0).desc(), items.c.eligible_at, items.c.id)
        .limit(limit)
        .offset(skip)
    )
    count = connection.scalar(select(func.count()).select_from(items).where(within))
    eligible_at = items.c.eligible_at
    return Stretch(
        items=[item_of(row) for row in rows.mappings()],
        count=count or 0,
        before=connection.scalar(select(func.max(eligible_at)).where(SHOWN, eligible_at < since)),
        after=connection.scalar(select(func.min(eligible_at)).where(SHOWN, eligible_at >= until)),
    )


def search_items(
    connection: Connection, query: str, topic: str = "", *, limit: int, skip: int = 0
) -> list[Item]:
    """Give the items that hold every word of a query, the most telling match first.

    Args:
        query: what a visitor typed; "" = every item of the topic.
        topic: a category or keyword, as the items spell it or nearly so; "" = any.
    """
    found = matches(connection, query, topic)
    if found is None:
        return []
    rows = connection.execute(
        _items_of(found)
        .order_by(found.c.worth, items.c.eligible_at.desc(), items.c.id.desc())
        .limit(limit)
        .offset(skip)
    )
    return [item_of(row) for row in rows.mappings()]


def _items_of(found: Subquery) -> Select[Any]:
    """Select the shown items of matches, for the caller to order by their worth."""
    return (
        select(items)
        .join(item_words, item_words.c.item_id == items.c.id)
        .join(found, found.c.number == item_words.c.number)
        .where(SHOWN)
    )


def resembling_items(connection: Connection, item: Item, limit: int) -> list[Item]:
    """Give items that share words of an item's title, those with the rarest ones first."""
    found = matches(connection, item.title, any_word=True)
    if found is None:
        return []
    rows = connection.execute(
        _items_of(found)
        .where(items.c.id != item.id)
        .order_by(found.c.worth, items.c.id.desc())
        .limit(limit)
    )
    return [item_of(row) for row in rows.mappings()]


def common_topics(connection: Connection, of_newest: int, limit: int) -> list[str]:
    """Give the categories and keywords that the newest items have most, the commonest first."""
    rows = connection.execute(
        select(items.c.categories, items.c.keywords)
        .where(SHOWN)
        .order_by(items.c.eligible_at.desc())
        .limit(of_newest)
    )
    counted = Counter(topic for row in rows for topic in {*row.categories, *row.keywords})
    return [topic for topic, _count in counted.most_common(limit)]
