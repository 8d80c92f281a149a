"""Popularity: a count means the same on every source and day, and a riser is told."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.rank.popularity import popularity, votes_since_yesterday
from tests.rank.conftest import make_item

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
SUNDAY = MONDAY - timedelta(days=1)
TODAY = MONDAY.date()


def seen(upvotes, at=MONDAY, source="papers", number=0, **fields):
    return make_item(
        f"{source} {at:%a}", number, upvotes=upvotes, first_seen_at=at, sources=(source,), **fields
    )


def test_votes_of_a_thin_sunday_count_as_much_as_those_of_a_full_monday():
    monday = [seen(votes, number=n) for n, votes in enumerate([50] * 100)]
    sunday = [seen(votes, SUNDAY, number=n) for n, votes in enumerate([5] * 100)]

    found = popularity([*monday, *sunday])

    assert found[100] == pytest.approx(found[0], abs=0.05)


def test_votes_of_a_loud_source_count_as_much_as_those_of_a_quiet_one():
    loud = [seen(500, source="loud", number=n) for n in range(50)]
    quiet = [seen(3, source="quiet", number=n) for n in range(50)]

    found = popularity([*loud, *quiet])

    assert found[0] == pytest.approx(found[50])


@given(
    votes=st.lists(st.integers(0, 10_000), min_size=2, max_size=20),
    place=st.integers(0, 19),
    extra=st.integers(1, 100),
)
def test_more_votes_never_mean_less(votes, place, extra):
    place %= len(votes)
    items = [seen(count, number=n) for n, count in enumerate(votes)]
    lifted = [*items[:place], seen(votes[place] + extra, number=place), *items[place + 1 :]]

    assert popularity(lifted)[place] >= popularity(items)[place] - 1e-9
    assert 0.0 <= popularity(lifted).min() <= popularity(lifted).max() <= 1.0


@pytest.mark.parametrize(
    ("votes_by_day", "upvotes", "rise"),
    [
        pytest.param(((TODAY - timedelta(days=1), 5), (TODAY, 30)), 30, 25, id="rose overnight"),
        pytest.param(((TODAY - timedelta(days=5), 5), (TODAY, 30)), 30, 5, id="over five days"),
        pytest.param(((TODAY, 12),), 12, 12, id="appeared today"),
        pytest.param(((TODAY - timedelta(days=1), 12),), 12, 0, id="not shown today"),
        pytest.param(((TODAY - timedelta(days=1), 9), (TODAY, 7)), 7, 0, id="lost votes"),
        pytest.param((), 40, 40, id="no count by day"),
        pytest.param((), None, None, id="nobody votes"),
    ],
)
def test_rise_is_what_was_won_since_yesterday(votes_by_day, upvotes, rise):
    item = seen(upvotes, votes_by_day=votes_by_day)
    other = seen(1, number=1, votes_by_day=((TODAY, 1),))

    assert votes_since_yesterday([item, other])[0] == rise


def test_of_equal_votes_the_riser_is_more_popular():
    yesterday = TODAY - timedelta(days=1)
    riser = seen(40, SUNDAY, votes_by_day=((yesterday, 5), (TODAY, 40)))
    tired = seen(40, SUNDAY, number=1, votes_by_day=((yesterday, 40), (TODAY, 40)))

    first, second = popularity([riser, tired])

    assert first > second
