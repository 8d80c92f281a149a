from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from digest import rank
from digest.model import Feedback, Interest, Item, Reader, Verdict

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)


def make_item(title: str, number: int = 0, **fields) -> Item:
    given = {"keys": (f"guid:test:{title}:{number}",), "first_seen_at": NOW, **fields}
    return Item(id=f"{title}:{number}", title=title, **given)


def make_reader(*, popularity: float = 0.0, **wishes) -> Reader:
    """A reader with one interest."""
    return Reader(interests=(Interest(name="mine", **wishes),), popularity=popularity)


def more(item: Item, days_ago: float = 0.0) -> Feedback:
    return Feedback(item=item, verdict=Verdict.MORE, at=NOW - timedelta(days=days_ago))


def less(item: Item, days_ago: float = 0.0) -> Feedback:
    return Feedback(item=item, verdict=Verdict.LESS, at=NOW - timedelta(days=days_ago))


def picked(ranker: rank.Ranker, reader: Reader, items: list[Item], limit: int = 10):
    [ranked] = ranker.rank([reader], items, np.ones((1, len(items)), dtype=bool), limit)
    return ranked


@pytest.fixture(scope="session")
def first_day_ranker():
    return rank.fit([])
