"""arXiv's calendar and the days that were missed."""

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from digest.fetch.arxiv_address import gap_address, recent_addresses
from digest.fetch.arxiv_days import is_quiet, missed_days, submitted_until

FEED = "https://rss.arxiv.org/rss/cs.LG+math"
FRIDAY, MONDAY, TUESDAY = date(2026, 10, 2), date(2026, 10, 5), date(2026, 10, 6)


@pytest.mark.parametrize(
    ("day", "quiet"),
    [
        pytest.param(date(2026, 8, 1), True, id="Saturday"),
        pytest.param(date(2026, 8, 2), True, id="Sunday"),
        pytest.param(date(2025, 12, 31), True, id="New Year's Eve, seen empty"),
        pytest.param(date(2026, 1, 1), True, id="New Year"),
        pytest.param(date(2026, 1, 19), True, id="Martin Luther King Day"),
        pytest.param(date(2026, 5, 25), True, id="Memorial Day"),
        pytest.param(date(2026, 9, 7), True, id="Labor Day"),
        pytest.param(date(2026, 11, 27), True, id="day after Thanksgiving"),
        pytest.param(date(2026, 6, 19), True, id="Juneteenth"),
        pytest.param(date(2026, 4, 27), False, id="Monday"),
        pytest.param(date(2026, 5, 18), False, id="a Monday of May"),
        pytest.param(date(2026, 12, 23), False, id="before Christmas"),
    ],
)
def test_days_without_an_announcement_are_known(day, quiet):
    assert is_quiet(day) is quiet


@pytest.mark.parametrize(
    ("day", "until"),
    [
        (MONDAY, "2026-10-02T14:00:00-04:00"),
        (TUESDAY, "2026-10-05T14:00:00-04:00"),
        (date(2026, 1, 14), "2026-01-13T14:00:00-05:00"),
    ],
)
def test_feed_holds_what_came_until_the_deadline_before(day, until):
    assert submitted_until(day).isoformat() == until


def test_missed_days_are_those_between_that_had_a_feed():
    assert missed_days(FRIDAY, MONDAY) == ()
    assert missed_days(FRIDAY, TUESDAY) == (MONDAY,)
    assert missed_days(TUESDAY, TUESDAY) == ()
    assert missed_days(TUESDAY, FRIDAY) == ()


def test_missed_day_is_asked_for_by_the_submissions_it_held():
    query = parse_qs(urlsplit(gap_address(FEED, FRIDAY, TUESDAY)).query)

    assert query["search_query"] == [
        "(cat:cs.LG OR cat:math*) AND submittedDate:[202610011800 TO 202610021800]"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://arxiv.org/list/cs.LG/recent",
        "https://export.arxiv.org/api/query?search_query=cat:cs.LG",
        "https://blog.example.org/rss/cs.LG",
        "saved.xml",
    ],
)
def test_only_what_shows_a_single_day_has_gaps(url):
    assert gap_address(url, FRIDAY, TUESDAY) is None


def test_gap_of_a_month_is_not_filled():
    assert gap_address(FEED, date(2026, 9, 1), TUESDAY) is None


@pytest.mark.parametrize(
    "url", ["https://arxiv.org/list/cs.LG/new", "https://rss.arxiv.org/atom/cs.LG"]
)
def test_lists_and_atom_feeds_have_gaps_too(url):
    assert "cs.LG" in gap_address(url, FRIDAY, TUESDAY)


def test_recent_lists_are_asked_for_each_category_as_far_as_they_go_back():
    url = "https://rss.arxiv.org/rss/cs.LG+math"

    assert recent_addresses(url, FRIDAY, TUESDAY) == [
        "https://arxiv.org/list/cs.LG/recent?skip=0&show=2000",
        "https://arxiv.org/list/math/recent?skip=0&show=2000",
    ]
    assert recent_addresses(url, date(2026, 9, 24), TUESDAY) == []
    assert recent_addresses(url, FRIDAY, MONDAY) == []
