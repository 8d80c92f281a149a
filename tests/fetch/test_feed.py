"""RSS, Atom and RDF of any kind."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.fetch import feed
from digest.model import Source

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="blog", url="https://blog.example.org/feed", kind="feed")
BASE = "https://base.example.org/feeds/feed.xml"


def parse(content, **options):
    content = content.encode() if isinstance(content, str) else content
    return feed.parse(content, SOURCE, NOW, base=BASE, **options)


def rss(items="", channel="<link>https://blog.example.org/</link>"):
    return f'<rss version="2.0"><channel><title>Blog</title>{channel}{items}</channel></rss>'


def only(content, **options):
    (one,) = parse(content, **options).announcements
    return one


# --- samples ----------------------------------------------------------------------------


def test_biorxiv_is_known_by_doi_and_splits_its_authors(samples):
    one = only((samples / "biorxiv" / "rss_1.0_biorxiv.xml").read_bytes())

    assert one.keys[0] == "doi:10.1101/2023.12.16.571984"
    assert one.authors[:2] == ("LAPALU, N.", "SIMON, A.")
    assert one.authors[-1] == "O'Connell, R. J."
    assert one.published_on == date(2023, 12, 16)
    assert one.title.startswith("Complete genome of the Medicago")


# --- texts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        pytest.param("Plain &amp; simple", "Plain & simple", id="plain"),
        pytest.param("&lt;b&gt;Bold&lt;/b&gt; words", "Bold words", id="html"),
        pytest.param("<![CDATA[A <i>b</i>]]>", "A b", id="cdata"),
        pytest.param("Case 0 &lt; x", "Case 0 < x", id="less than"),
        pytest.param("Caf&amp;eacute;", "Café", id="escaped twice"),
        pytest.param("a&#x202e;b\n c", "ab c", id="bidi and breaks"),
        pytest.param("&lt;script&gt;alert(1)&lt;/script&gt;Real", "Real", id="script"),
        pytest.param("x" * 10_000, "x" * 499 + "…", id="huge"),
    ],
)
def test_title_is_one_clean_line(markup, title):
    assert only(rss(f"<item><title>{markup}</title></item>")).title == title


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        ("<description>some words to begin with</description>", "some words to begin with"),
        (f"<description>{'word ' * 50}</description>", "word " * 11 + "word…"),
        ("<link>/post/1</link>", "https://blog.example.org/post/1"),
        ("<guid isPermaLink='false'>id-1</guid>", "id-1"),
        ("<author></author>", "Untitled"),
    ],
)
def test_item_without_title_is_named_by_what_it_has(parts, title):
    assert only(rss(f"<item>{parts}</item>")).title == title


def test_markup_of_a_summary_becomes_paragraphs():
    one = only(
        rss(
            "<item><title>t</title><description>&lt;p&gt;One.&lt;/p&gt;&lt;p onclick='x'&gt;Two "
            "&lt;img src=x onerror=y&gt;&lt;/p&gt;</description></item>"
        )
    )

    assert one.summary == "One.\n\nTwo"


@pytest.mark.parametrize(
    ("creator", "authors"),
    [
        ("Ada Lovelace", ("Ada Lovelace",)),
        ("Lovelace, Ada", ("Lovelace, Ada",)),
        ("Ada Lovelace, Alan Turing", ("Ada Lovelace", "Alan Turing")),
        ("Kaur, M., Bhati, K. K.", ("Kaur, M.", "Bhati, K. K.")),
        ("Lovelace, Ada; Turing, Alan", ("Lovelace, Ada", "Turing, Alan")),
    ],
)
def test_authors_in_one_element_are_told_apart(creator, authors):
    item = f'<item xmlns:dc="http://purl.org/dc/elements/1.1/"><title>t</title>\
        <dc:creator>{creator}</dc:creator></item>'

    assert only(rss(item)).authors == authors


# --- links, dates, keys -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "link", "page"),
    [
        ("<link>https://blog.example.org/</link>", "/a", "https://blog.example.org/a"),
        ("<link>/news/</link>", "a", "https://base.example.org/news/a"),
        ("", "a", "https://base.example.org/feeds/a"),
        ("", "https://x.example.org/a?utm_source=rss#top", "https://x.example.org/a"),
        ("", "javascript:alert(1)", None),
        ("", "data:text/html,x", None),
        ("", "file:///etc/passwd", None),
    ],
)
def test_link_is_absolute_http_or_none(channel, link, page):
    one = only(rss(f"<item><title>t</title><link>{link}</link></item>", channel))

    assert one.links.page == page


def test_xml_base_stands_above_the_channel():
    content = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://x.example.org/b/">
    <link href="https://blog.example.org/"/><entry><title>t</title><link href="a"/>
    </entry></feed>"""

    assert only(content).links.page == "https://x.example.org/b/a"


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("Mon, 05 Oct 2026 10:00:00 GMT", date(2026, 10, 5)),
        ("5 Oct 26 10:00 EST", date(2026, 10, 5)),
        ("2026-10-05T10:00:00.123Z", date(2026, 10, 5)),
        ("Mon, 05 Oct 9999 10:00:00 GMT", None),
        ("Mon, 31 Feb 2026 10:00:00 GMT", None),
        ("0000-00-00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_impossible_date_is_no_date(written, day):
    one = only(rss(f"<item><title>t</title><pubDate>{written}</pubDate></item>"))

    assert one.published_on == day


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        ("<guid isPermaLink='false'> id-1 </guid>", "guid:blog:id-1"),
        ("<guid> </guid><link>https://x.example.org/a</link>", "link:https://x.example.org/a"),
        ("<guid>https://arxiv.org/abs/2401.00001v2</guid>", "arxiv:2401.00001"),
    ],
)
def test_item_is_known_by_the_best_it_has(parts, key):
    assert only(rss(f"<item><title>t</title>{parts}</item>")).keys[0] == key


def test_same_guid_title_and_link_twice_is_one_item_and_the_newer_wins():
    item = "<item><title>t</title><guid>g</guid><pubDate>{} Oct 2026</pubDate></item>"

    one = only(rss(item.format(3) + item.format(4) + item.format(2)))

    assert one.published_on == date(2026, 10, 4)


def test_guid_of_two_different_items_names_neither():
    item = "<item><title>{}</title><guid isPermaLink='false'>g</guid></item>"

    listing = parse(rss(item.format("one") + item.format("two")))

    first, second = listing.announcements
    assert set(first.keys).isdisjoint(second.keys)
    assert listing.warnings == ('2 items share the guid "g"',)


def test_ttl_is_the_feeds_own_wish():
    assert parse(rss(channel="<ttl>90</ttl>")).fresh_for == timedelta(minutes=90)


# --- encodings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "declared", "charset"),
    [
        ("utf-8", "utf-8", None),
        ("utf-16", "utf-16", None),
        ("utf-16-le", "utf-16", None),
        ("utf-32", "utf-32", None),
        ("iso-8859-1", "iso-8859-1", None),
        ("iso-8859-1", "utf-8", "iso-8859-1"),
        pytest.param("windows-1252", None, None, id="undeclared"),
        pytest.param("utf-8", "us-ascii", None, id="wrongly declared"),
        pytest.param("utf-8", "bogus", None, id="unknown"),
    ],
)
def test_text_survives_its_encoding(encoding, declared, charset):
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    document = declaration + rss("<item><title>Poincaré</title></item>")

    assert only(document.encode(encoding), charset=charset).title == "Poincaré"


# --- whatever else ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("<!DOCTYPE html><html><body>Not found</body></html>", "expected a feed, got <html>"),
        ("Bad gateway", 'expected a feed, got "Bad gateway"'),
        ("<rss><channel>", "broken"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><rss>&a;</rss>', "declares entities: refused"),
    ],
)
def test_no_feed_is_an_error_that_says_what_was_found(content, cause):
    with pytest.raises(ParseError, match=cause):
        parse(content)


def test_valid_feed_without_items_is_empty():
    assert parse(rss()).announcements == ()


@pytest.mark.parametrize("name", ["dtd", "external", "external_file", "cyclic", "xmlbomb"])
def test_hostile_document_is_refused(samples, name):
    with pytest.raises(ParseError):
        parse((samples / "hostile" / f"{name}.xml").read_bytes())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cut=st.integers(0, 900), length=st.integers(0, 200), put=st.binary(max_size=20))
def test_mutated_feed_ends_in_a_listing_or_a_parse_error(cut, length, put):
    item = "<item><title>Ä {0}</title><link>/{0}</link><guid>g{0}</guid>\
        <pubDate>Mon, 05 Oct 2026 10:00:00 GMT</pubDate>\
        <description>&lt;p&gt;x</description></item>"
    whole = rss(item.format(1) + item.format(2)).encode()

    try:
        listing = parse(whole[:cut] + put + whole[cut + length :])
    except ParseError:
        return
    assert all(one.title and one.keys for one in listing.announcements)
