"""A source to its listing: where it is read from, and by which parser."""

import contextlib
import os
from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import FetchError, ParseError
from digest.fetch.fetcher import ListingFetcher
from digest.fetch.parsing import detect, parse_listing
from digest.fetch.sandbox import Sandbox
from digest.model import Source, Validators

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
NONE = Validators()
FEED = "<rss version='2.0'><channel><title>x</title><ttl>60</ttl><item><title>One</title>\
    <link>a</link></item></channel></rss>"


@pytest.fixture
def fetcher(http, sandbox):
    return ListingFetcher(http, sandbox, lambda: NOW)


def source(url, **options):
    return Source(name="blog", url=url, private_network=True, **options)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("hf-api", "huggingface"),
        ("hf-html", "huggingface"),
        ("hf-text", "huggingface"),
        ("arxiv-feed", "arxiv"),
        ("arxiv-api", "arxiv"),
        ("biorxiv", "feed"),
        ("feeds-guid", "feed"),
        ("feeds-dates", "feed"),
        ("hostile-html", "feed"),
    ],
)
def test_kind_is_told_by_content(samples, folder, kind):
    kinds = {path.name: detect(path.read_bytes()) for path in (samples / folder).iterdir()}

    assert set(kinds.values()) == {kind}


async def test_address_is_fetched_and_parsed(fetcher, site):
    site.answer("/x/feed", FEED, ETag='"1"', Cache_Control="max-age=60")

    fetched = await fetcher.fetch(source(site.url("/x/feed")), NONE)

    assert [one.title for one in fetched.listing.announcements] == ["One"]
    assert fetched.listing.announcements[0].links.page == site.url("/x/a")
    assert fetched.validators == Validators(etag='"1"')


async def test_longest_wish_of_server_and_feed_counts(fetcher, site):
    site.answer("/", FEED, Cache_Control="max-age=60")

    fetched = await fetcher.fetch(source(site.url()), NONE)

    assert fetched.fresh_for == timedelta(hours=1)


async def test_unchanged_address_has_no_listing(fetcher, site):
    site.answer("/", status=304)

    fetched = await fetcher.fetch(source(site.url()), Validators(etag='"1"'))

    assert fetched.listing is None
    assert fetched.validators == Validators(etag='"1"')


async def test_file_is_read_once(fetcher, tmp_path):
    (tmp_path / "feed.xml").write_text(FEED)

    first = await fetcher.fetch(source(str(tmp_path)), NONE)
    second = await fetcher.fetch(source(str(tmp_path)), first.validators)

    assert len(first.listing.announcements) == 1
    assert second.listing is None


async def test_years_are_concluded_from_the_time_of_the_capture(fetcher, samples, tmp_path):
    """Sample 001 is of October 2025; the time of its file says so."""
    path = tmp_path / "001.txt"
    path.write_bytes((samples / "hf-text" / "001_ba9f93ca00140ad5.txt").read_bytes())
    captured = datetime(2025, 10, 31, 12, tzinfo=UTC).timestamp()
    os.utime(path, (captured, captured))

    fetched = await fetcher.fetch(source(str(path)), NONE)

    assert max(one.published_on.year for one in fetched.listing.announcements) == 2025


@pytest.mark.parametrize(
    ("body", "kind", "cause"),
    [
        pytest.param("", "auto", "empty document", id="empty"),
        pytest.param("<html><body>Sorry</body></html>", "auto", "expected", id="page"),
        pytest.param("<html><body>Sorry</body></html>", "feed", "got <html>", id="page for a feed"),
        pytest.param(FEED, "arxiv", "has an arXiv id", id="feed for arxiv"),
        pytest.param('{"error": "no"}', "huggingface", "answered with an error", id="json error"),
        pytest.param("[" * 100_000, "auto", "nested too deep", id="deep json"),
        pytest.param("x", "gopher", 'kind "gopher" is not known', id="unknown kind"),
    ],
)
async def test_what_is_no_listing_is_an_error_of_that_source(fetcher, site, body, kind, cause):
    site.answer("/", body)

    with pytest.raises(ParseError, match=cause) as caught:
        await fetcher.fetch(source(site.url(), kind=kind), NONE)

    assert str(caught.value).startswith("parse blog: ")


async def test_network_error_names_the_source(fetcher, site):
    with pytest.raises(FetchError, match="fetch blog: HTTP 404 from"):
        await fetcher.fetch(source(site.url()), NONE)


async def test_quadratic_document_costs_the_sandbox_only(http, site):
    """100,000 attributes keep feedparser busy for over 20 s."""
    attributes = " ".join(f'a{n}="x"' for n in range(100_000))
    site.answer("/bomb", f'<rss version="2.0"><channel {attributes}></channel></rss>')
    site.answer("/", FEED)

    async with Sandbox(cpu_limit=timedelta(seconds=1), time_limit=timedelta(minutes=1)) as sandbox:
        fetcher = ListingFetcher(http, sandbox, lambda: NOW)
        with pytest.raises(ParseError, match="over 1 s of processor time"):
            await fetcher.fetch(source(site.url("/bomb")), NONE)
        fetched = await fetcher.fetch(source(site.url()), NONE)

    assert len(fetched.listing.announcements) == 1


def test_title_of_ten_megabytes_is_cut():
    content = FEED.replace("One", "word " * 2_000_000).encode()

    listing = parse_listing(content, source("x"), NOW)

    assert len(listing.announcements[0].title) <= 500


async def test_ids_of_a_search_are_replaced_by_the_articles_behind_them(fetcher, site, samples):
    site.answer("/eutils/esearch.fcgi", (samples / "pubmed/pubmed_esearch.json").read_bytes())
    site.answer("/eutils/efetch.fcgi", (samples / "pubmed/pubmed_efetch.xml").read_bytes())

    fetched = await fetcher.fetch(source(site.url("/eutils/esearch.fcgi?term=x"), kind="api"), NONE)

    assert len(fetched.listing.announcements) == 5
    assert fetched.listing.announcements[0].summary.startswith("BACKGROUND")


async def test_pages_of_a_site_are_followed_as_far_as_the_source_says(fetcher, site):
    for number in range(1, 5):
        markup = (
            f"<article><h2><a href='/{number}'>Title number {number}</a></h2></article>"
            f"<a rel=next href='/p{number + 1}'>next</a>"
        )
        site.answer(f"/p{number}", markup)

    fetched = await fetcher.fetch(source(site.url("/p1"), kind="page", options={"pages": 2}), NONE)

    titles = [one.title for one in fetched.listing.announcements]
    assert titles == ["Title number 1", "Title number 2"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("api", b'{"total":1,"offset":0,"data":[' + b'{"paperId":"1"},' * 200_000 + b"{}]}"),
        ("api", b'{"notes":' * 50_000),
        ("api", b"<PubmedArticleSet>" + b"<PubmedArticle>" * 300_000),
        ("page", b"<article><h2>" * 300_000),
        ("page", b"<article><h2>Title</h2></article>" * 200_000),
        ("file", b"From x\nFrom: a\n\nx\n\n" * 200_000),
        ("file", b"From: a\nContent-Type: text/html\n\n" + b"<a href=http://a.example>" * 300_000),
    ],
    ids=["items", "depth", "elements", "markup depth", "articles", "mails", "links"],
)
async def test_hostile_document_ends_in_a_result_or_an_error(sandbox, kind, content):
    with contextlib.suppress(ParseError):
        listing = await sandbox.run(parse_listing, content, source("x", kind=kind), NOW)
        assert len(listing.announcements) <= 5_000
