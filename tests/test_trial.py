"""What a source test gives to scripts and to people; nothing is stored."""

import asyncio
import json

import pytest

from digest.model import Source
from digest.trial import try_listing

FEED = (
    b'<rss version="2.0"><channel><title>x</title><item><title>One</title>'
    b"<guid>a</guid></item></channel></rss>"
)
FIELDS = {"kind", "outcome", "count", "items", "warnings", "error"}
ITEM_FIELDS = [
    *("id", "keys", "title", "summary", "authors", "author_count", "organisation", "categories"),
    *("published_on", "announce", "version", "upvotes", "comments", "link"),
]


def read(url, **options):
    return asyncio.run(try_listing(Source(name="trial", url=str(url), **options)))


def test_listing_is_one_object_with_null_for_what_is_not_known(tmp_path):
    (tmp_path / "feed.xml").write_bytes(FEED)

    told = read(tmp_path / "feed.xml").as_object()

    assert told.keys() == FIELDS
    (item,) = told["items"]
    assert list(item) == ITEM_FIELDS
    assert {name for name, value in item.items() if value is None} == {
        *("summary", "authors", "author_count", "organisation", "categories", "published_on"),
        *("version", "upvotes", "comments", "link"),
    }
    assert (told["kind"], told["outcome"], told["count"]) == ("feed", "items", 1)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("missing.xml", "No such file", id="missing"),
        pytest.param("empty", "the folder holds no file", id="empty folder"),
        pytest.param("bytes.bin", "expected a feed", id="not text"),
        pytest.param("page.html", "expected", id="another page"),
        pytest.param("http://127.0.0.1:9/x", "not a public address", id="private"),
        pytest.param("gopher://example.org/x", "is not an http or https address", id="scheme"),
        pytest.param("http://", "is not an http or https address", id="no host"),
    ],
)
def test_failure_is_the_same_object_with_its_cause(tmp_path, url, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bytes.bin").write_bytes(b"\xff\xfe\x00caf\xe9\xff")
    (tmp_path / "page.html").write_text("<html><title>Log in</title></html>")

    told = read(url if "://" in url else tmp_path / url).as_object()

    assert told.keys() == FIELDS
    assert (told["kind"], told["outcome"], told["count"]) == (None, "failed", 0)
    assert (told["items"], told["warnings"]) == ([], [])
    assert said in told["error"]
    assert told["error"].isprintable()
    json.dumps(told)


def test_settings_to_paste_name_the_source_and_where_it_is_found_again(tmp_path, monkeypatch):
    (tmp_path / "my Blog.xml").write_bytes(FEED)
    monkeypatch.chdir(tmp_path)

    lines = read("my Blog.xml").lines()

    assert lines[0] == "kind feed: 1 items"
    url = json.dumps(str(tmp_path / "my Blog.xml"))
    assert lines[-4:] == ["[[sources]]", 'name = "my-blog"', f"url = {url}", 'kind = "feed"']
