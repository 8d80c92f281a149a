"""Facts of formats.md that no sample shows, told by content as a source test tells them."""

import json
from datetime import UTC, date, datetime
from email.message import EmailMessage

import pytest

from digest.errors import ParseError
from digest.fetch.parsing import parse_listing
from digest.model import Source

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ABSTRACT = "We study the thing at length and show that it works across many settings. " * 8


def parse(content, kind="auto", url="x", base=""):
    content = content.encode() if isinstance(content, str) else content
    return parse_listing(content, Source(name="t", url=url, kind=kind), NOW, base=base)


def feed(items, declaration=""):
    return (
        f'{declaration}<rss version="2.0"><channel><title>c</title>'
        f"<link>https://b.example/</link>{items}</channel></rss>"
    )


def hub_page(cards):
    return f"<!doctype html><html><head><title>Papers</title></head><body>{cards}</body></html>"


# --- Hugging Face -----------------------------------------------------------------------


def test_ids_that_cannot_be_arxivs_are_no_items():
    """Section 1: `0000.0000` and month 13 must not become items; other ids are opaque."""
    ids = ["2605.30001", "0000.0000", "2613.00001", "hub-abc"]

    listing = parse(json.dumps([{"paper": {"id": one, "title": f"Title {one}"}} for one in ids]))

    assert [one.keys[0] for one in listing.announcements] == ["arxiv:2605.30001", "guid:t:hub-abc"]
    assert "entry 2 skipped: 0000.0000 is no valid arXiv id" in listing.warnings


@pytest.mark.parametrize(
    ("foot", "organisation", "count", "published_on", "inferred"),
    [
        pytest.param(
            '<a href="/nvidia"><img alt="x">NVIDIA</a><div>·</div><span>May 30</span>',
            *("NVIDIA", None, date(2026, 5, 30), True),
            id="organisation",
        ),
        pytest.param(
            "<ul><li>3 authors</li></ul><div>·</div><span>Dec 24, 2025</span>",
            *(None, 3, date(2025, 12, 24), False),
            id="authors, year",
        ),
        pytest.param(
            '<ul><li>3 authors</li></ul><time datetime="2026-05-30T00:00:00Z">May 30</time>',
            *(None, 3, date(2026, 5, 30), False),
            id="time element",
        ),
        pytest.param("<ul><li>·</li><li>5 authors</li></ul>", None, 5, None, False, id="day page"),
    ],
)
def test_rendered_card_shows_who_and_when(foot, organisation, count, published_on, inferred):
    """Section 3: search and trending pages of 2025/26; the time of a card is not the page's."""
    card = f'<article><h3><a href="/papers/2410.20002">A card</a></h3><p>{ABSTRACT}</p>{foot}'

    listing = parse(hub_page(card + "</article>"))

    (one,) = listing.announcements
    assert (one.organisation, one.author_count) == (organisation, count)
    assert (one.published_on, one.published_on_inferred) == (published_on, inferred)
    assert listing.shown_on is None


def test_long_navigation_before_the_header_hides_no_listing():
    markdown = (
        "[[Hugging Face's logo] Hugging Face][1]\n"
        + "* [ Models ](https://huggingface.co/models?pipeline_tag=x)\n" * 200
        + "Get trending papers in your email inbox!\n\nMar 9\n\n"
        f"### [A paper](https://huggingface.co/papers/2403.01234)\n\n[{ABSTRACT}](x)\n"
    )

    assert [one.title for one in parse(markdown).announcements] == ["A paper"]


# --- what is no listing -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("hello", 'or an alert, got "hello"', id="text"),
        pytest.param('{"message": "Too Many Requests"}', "error: Too Many Requests", id="429"),
        pytest.param('{"a": 1}', "got a: give a mapping", id="json"),
        pytest.param(
            "<!doctype html><title>Login</title>", 'any other page give kind = "page"', id="page"
        ),
    ],
)
def test_what_is_no_listing_says_what_would_help(content, said):
    with pytest.raises(ParseError, match=said):
        parse(content)


# --- feeds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("27 avril 2026", date(2026, 4, 27)),
        ("Mo, 27 Mai 2026 10:00:00 +0200", date(2026, 5, 27)),
        ("3 de dezembro de 2025", date(2025, 12, 3)),
        ("1. März 2026", date(2026, 3, 1)),
        ("14 juillet 2026", date(2026, 7, 14)),
        ("14 juin 2026", date(2026, 6, 14)),
        ("April 27, 2026", date(2026, 4, 27)),
        ("Thu(oh how), 9(th) Feb(ruary) 2006 23:59:45 +0000(GMT)", date(2006, 2, 9)),
        ("Thu , 09 (nested (comment) Mar)Feb 2006 23:59:45 +0000", date(2006, 2, 9)),
        ("27 Apr 26 10:00 EST", date(2026, 4, 27)),
        ("2026", None),
        ("2026-04", None),
        ("Tue, 27 Apr 2026 25:00:00 GMT", None),
        ("Mon, 30 Feb 2026 10:00:00 GMT", None),
        ("9999-12-31T00:00:00Z", None),
        ("27 nonsense 2026", None),
    ],
)
def test_a_feeds_date_is_a_day_or_none(written, expected):
    """Section 11: localised months are read, impossible dates and months alone are none."""
    listing = parse(feed(f"<item><title>x</title><pubDate>{written}</pubDate></item>"))

    assert [one.published_on for one in listing.announcements] == [expected]


def test_json_feed_may_write_dates_as_rss_does():
    """So does a sample, jsonfeed_elastic_1.1.json."""
    written = ["Fri, 31 May 2019 12:17:58 -0700", "2019-05-31T12:17:58-07:00", "2019-05", "soon"]
    items = [{"id": str(n), "date_published": one} for n, one in enumerate(written)]
    document = {"version": "https://jsonfeed.org/version/1.1", "items": items}

    listing = parse(json.dumps(document))

    day = date(2019, 5, 31)
    assert [one.published_on for one in listing.announcements] == [day, day, None, None]


@pytest.mark.parametrize(
    "root",
    [
        pytest.param("<rss version='2.0'>", id="feed"),
        pytest.param("<rss version='2.0' xmlns:a='http://arxiv.org/schemas/atom'>", id="arxiv"),
    ],
)
def test_days_that_a_channel_skips_are_known(root):
    days = "<skipDays><day>Sunday</day><day>Saturday</day></skipDays>"

    listing = parse(f"{root}<channel><title>x</title>{days}</channel></rss>")

    assert (listing.announcements, listing.skip_weekdays) == ((), frozenset({5, 6}))


def test_dates_without_a_day_are_told():
    items = "".join(f"<item><title>{y}</title><pubDate>{y}</pubDate></item>" for y in (2025, 2026))

    assert "2 items give a year or a month alone: no day" in parse(feed(items)).warnings


def test_bare_ampersands_and_names_of_characters_are_read_and_told():
    """Section 11: unescaped `&`, `&nbsp;` without DTD; a CDATA section is text already."""
    listing = parse(
        feed(
            "<item><title>AT&T &nbsp;rocks &eacute;t&eacute;</title><link>/a?b=1&c=2</link></item>"
            "<item><title><![CDATA[R&D &amp; more]]></title><link>/b</link></item>"
        )
    )

    assert [one.title for one in listing.announcements] == ["AT&T rocks été", "R&D & more"]
    assert listing.announcements[0].links.page == "https://b.example/a?b=1&c=2"
    assert any(warning.startswith("not well-formed") for warning in listing.warnings)


@pytest.mark.parametrize(
    ("title", "encoding"),
    [
        ("中文标题", "gb2312"),
        ("繁體標題", "big5"),
        ("한국어 제목", "euc-kr"),
        ("日本語の題", "shift_jis"),
        ("Русский", "koi8-r"),
        ("Русский", "windows-1251"),
        ("café", "utf-16"),
        ("café", "utf-32-be"),
    ],
)
def test_declared_encodings_are_believed(title, encoding):
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
    content = feed(f"<item><title>{title}</title></item>", declaration).encode(encoding)

    assert [one.title for one in parse(content).announcements] == [title]


@pytest.mark.parametrize(
    ("document", "count"),
    [
        pytest.param(
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
            ' xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>M</title></channel>'
            "<item><title>One</title><link>http://m.example/1</link></item></rdf:RDF>",
            1,
            id="RSS 0.90",
        ),
        pytest.param(
            '<Channel xmlns="http://purl.org/net/rss1.1#"><title>x</title><items><item><title>One'
            "</title></item><item><title>Two</title></item></items></Channel>",
            2,
            id="RSS 1.1",
        ),
        pytest.param(
            '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>x</title><entry><title '
            'mode="escaped" type="text/html">A &lt;b&gt;03&lt;/b&gt;</title></entry></feed>',
            1,
            id="Atom 0.3",
        ),
        pytest.param(
            '<CHANNEL HREF="http://b.example/"><TITLE>C</TITLE><ITEM HREF="http://b.example/1">'
            "<TITLE>One</TITLE></ITEM></CHANNEL>",
            1,
            id="CDF",
        ),
        pytest.param(
            '<entry xmlns="http://www.w3.org/2005/Atom"><title>One</title><id>urn:1</id></entry>',
            1,
            id="one Atom entry",
        ),
    ],
)
def test_old_and_rare_kinds_of_feeds_are_read(document, count):
    assert len(parse(document).announcements) == count


# --- arXiv ------------------------------------------------------------------------------


def test_a_saved_list_page_says_how_much_of_the_list_it_shows():
    page = (
        "<!doctype html><html><body><div id='dlpage'><div class='paging'>Total of 120 entries</div>"
        "<dl><dt><a href =\"/abs/2303.00748\">arXiv:2303.00748</a></dt><dd><div class='meta'>"
        "<div class='list-title'><span class='descriptor'>Title:</span> A</div></div></dd></dl>"
    )

    saved, fetched = parse(page), parse(page, base="https://arxiv.org/list/math/recent")

    assert saved.warnings == ("the page shows 1 of 120 entries",)
    assert fetched.next_url == "https://arxiv.org/list/math/recent?skip=1"
    assert fetched.warnings == ()


# --- alert mails ------------------------------------------------------------------------


def alert(markup, sender="alerts@example.org"):
    message = EmailMessage()
    message["From"] = sender
    message["Date"] = "Thu, 01 Oct 2026 10:00:00 +0200"
    message["Subject"] = "Bäume – neue Ergebnisse"
    message.set_content("see HTML")
    message.add_alternative(markup, subtype="html")
    return message.as_bytes()


def test_scholar_alert_in_another_language_keeps_words_apart():
    markup = (
        '<h3><span>[PDF]</span> <a class="gse_alrt_title" href="https://scholar.google.com/'
        'scholar_url?url=https://arxiv.org/pdf/2609.12345&amp;hl=de">Tiefes <b>Lernen</b></a></h3>'
        "<div>A Lee, B Chen… - arXiv preprint arXiv:2609.12345, 2026</div>"
        '<div class="gse_alrt_sni">Wir zeigen<br>viele <b>Dinge</b> …</div>'
        '<a href="https://scholar.google.com/scholar_alerts?view_op=cancel">Alert löschen</a>'
    )

    (one,) = parse(alert(markup)).announcements

    assert (one.keys[0], one.title) == ("arxiv:2609.12345", "Tiefes Lernen")
    assert (one.summary, one.authors) == ("Wir zeigen viele Dinge …", ("A Lee", "B Chen"))
    assert one.author_count is None


def test_semantic_scholar_alert_takes_a_heading_however_short():
    paper, author = (
        "0123456789abcdef0123456789abcdef01234567",
        "https://www.semanticscholar.org/author/1",
    )
    markup = (
        f'<a href="https://www.semanticscholar.org/paper/Trees/{paper}?utm_source=alert_email">'
        f'<h3>Deep Trees</h3></a><a href="{author}">Ann Lee, who is an author</a>'
    )

    assert [one.title for one in parse(alert(markup)).announcements] == ["Deep Trees"]
