from datetime import UTC, datetime, timedelta

import pytest

from digest.compose.window import News, eligible_items, window_from
from digest.model import Frequency, Item, Schedule, Subscriber

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def item(number, days_ago, sources=("papers",)):
    at = NOW - days_ago * DAY
    return Item(
        id=f"item{number}",
        keys=(f"arxiv:2611.{number:05d}",),
        title=f"Title {number}",
        first_seen_at=at,
        eligible_at=at,
        sources=sources,
    )


@pytest.mark.parametrize(
    ("last_digest_days_ago", "days"),
    [
        pytest.param(None, 3, id="never had one"),
        pytest.param(1, 3, id="yesterday: slow risers get a second chance"),
        pytest.param(7, 7, id="a week: nothing of it is missed"),
        pytest.param(40, 14, id="long away: one digest of a bearable size"),
        pytest.param(-9, 3, id="from a clock that was wrong"),
    ],
)
def test_window_reaches_back_to_the_last_digest_within_bounds(last_digest_days_ago, days):
    last = None if last_digest_days_ago is None else NOW - last_digest_days_ago * DAY
    subscriber = Subscriber(id="one", email="ada@example.org", last_digest_at=last)

    since = window_from(subscriber, NOW, window=3 * DAY, catch_up=14 * DAY)

    assert since == NOW - days * DAY


def test_first_weekly_digest_is_of_a_week():
    weekly = Schedule(frequency=Frequency.WEEKLY, weekdays=frozenset({5}))
    subscriber = Subscriber(id="one", email="ada@example.org", schedule=weekly)

    assert window_from(subscriber, NOW, window=3 * DAY, catch_up=14 * DAY) == NOW - 7 * DAY


def test_item_is_eligible_if_it_is_new_enough_and_was_not_sent():
    items = [item(1, 5), item(2, 2), item(3, 1)]

    eligible = eligible_items([NOW - 3 * DAY, NOW - 9 * DAY], items, [{"item3"}, {"other"}])

    assert eligible.tolist() == [[False, True, False], [True, True, True]]


def test_nothing_is_eligible_where_there_is_nothing():
    assert eligible_items([NOW], [], [set()]).shape == (1, 0)


def test_news_counts_items_and_names_their_sources():
    news = News([item(1, 5, ("old",)), item(2, 2, ("papers", "arxiv")), item(3, 1)])

    assert news.since(NOW - 9 * DAY) == (3, ("arxiv", "old", "papers"))
    assert news.since(NOW - 3 * DAY) == (2, ("arxiv", "papers"))
    assert news.since(NOW) == (0, ())
