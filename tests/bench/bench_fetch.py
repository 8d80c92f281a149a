"""What reading costs: each format beside the bare parser underneath, and 200 sources at once.

Run it by hand: `python -m tests.bench.bench_fetch`.  Figures of one machine are in docs/fetch.md.
"""

import asyncio
import io
import json
import re
import resource
import time
from datetime import UTC, datetime
from random import Random
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import feedparser
from aiohttp import web
from selectolax.lexbor import LexborHTMLParser

from digest.fetch.fetcher import ListingFetcher
from digest.fetch.http import Http
from digest.fetch.parsing import parse_listing
from digest.fetch.sandbox import Sandbox
from digest.model import Source, Validators

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
ITEMS = 2_000
SOURCES = 200
ITEMS_A_SOURCE = 30
ROUNDS = 5

WORDS = re.findall(
    r"\S+",
    "model learning retrieval attention sparse graph diffusion policy token language vision "
    "benchmark robust efficient inference training data sampling kernel bound estimate online "
    "transformer alignment agents reasoning context memory scaling latent (our) first, second.",
)
# About every third real abstract holds some TeX or a letter beyond ASCII.
RARE_WORDS = ("$O(n)$", "Poincar\\'e", "\\emph{few}", "naïve", "$\\alpha_1 < 2$", "“quoted”")


class Papers:
    """Papers of our own making, as long as real ones."""

    def __init__(self, count):
        self._random = Random(7)
        self.all = [self._paper(number) for number in range(1, count + 1)]

    def _words(self, count):
        return " ".join(self._random.choice(WORDS) for _ in range(count))

    def _rare_word(self):
        return self._random.choice(RARE_WORDS) if self._random.random() < 0.35 else "plain"

    def _paper(self, number):
        return {
            "id": f"2606.{number:05}",
            "slug": f"2026/06/post-{number}",
            "title": f"{self._words(9).capitalize()} {number}",
            "summary": f"{self._words(80)} {self._rare_word()} {self._words(80)}.",
            "authors": [f"{self._words(1)} Author{self._random.randrange(999)}" for _ in range(5)],
        }


def hub_json(papers):
    return json.dumps(
        [
            {
                "paper": {
                    **paper,
                    "authors": [{"name": name, "hidden": False} for name in paper["authors"]],
                    "publishedAt": "2026-06-11T00:00:00.000Z",
                    "submittedOnDailyAt": "2026-06-12T00:00:00.000Z",
                    "upvotes": 5,
                },
                "title": paper["title"],
                "numComments": 2,
                "thumbnail": f"https://cdn.example.org/{paper['id']}.png",
            }
            for paper in papers
        ]
    )


def json_feed(papers):
    items = [
        {
            "id": f"https://blog.example.org/{paper['slug']}",
            "url": f"https://blog.example.org/{paper['slug']}",
            "title": paper["title"],
            "content_html": f"<p>{escape(paper['summary'])}</p>",
            "date_published": "2026-06-12T10:00:00Z",
            "authors": [{"name": name} for name in paper["authors"]],
        }
        for paper in papers
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})


def rss(papers):
    items = "".join(
        f"<item><title>{escape(p['title'])}</title><link>https://blog.example.org/{p['slug']}</link>"
        f"<description>{escape(p['summary'])}</description><guid>https://blog.example.org/{p['slug']}"
        f"</guid><dc:creator>{', '.join(p['authors'])}</dc:creator>"
        "<pubDate>Mon, 27 Apr 2026 00:00:00 -0400</pubDate></item>"
        for p in papers
    )
    return (
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>x</title>'
        f"<link>https://blog.example.org/</link>{items}</channel></rss>"
    )


def arxiv_rss(papers):
    items = "".join(
        f"<item><title>{escape(p['title'])}</title><link>https://arxiv.org/abs/{p['id']}</link>"
        f"<description>arXiv:{p['id']}v1 Announce Type: new \nAbstract: {escape(p['summary'])}"
        f'</description><guid isPermaLink="false">oai:arXiv.org:{p["id"]}v1</guid>'
        "<category>cs.LG</category><category>cs.AI</category>"
        "<pubDate>Mon, 27 Apr 2026 00:00:00 -0400</pubDate>"
        "<arxiv:announce_type>new</arxiv:announce_type>"
        f"<dc:creator>{', '.join(p['authors'])}</dc:creator></item>"
        for p in papers
    )
    return (
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" version="2.0"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>cs.LG</title>'
        f"<pubDate>Mon, 27 Apr 2026 00:00:00 -0400</pubDate>{items}</channel></rss>"
    )


def arxiv_list(papers):
    entries = "".join(
        f'<dt><a name=\'item1\'>[1]</a> <a href ="/abs/{p["id"]}" title="Abstract">arXiv:{p["id"]}'
        f"</a> [<a href=\"/pdf/{p['id']}\">pdf</a>]</dt><dd><div class='meta'>"
        "<div class='list-title mathjax'><span class='descriptor'>Title:</span>"
        f"{escape(p['title'])}</div><div class='list-authors'>"
        + ", ".join(f'<a href="/search?q=x">{name}</a>' for name in p["authors"])
        + "</div><div class='list-subjects'><span class='descriptor'>Subjects:</span>"
        "<span class='primary-subject'>Machine Learning (cs.LG)</span></div>"
        f"<p class='mathjax'>{escape(p['summary'])}</p></div></dd>"
        for p in papers
    )
    return (
        "<!DOCTYPE html><html><body><div id='dlpage'><h3>Showing new listings for Friday, "
        f"3 March 2023</h3><dl id='articles'><h3>New submissions</h3>{entries}</dl></div>"
    )


def bare_feedparser(content):
    feedparser.parse(io.BytesIO(content), sanitize_html=False, resolve_relative_uris=False)


def bare_selectolax(content):
    for node in LexborHTMLParser(content.decode()).css("dt, dd"):
        node.text()


def fields_by_selectolax(content):
    """Take the same fields out as our reader does, and clean none of them."""
    page = LexborHTMLParser(content.decode())
    for head in page.css("dt"):
        [link.attributes.get("href") for link in head.css("a[href]")]
    for body in page.css("dd"):
        for name in (".list-title", ".list-subjects", ".list-comments", "p.mathjax"):
            node = body.css_first(name)
            node.text() if node else None
        [link.text() for link in body.css(".list-authors a")]


FORMATS = {
    "RSS": (rss, "feedparser", bare_feedparser),
    "arXiv RSS, beside feedparser": (arxiv_rss, "feedparser", bare_feedparser),
    "arXiv list page, same fields": (arxiv_list, "selectolax", fields_by_selectolax),
    "arXiv list page": (arxiv_list, "selectolax", bare_selectolax),
    "arXiv RSS": (arxiv_rss, "ElementTree", ElementTree.fromstring),
    "Hugging Face JSON": (hub_json, "json", json.loads),
    "JSON Feed": (json_feed, "json", json.loads),
}


def best_of(function, *args):
    """Give the least time of several runs: what the machine can do when nobody disturbs."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        function(*args)
        times.append(time.process_time() - began)
    return min(times)


def compare(papers):
    print(
        f"{ITEMS} items{'':22}{'items/s':>9}{'bare parser':>14}{'ms':>8}{'whole ms':>10}"
        f"{'on top':>9}{'ours us an item':>17}"
    )
    for name, (write, parser, bare) in FORMATS.items():
        content = write(papers).encode()
        source = Source(name="bench", url="https://example.org/x")
        count = len(parse_listing(content, source, NOW).announcements)
        assert count == ITEMS, (name, count)
        below, whole = best_of(bare, content), best_of(parse_listing, content, source, NOW)
        share = (whole - below) / below
        print(
            f"{name:<32}{ITEMS / whole:>9,.0f}{parser:>14}{below * 1000:>8.0f}"
            f"{whole * 1000:>10.0f}{share:>9.0%}{(whole - below) / ITEMS * 1e6:>17.0f}"
        )


class Site:
    """A loopback server of many hosts' listings; it counts what it is asked at once."""

    def __init__(self, content):
        self._content = content
        self._open = 0
        self.most_open = 0

    async def answer(self, request):
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        await asyncio.sleep(0.05)
        self._open -= 1
        return web.Response(body=self._content, content_type="application/rss+xml")


async def fetch_all(papers, processes=None):
    """Fetch 200 sources of as many hosts, due at once."""
    site = Site(rss(papers[:ITEMS_A_SOURCE]).encode())
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    server = await asyncio.get_running_loop().create_server(runner.server, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    sources = [
        # 127/8 is all loopback: each source has a host of its own.
        Source(
            name=f"s{n}",
            url=f"http://127.0.{n // 250}.{n % 250 + 1}:{port}/x",
            private_network=True,
        )
        for n in range(SOURCES)
    ]
    async with Http() as http, Sandbox(processes=processes) as sandbox:
        fetcher = ListingFetcher(http, sandbox, lambda: datetime.now(UTC))
        began = time.perf_counter()
        fetched = await asyncio.gather(
            *(fetcher.fetch(source, Validators()) for source in sources), return_exceptions=True
        )
        seconds = time.perf_counter() - began
    server.close()
    await runner.cleanup()
    failed = [one for one in fetched if isinstance(one, BaseException)]
    peaks = [
        resource.getrusage(who).ru_maxrss // 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    print(
        f"{SOURCES} sources of {ITEMS_A_SOURCE} items due at once, "
        f"{processes or 'as many as there are'} processors to parse: {seconds:.1f} s, "
        f"at most {site.most_open} requests in flight, {len(failed)} failed, "
        f"peak {peaks[0]} MB and {peaks[1]} MB in the sandbox"
    )
    for error in failed[:3]:
        print(f"  {error}")


if __name__ == "__main__":
    made = Papers(ITEMS).all
    asyncio.run(fetch_all(made, 1))
    asyncio.run(fetch_all(made))
    compare(made)
