"""Whether a listing can be believed."""

from datetime import date, timedelta

import pytest

from digest.errors import ParseError
from digest.fetch.plausible import check_plausible
from digest.model import Announcement, Listing, Source

FRIDAY = date(2026, 6, 12)
SOURCE = Source(name="papers", url="https://huggingface.co/api/daily_papers")


def listing(count, kind="huggingface", shown_on=FRIDAY, **fields):
    papers = [Announcement(keys=(f"guid:x:{n}",), title="T") for n in range(count)]
    return Listing(kind=kind, announcements=tuple(papers), shown_on=shown_on, **fields)


def check(given, usual=30, *, source=SOURCE, failures=0, today=FRIDAY + timedelta(days=1)):
    check_plausible(given, source, usual, failures, today)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_listing_below_a_third_of_the_usual_is_refused(count):
    with pytest.raises(ParseError, match=f"expected about 30 items as usual, got {count} for"):
        check(listing(count))


@pytest.mark.parametrize(
    ("given", "options"),
    [
        pytest.param(listing(10), {}, id="a third"),
        pytest.param(listing(0), {"usual": None}, id="first listing"),
        pytest.param(listing(0), {"usual": 8}, id="source of few items"),
        pytest.param(listing(2, shown_on=date(2026, 6, 13)), {}, id="Saturday"),
        pytest.param(listing(0, "arxiv", date(2025, 12, 31)), {}, id="holiday of arXiv"),
        pytest.param(listing(0, "feed", skip_weekdays=frozenset({4})), {}, id="skipped day"),
        pytest.param(listing(3), {"today": FRIDAY}, id="day that still fills up"),
        pytest.param(listing(3), {"failures": 5}, id="thin for good"),
        pytest.param(listing(3), {"source": Source(name="x", url="saved.txt")}, id="saved file"),
    ],
)
def test_thin_listing_with_a_reason_is_believed(given, options):
    check(given, **options)


def test_day_without_a_date_of_its_own_is_the_day_of_the_fetch():
    with pytest.raises(ParseError, match="2026-06-12"):
        check(listing(1, "feed", None), today=FRIDAY)
