"""The public list: which items became news on a day, and which ones hold certain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Text, func, or_, select, type_coerce

from digest.model import Item
from digest.store.items import item_of
from digest.store.schema import LIVE, items

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


def search_items(connection: Connection, words: Sequence[str], limit: int) -> list[Item]:
    """Give the newest items that hold every word in title, authors or summary."""
    rows = connection.execute(
        select(items)
        .where(SHOWN, *(_holds(word) for word in words))
        .order_by(items.c.first_seen_at.desc(), items.c.id.desc())
        .limit(limit)
    )
    return [item_of(row) for row in rows.mappings()]


def _holds(word: str) -> ColumnElement[bool]:
    columns = (items.c.title, items.c.summary, items.c.authors)
    # Authors are stored as JSON text, and searched as that.
    return or_(*(type_coerce(column, Text).icontains(word, autoescape=True) for column in columns))
