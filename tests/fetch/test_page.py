"""Any HTML listing, by CSS selectors or by what most pages look like."""

from datetime import UTC, date, datetime

import pytest

from digest.errors import ParseError
from digest.fetch import page
from digest.model import Source

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
BASE = "https://lab.example.org/pubs/"

TABLE = """<!doctype html><title>Publications</title><table>
<tr class="head"><td>Title</td></tr>
<tr class="pub" data-id="p1"><td class="t"><a href="one.html">On <b>th</b>ings</a></td>
  <td class="who"><span>Ada Lovelace</span><span>Alan Turing</span></td>
  <td class="when" data-day="2026-05-24">May</td><td class="abs">We &amp; you<br>do.</td>
  <td><a class="doi" href="https://doi.org/10.1234/X">doi</a> <i class="v">12</i></td></tr>
<tr class="pub"><td class="t"><a href="javascript:alert(1)">Other things</a></td>
  <td class="who"><span>Lovelace, Ada; Turing, Alan</span></td></tr>
</table><p><a class="more" href="?page=2">more</a></p>"""
SELECTORS = {
    "item": "tr.pub",
    "title": ".t",
    "id": "@data-id",
    "authors": ".who span",
    "date": ".when@data-day",
    "summary": ".abs",
    "doi": "a.doi@href",
    "upvotes": ".v",
    "next": "a.more",
}


def read(markup, selectors=None, base=BASE):
    content = markup if isinstance(markup, bytes) else markup.encode()
    options = {} if selectors is None else {"selectors": selectors}
    source = Source(name="lab", url=BASE, kind="page", options=options)
    return page.parse(content, source, NOW, base=base)


def test_selectors_say_where_the_facts_stand():
    listing = read(TABLE, SELECTORS)

    one, other = listing.announcements
    assert (one.title, one.summary, one.upvotes) == ("On things", "We & you do.", 12)
    assert one.authors == ("Ada Lovelace", "Alan Turing")
    assert one.published_on == date(2026, 5, 24)
    assert one.keys[:3] == ("doi:10.1234/x", "guid:lab:p1", f"link:{BASE}one.html")
    assert other.authors == ("Lovelace, Ada", "Turing, Alan")
    assert listing.next_url == f"{BASE}?page=2"


def test_only_web_addresses_become_links():
    assert read(TABLE, SELECTORS).announcements[1].links.page is None


def test_page_is_read_without_selectors_as_most_pages_look():
    listing = read(
        """<html><head><link rel="next" href="/p/2"></head><body>
        <article><a href="/ada"><img src="x"></a><h2><a href="/one">One thing</a></h2>
          <time datetime="2026-05-24T10:00:00Z">yesterday</time><p>First.</p>
          <p>Second.</p></article>
        <article><a href="/two"><h3>Another thing</h3></a><time>24 May 2026</time></article>"""
    )

    one, other = listing.announcements
    assert (one.title, one.links.page) == ("One thing", "https://lab.example.org/one")
    assert one.summary == "First.\n\nSecond."
    assert (other.title, other.links.page) == ("Another thing", "https://lab.example.org/two")
    assert [item.published_on for item in (one, other)] == [date(2026, 5, 24)] * 2
    assert listing.next_url == "https://lab.example.org/p/2"


def test_base_of_the_document_counts_for_links():
    markup = '<base href="/papers/"><article><h2><a href="1">One thing</a></h2></article>'

    assert read(markup).announcements[0].links.page == "https://lab.example.org/papers/1"


def test_item_may_be_the_link_itself():
    listing = read('<a class=x href="/1">One thing</a>', {"item": "a.x", "title": ":scope"})

    (one,) = listing.announcements
    assert (one.title, one.links.page) == ("One thing", "https://lab.example.org/1")


@pytest.mark.parametrize("charset", ["windows-1252", "gb2312", "utf-8"])
def test_charset_of_the_document_counts(charset):
    name = "Poincaré" if charset == "windows-1252" else "中文标题"
    markup = f'<meta charset="{charset}"><article><h2>{name}</h2></article>'

    assert read(markup.encode(charset)).announcements[0].title == name


@pytest.mark.parametrize(
    ("selectors", "cause"),
    [
        ({"item": "tr["}, 'selectors.item: no CSS selector: "tr\\["'),
        ({"item": "tr.pub", "title": "!!"}, "selectors.title: no CSS selector"),
        ({"item": ".gone"}, 'selectors.item finds nothing on the page "Publications"'),
        ({"item": "tr.head", "title": ".no", "link": ".no"}, "could read none of 1 entries"),
    ],
)
def test_page_of_another_layout_is_a_clear_error(selectors, cause):
    with pytest.raises(ParseError, match=cause):
        read(TABLE, selectors)


def test_deep_markup_is_refused():
    with pytest.raises(ParseError, match="nested too deep"):
        read("<div>" * 100_000)
