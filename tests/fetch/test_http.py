"""One polite, guarded GET, against a real server on loopback."""

import asyncio
import gzip
import socket
import zlib
from datetime import timedelta

import brotli
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from backports import zstd
from yarl import URL

from digest.errors import FetchError
from digest.fetch.body import Body
from digest.fetch.guard import redirect_target
from digest.fetch.http import BODY_LIMIT_BYTES, Http
from digest.model import Validators

NONE = Validators()


async def get(http, url, validators=NONE):
    return await http.get(url, validators, private_network=True)


# --- the plain path ---------------------------------------------------------------------


async def test_answer_brings_content_validators_and_freshness(http, site):
    site.answer(
        "/feed",
        "<rss/>",
        ETag='"a"',
        Last_Modified="Mon, 05 Oct 2026 06:00:00 GMT",
        Cache_Control="public, max-age=600",
        Content_Type="application/rss+xml; charset=utf-8",
    )

    response = await get(http, site.url("/feed"))

    assert response.content == b"<rss/>"
    assert response.charset == "utf-8"
    assert response.validators == Validators(
        etag='"a"', last_modified="Mon, 05 Oct 2026 06:00:00 GMT"
    )
    assert response.fresh_for == timedelta(minutes=10)
    assert response.moved_to is None


async def test_server_learns_who_asks_and_how_to_reach_us(http, site):
    site.answer("/")

    await get(http, site.url())

    agent = site.requests[0].headers["User-Agent"]
    assert agent.startswith("daily-digest/")
    assert agent.endswith("(+ops@example.org)")


async def test_unchanged_answer_has_no_content_and_keeps_the_validators(http, site):
    validators = Validators(etag='"a"', last_modified="Mon, 05 Oct 2026 06:00:00 GMT")
    site.answer("/", status=304)

    response = await get(http, site.url(), validators)

    assert response.content is None
    assert response.validators == validators
    assert site.requests[0].headers["If-None-Match"] == '"a"'
    assert site.requests[0].headers["If-Modified-Since"] == "Mon, 05 Oct 2026 06:00:00 GMT"


async def test_charset_of_text_types_is_a_servers_default_and_not_believed(http, site):
    site.answer("/", "<rss/>", Content_Type="text/xml; charset=iso-8859-1")

    response = await get(http, site.url())

    assert response.charset is None


async def test_proxy_of_the_environment_is_not_used(http, site, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    site.answer("/", "direct")

    response = await get(http, site.url())

    assert response.content == b"direct"


# --- errors and tries -------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520])
async def test_passing_error_is_tried_three_times(http, site, clock, status):
    site.answer("/", status=status)

    with pytest.raises(FetchError, match=f"HTTP {status} from 127.0.0.1") as caught:
        await get(http, site.url())

    assert len(site.requests) == 3
    assert len(clock.slept) == 2
    assert not caught.value.permanent


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_error_that_will_not_pass_is_not_tried_again(http, site, status):
    site.answer("/", status=status)

    with pytest.raises(FetchError, match=f"HTTP {status}") as caught:
        await get(http, site.url())

    assert len(site.requests) == 1
    assert caught.value.permanent


async def test_gone_says_what_to_do(http, site):
    site.answer("/", status=410)

    with pytest.raises(FetchError, match="gone for good, paused until its url is changed"):
        await get(http, site.url())


async def test_second_try_may_succeed(http, site):
    site.answer("/", status=503)
    site.answer("/", "here")

    response = await get(http, site.url())

    assert response.content == b"here"


async def test_short_retry_after_is_waited_for(http, site, clock):
    site.answer("/", status=429, Retry_After="15")
    site.answer("/", "here")

    await get(http, site.url())

    assert clock.slept == [15.0]


@pytest.mark.parametrize("value", ["3600", "Mon, 05 Oct 2026 13:00:00 GMT"])
async def test_long_retry_after_is_left_to_the_next_check(http, site, value):
    site.answer("/", status=503, Retry_After=value)

    with pytest.raises(FetchError) as caught:
        await get(http, site.url())

    assert len(site.requests) == 1
    assert caught.value.retry_after == timedelta(hours=1)


async def test_broken_connection_is_a_passing_error(http, site):
    async def break_off(request):
        request.transport.abort()
        return web.Response()

    site.handle("/", break_off)

    with pytest.raises(FetchError, match=r"127\.0\.0\.1 broke off") as caught:
        await get(http, site.url())

    assert len(site.requests) >= 3
    assert not caught.value.permanent


async def test_closed_port_is_a_passing_error(http):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(FetchError, match=r"cannot connect to 127\.0\.0\.1") as caught:
        await get(http, f"http://127.0.0.1:{port}/")

    assert not caught.value.permanent


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "http://", "http://[::1", "javascript:1"]
)
async def test_other_addresses_are_refused(http, url):
    with pytest.raises(FetchError, match="is not an") as caught:
        await get(http, url)

    assert caught.value.permanent


async def test_not_modified_without_having_asked_is_an_error(http, site):
    site.answer("/", status=304)

    with pytest.raises(FetchError, match="HTTP 304"):
        await get(http, site.url())


# --- bounds -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        pytest.param("deflate", lambda text: zlib.compress(text)[2:-4], id="deflate raw"),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
        ("identity", bytes),
    ],
)
async def test_encoded_body_is_decoded(http, site, encoding, encode):
    text = b"abstracts and titles, " * 5000
    site.answer("/", encode(text), Content_Encoding=encoding)

    response = await get(http, site.url())

    assert response.content == text


@pytest.mark.parametrize("encoding", ["gzip, gzip", "zstd, zstd", "br,gzip", "compress"])
async def test_nested_or_unknown_encoding_is_refused(http, site, encoding):
    site.answer("/", b"x", Content_Encoding=encoding)

    with pytest.raises(FetchError, match="is not supported") as caught:
        await get(http, site.url())

    assert caught.value.permanent


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("br", lambda content: brotli.compress(content, quality=1)),
        ("zstd", zstd.compress),
    ],
)
async def test_bomb_is_stopped_while_it_unpacks(http, site, encoding, encode):
    site.answer("/", encode(bytes(100 * 1024 * 1024)), Content_Encoding=encoding)

    with pytest.raises(FetchError, match=r"body (unpacks to|is) over .*: refused") as caught:
        await get(http, site.url())

    assert caught.value.permanent


async def test_endless_body_is_stopped_at_the_size_limit(http, site):
    async def pour(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1024 * 1024))

    site.handle("/", pour)

    with pytest.raises(FetchError, match=f"over {BODY_LIMIT_BYTES} bytes"):
        await get(http, site.url())


async def test_size_limit_is_the_operators(site):
    site.answer("/", b"x" * 2000)

    async with Http(body_limit_bytes=1000) as http:
        with pytest.raises(FetchError, match="over 1000 bytes"):
            await get(http, site.url())


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstd.compress)],
)
async def test_cut_off_body_is_an_error(http, site, encoding, encode):
    site.answer("/", encode(b"abstract " * 1000)[:-5], Content_Encoding=encoding)

    with pytest.raises(FetchError, match="cut off"):
        await get(http, site.url())


async def test_body_that_is_not_what_its_header_says_is_an_error(http, site):
    site.answer("/", b"<rss/>", Content_Encoding="gzip")

    with pytest.raises(FetchError, match="not encoded as its header says"):
        await get(http, site.url())


def test_body_may_arrive_in_single_bytes():
    body = Body("deflate", 1000)

    for byte in zlib.compress(b"abstract " * 50):
        body.feed(bytes([byte]))

    assert body.content() == b"abstract " * 50


@pytest.mark.parametrize("part", ["body", "headers"])
async def test_slow_drip_ends_at_the_time_limit(site, part):
    async def drip(request):
        response = web.StreamResponse()
        if part == "body":
            await response.prepare(request)
            await response.write(b"<rss>")
        await asyncio.sleep(60)
        return response

    site.handle("/", drip)

    async with Http(time_limit=timedelta(seconds=0.2)) as http:
        with pytest.raises(FetchError, match=r"did not finish answering within 0\.2 s") as caught:
            await get(http, site.url())

    assert len(site.requests) == 1
    assert not caught.value.permanent


# --- redirects --------------------------------------------------------------------------


async def test_redirect_is_followed_and_the_last_address_told(http, site):
    site.answer("/old", status=302, Location="/new?x=1")
    site.answer("/new", "here")

    response = await get(http, site.url("/old"))

    assert response.content == b"here"
    assert response.url == site.url("/new?x=1")
    assert response.moved_to is None


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [
        ([301], True),
        ([308], True),
        ([301, 308], True),
        ([302], False),
        ([307], False),
        ([301, 302], False),
        ([302, 301], False),
    ],
)
async def test_source_has_moved_only_if_every_hop_is_permanent(http, site, statuses, moved):
    for place, status in enumerate(statuses):
        site.answer(f"/{place}", status=status, Location=f"/{place + 1}")
    site.answer(f"/{len(statuses)}", "here")

    response = await get(http, site.url("/0"))

    assert response.moved_to == (site.url(f"/{len(statuses)}") if moved else None)


async def test_redirect_loop_ends(http, site):
    site.answer("/", status=301, Location="/")

    with pytest.raises(FetchError, match="over 5 redirects: refused") as caught:
        await get(http, site.url())

    assert len(site.requests) == 6
    assert caught.value.permanent


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://example.org/", "gopher://127.0.0.1/", "http://[::1"]
)
async def test_redirect_to_another_scheme_is_refused(http, site, location):
    site.answer("/", status=302, Location=location)

    with pytest.raises(FetchError, match=r"127.0.0.1 redirects to .*: refused") as caught:
        await get(http, site.url())

    assert caught.value.permanent


def test_redirect_from_https_to_http_is_refused():
    start = URL("https://a.example/x")

    with pytest.raises(FetchError, match=r"from https to http at b\.example: refused") as caught:
        redirect_target(start, "http://b.example/x")

    assert caught.value.permanent
    assert redirect_target(start, "//b.example/y") == URL("https://b.example/y")
    assert redirect_target(URL("http://a.example/"), "https://a.example/") == URL(
        "https://a.example/"
    )


async def test_redirect_without_a_target_is_an_error(http, site):
    site.answer("/", status=302)

    with pytest.raises(FetchError, match="without saying where to"):
        await get(http, site.url())


async def test_login_goes_to_its_own_host_only(http, site):
    site.answer("/start", status=302, Location="/same")
    site.answer("/same", status=302, Location=site.url("/other", host="localhost"))
    site.answer("/other", "here")

    response = await get(http, site.url("/start").replace("//", "//ada:secret@"))

    logins = ["Authorization" in request.headers for request in site.requests]
    assert logins == [True, True, False]
    assert "secret" not in response.url


# --- the address guard ------------------------------------------------------------------


class Names(AbstractResolver):
    """Answers each lookup of any name with the next list of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.lookups = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.lookups += 1
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self):
        """Nothing is held open."""


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0", "localhost"],
)
async def test_private_address_is_refused_however_it_is_written(http, site, host):
    site.answer("/", "secret")

    with pytest.raises(FetchError, match=r"is not an? (public )?address: refused") as caught:
        await http.get(site.url(host=host), NONE)

    assert site.requests == []
    assert caught.value.permanent


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["10.0.0.1", "fd00::1", "169.254.169.254"]])
async def test_name_of_private_addresses_is_refused(addresses):
    async with Http(resolver=Names(addresses)) as http:
        with pytest.raises(FetchError, match="not a public address: refused"):
            await http.get("http://rss.example.org/", NONE)


async def test_name_that_changes_after_the_first_lookup_gains_nothing(site):
    """The address judged is the one connected to; a second lookup has no chance to differ."""
    site.answer("/", status=302, Location="http://rebind.example.org/next")
    names = Names(["127.0.0.1"])
    async with Http(resolver=names) as http:
        with pytest.raises(FetchError, match="not a public address: refused"):
            await http.get(f"http://rebind.example.org:{site.server.port}/", NONE)

    assert names.lookups == 1
    assert site.requests == []


async def test_pool_of_a_trusted_source_is_closed_to_others(http, site):
    site.answer("/", "secret")
    await get(http, site.url())

    with pytest.raises(FetchError, match="not a public address: refused"):
        await http.get(site.url(), NONE)

    assert len(site.requests) == 1


# --- manners ----------------------------------------------------------------------------


async def test_arxiv_hosts_together_are_asked_every_three_seconds(site, clock):
    site.answer("/", "feed")
    async with Http(
        resolver=Names(["127.0.0.1"]), sleep=clock.sleep, monotonic=clock.monotonic
    ) as http:
        for host in ("rss.arxiv.org", "export.arxiv.org", "arxiv.org", "notarxiv.org"):
            await get(http, site.url(host=host))

    assert clock.slept == [3.0, 3.0]


async def test_one_host_is_asked_one_thing_at_a_time(http, site):
    running, most = 0, 0

    async def count(request):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return web.Response()

    site.handle("/", count)

    await asyncio.gather(*(get(http, site.url()) for _ in range(4)))

    assert most == 1


@pytest.mark.parametrize(
    ("headers", "span"),
    [
        pytest.param({"Cache_Control": "max-age=60"}, timedelta(seconds=60), id="max-age"),
        pytest.param(
            {"Cache_Control": "max-age=60", "Expires": "Mon, 05 Oct 2026 13:00:00 GMT"},
            timedelta(seconds=60),
            id="max-age before Expires",
        ),
        pytest.param({"Cache_Control": "s-maxage=60"}, None, id="shared caches only"),
        pytest.param({"Cache_Control": "no-cache, max-age=60"}, None, id="no-cache"),
        pytest.param(
            {"Date": "Mon, 05 Oct 2020 12:00:00 GMT", "Expires": "Mon, 05 Oct 2020 13:00:00 GMT"},
            timedelta(hours=1),
            id="by the server's own clock",
        ),
        pytest.param({"Expires": "0"}, None, id="unreadable"),
        pytest.param({"Expires": "Mon, 05 Oct 2020 12:00:00 GMT"}, timedelta(0), id="past"),
        pytest.param({"Cache_Control": "max-age=9999999999"}, timedelta(days=365), id="huge"),
    ],
)
async def test_freshness_is_what_the_server_says(http, site, headers, span):
    headers = {"Date": "Mon, 05 Oct 2026 12:00:00 GMT"} | headers
    site.answer("/", "x", **headers)

    response = await get(http, site.url())

    assert response.fresh_for == span
