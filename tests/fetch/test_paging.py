"""Listings of many pages, against a real server on loopback."""

import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from digest.errors import EmptyPageError
from digest.fetch.fetcher import ListingFetcher
from digest.fetch.paging import MAX_ARCHIVE_PAGES
from digest.model import Source, Validators

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
VERSION = "https://jsonfeed.org/version/1.1"


@pytest.fixture
def fetcher(http, sandbox):
    return ListingFetcher(http, sandbox, lambda: NOW)


async def read(fetcher, url, kind="auto"):
    source = Source(name="many", url=url, kind=kind, private_network=True)
    return await fetcher.fetch(source, Validators())


def titles(fetched):
    return [one.title for one in fetched.listing.announcements]


def papers(*numbers):
    return json.dumps(
        [{"paper": {"id": f"2606.{number:05}", "title": f"Paper {number}"}} for number in numbers]
    )


def json_feed(*names, **fields):
    items = [{"id": name, "title": name} for name in names]
    return json.dumps({"version": VERSION, "items": items, **fields})


def answer(start, *numbers, total=3):
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/2606.{n:05}v1</id><title>Paper {n}</title></entry>"
        for n in numbers
    )
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:o="http://a9.com/-/spec/opensearch/1.1/">'
        f"<id>http://arxiv.org/api/x</id><o:totalResults>{total}</o:totalResults>"
        f"<o:startIndex>{start}</o:startIndex>{entries}</feed>"
    )


def by_query(site, path, name, pages):
    """Answer a path by what its query says; "" where it says nothing."""

    async def handler(request):
        given = pages[request.query.get(name, "")]
        body, headers = given if isinstance(given, tuple) else (given, {})
        return web.Response(text=body, headers=headers)

    site.handle(path, handler)


async def test_json_feed_is_followed_to_its_end(fetcher, site):
    site.answer("/1", json_feed("a", "b", next_url="/2"), ETag='"x"')
    site.answer("/2", json_feed("b", "c"))

    fetched = await read(fetcher, site.url("/1"))

    assert titles(fetched) == ["a", "b", "c"]
    assert fetched.validators.etag == '"x"'
    assert fetched.listing.warnings == ()


async def test_hub_period_is_paged_by_number(fetcher, site):
    path = "/api/daily_papers"
    by_query(site, path, "p", {"": papers(1, 2), "1": papers(3, 4), "2": papers(5)})

    fetched = await read(fetcher, site.url(f"{path}?date=2026-06-12&limit=2"))

    assert titles(fetched) == [f"Paper {n}" for n in (1, 2, 3, 4, 5)]


async def test_hub_is_followed_by_its_link_header(fetcher, site):
    path = "/api/daily_papers"
    linked = {"Link": f'<{path}?week=2026-W24&cursor=x>; rel="next"'}
    by_query(site, path, "cursor", {"": (papers(1), linked), "x": papers(2)})

    fetched = await read(fetcher, site.url(f"{path}?week=2026-W24"))

    assert titles(fetched) == ["Paper 1", "Paper 2"]


async def test_archive_without_end_is_followed_for_a_few_pages(fetcher, site):
    path = "/api/daily_papers"

    async def endless(request):
        page = int(request.query.get("p", "0"))
        linked = {"Link": f'<{path}?p={page + 1}&x=1>; rel="next"'}
        headers = linked if "p" not in request.query else {}
        return web.Response(text=papers(page + 1), headers=headers)

    site.handle(path, endless)

    await read(fetcher, site.url(path))

    assert len(site.requests) <= MAX_ARCHIVE_PAGES


async def test_query_is_paged_and_a_page_empty_by_mistake_asked_again(fetcher, site):
    empty_once = [answer(2), answer(2, 3)]

    async def handler(request):
        if request.query.get("start", "0") == "0":
            return web.Response(text=answer(0, 1, 2))
        return web.Response(text=empty_once.pop(0))

    site.handle("/api/query", handler)

    fetched = await read(fetcher, site.url("/api/query?search_query=cat:cs.LG"), "arxiv")

    assert titles(fetched) == ["Paper 1", "Paper 2", "Paper 3"]
    assert empty_once == []


async def test_page_that_stays_empty_is_an_error(fetcher, site):
    site.answer("/api/query", answer(0))

    with pytest.raises(EmptyPageError, match="although 3 results exist"):
        await read(fetcher, site.url("/api/query"), "arxiv")

    assert len(site.requests) == 3


async def test_lost_page_is_said_and_the_next_check_asks_anew(fetcher, site):
    site.answer("/1", json_feed("a", next_url="/2"), ETag='"x"')

    fetched = await read(fetcher, site.url("/1"))

    assert titles(fetched) == ["a"]
    assert "page 2 could not be read" in fetched.listing.warnings[0]
    assert fetched.validators == Validators()


@pytest.mark.parametrize("following", ["/1", "http://localhost:1/x", "http://10.0.0.1/", "/same"])
async def test_listing_leads_nowhere_else(fetcher, site, following):
    """It must not choose whom we ask, nor keep us asking."""
    site.answer("/1", json_feed("a", next_url=following))
    site.answer("/same", json_feed("a", next_url="/1"))

    fetched = await read(fetcher, site.url("/1"))

    assert titles(fetched) == ["a"]
    assert len(site.requests) <= 2


async def test_moved_source_says_where_to(fetcher, site):
    site.answer("/old", status=301, Location="/new")
    site.answer("/new", json_feed("a"))

    fetched = await read(fetcher, site.url("/old"))

    assert fetched.listing.warnings == (
        f"moved for good to {site.url('/new')}: change its url in the settings",
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("/papers/date/2026-06-13", "asked for 2026-06-13, the listing is of 2026-06-12"),
        ("/papers/week/2026-W30", "asked for 2026-W30, the listing is of 2026-06-12"),
        ("/papers/week/2026-W24", None),
        ("/papers/month/2026-06", None),
        ("/papers/date/2026-06-12", None),
    ],
)
async def test_asked_period_is_held_against_the_one_shown(fetcher, site, samples, asked, said):
    site.answer(asked, (samples / "hf-api" / "daily_papers-2026-06-12.json").read_bytes())

    fetched = await read(fetcher, site.url(asked))

    assert fetched.listing.warnings == ((said,) if said else ())


async def test_redirect_of_a_day_without_papers_is_said(fetcher, site):
    site.answer("/papers/date/2026-06-14", status=302, Location="/papers")
    site.answer("/papers", papers(1))

    fetched = await read(fetcher, site.url("/papers/date/2026-06-14"))

    assert "asked for 2026-06-14, was sent to" in fetched.listing.warnings[0]
