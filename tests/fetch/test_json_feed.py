"""JSON Feed 1.0 and 1.1."""

import json
from datetime import UTC, date, datetime

import pytest

from digest.errors import ParseError
from digest.fetch.parsing import parse_listing
from digest.model import Source

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="blog", url="https://blog.example.org/feed.json")
BASE = "https://blog.example.org/feeds/feed.json"
VERSION = "https://jsonfeed.org/version/1.1"


def parse(*items, **feed):
    content = json.dumps({"version": VERSION, "items": items, **feed}).encode()
    return parse_listing(content, SOURCE, NOW, base=BASE)


def only(**item):
    (one,) = parse(item).announcements
    return one


def test_item_is_read_whole():
    one = only(
        id="1",
        url="/posts/1",
        title="A &amp; <b>",
        content_html="<p>First.</p><script>no()</script><p>Second.</p>",
        date_published="2026-10-04T23:30:00-05:00",
        authors=[{"name": "Ada"}, {"name": ""}, "odd"],
        tags=["x", "x", 3],
        image="pic.png",
        language="de",
    )

    assert one.keys[:2] == ("guid:blog:1", "link:https://blog.example.org/posts/1")
    # Titles of JSON Feed are plain text.
    assert one.title == "A &amp; <b>"
    assert one.summary == "First.\n\nSecond."
    assert one.published_on == date(2026, 10, 5)
    assert one.authors == ("Ada",)
    assert one.categories == ("x",)
    assert one.thumbnail == "https://blog.example.org/feeds/pic.png"
    assert one.language == "de"


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ({"id": 7, "title": "T"}, "guid:blog:7"),
        ({"id": "https://arxiv.org/abs/2401.01234v2", "title": "T"}, "arxiv:2401.01234"),
        ({"url": "https://a.example/x", "title": "T"}, "link:https://a.example/x"),
        ({"external_url": "https://a.example/x", "title": "T"}, "link:https://a.example/x"),
        ({"content_text": "Said."}, "guid:blog:Said."),
        ({"id": "1", "url": "javascript:alert(1)"}, "guid:blog:1"),
    ],
)
def test_item_is_known_by_the_best_name_it_has(item, key):
    assert only(**item).keys[0] == key


def test_item_without_a_title_takes_its_first_words():
    assert only(id="1", content_text="Just words.").title == "Just words."


@pytest.mark.parametrize("field", [{"author": {"name": "Ada"}}, {"authors": [{"name": "Ada"}]}])
def test_author_of_the_feed_stands_in(field):
    listing = parse({"id": "1", "title": "T"}, **field)

    assert listing.announcements[0].authors == ("Ada",)


@pytest.mark.parametrize(
    "day", ["2026-13-45", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", 7, "", None]
)
def test_impossible_date_is_no_date(day):
    assert only(id="1", title="T", date_published=day).published_on is None


def test_feed_says_where_it_goes_on():
    assert parse(next_url="feed2.json").next_url == "https://blog.example.org/feeds/feed2.json"
    assert parse(next_url="file:///etc/passwd").next_url is None


def test_odd_items_are_left_out_and_reported():
    listing = parse({"id": "1", "title": "T"}, "odd", None)

    assert len(listing.announcements) == 1
    assert listing.warnings == ("2 items are no objects: left out",)


def test_unknown_version_is_read_and_reported():
    assert "is not known" in parse(version="https://jsonfeed.org/version/7").warnings[0]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ({"rss": {"channel": {"item": [{"title": "x"}]}}}, "RSS put into JSON"),
        ({"version": VERSION}, "with items, got a NoneType"),
        ({"version": VERSION, "items": {"0": {}}}, "with items, got an object"),
        ({"version": VERSION, "items": ["x"]}, "items that are objects"),
    ],
)
def test_what_is_no_json_feed_is_an_error(content, cause):
    with pytest.raises(ParseError, match=cause):
        parse_listing(json.dumps(content).encode(), SOURCE, NOW)


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_cut_off_feed_is_an_error(cut):
    content = json.dumps({"version": VERSION, "items": [{"id": "1", "title": "x" * 50}]}).encode()

    with pytest.raises(ParseError, match="expected JSON"):
        parse_listing(content[:-cut], SOURCE, NOW)
