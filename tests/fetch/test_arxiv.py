"""arXiv's feeds and query answers."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.fetch import arxiv
from digest.model import Announce, Source

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="arxiv", url="https://rss.arxiv.org/rss/cs.LG", kind="arxiv")


def parse(content):
    return arxiv.parse(content.encode() if isinstance(content, str) else content, SOURCE, NOW)


def rss(*items, prefix="arxiv"):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <rss xmlns:{prefix}="http://arxiv.org/schemas/atom" version="2.0"
         xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
    <title>cs.LG updates on arXiv.org</title><link>http://rss.arxiv.org/rss/cs.LG</link>
    <pubDate>Mon, 05 Oct 2026 00:00:00 -0400</pubDate>{"".join(items)}</channel></rss>"""


def item(
    title="A title",
    summary="An abstract.",
    announce="new",
    number="2610.00001",
    version=1,
    creator="Ada Lovelace, Alan Turing",
    more="",
):
    return f"""<item><title>{title}</title><link>https://arxiv.org/abs/{number}</link>
    <description>arXiv:{number}v{version} Announce Type: {announce} \nAbstract: {summary}
    </description>
    <guid isPermaLink="false">oai:arXiv.org:{number}v{version}</guid>
    <category>cs.LG</category><category>stat.ML</category>
    <pubDate>Mon, 05 Oct 2026 00:00:00 -0400</pubDate>
    <dc:creator>{creator}</dc:creator>{more}</item>"""


def answer(*entries, total=None, start=0, link="http://export.arxiv.org/api/query?a=b"):
    return f"""<feed xmlns="http://www.w3.org/2005/Atom"
    xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
    <link href="{link}"/><title>arXiv Query</title>
    <opensearch:totalResults>{len(entries) if total is None else total}</opensearch:totalResults>
    <opensearch:startIndex>{start}</opensearch:startIndex>{"".join(entries)}</feed>"""


ENTRY = """<entry><id>http://arxiv.org/abs/math/0309136v3</id><title>On\n  spaces</title>
<published>2003-09-08T01:00:00Z</published><updated>2004-01-01T00:00:00Z</updated>
<summary>  An abstract
of two lines. </summary><author><name>M{\\aa}ns L\\'evy</name></author>
<category term="math.GT"/>
<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="math.AG"/>
<arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">10.1000/ABC</arxiv:doi>
<arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">withdrawn by the author</arxiv:comment>
</entry>"""


# --- samples ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count", "shown_on"),
    [
        ("arxiv-feed/atom-cs.AI-2025-08-20.xml", 7, date(2025, 8, 20)),
        ("arxiv-feed/old-rss-hep-ex-2018-05-23.xml", 3, date(2018, 5, 23)),
        ("arxiv-feed/rss-cs.CL-2026-04-27.xml", 3, date(2026, 4, 27)),
        ("arxiv-feed/rss-cs.CL-weekend-empty-2026-08-01.xml", 0, date(2026, 8, 1)),
        ("arxiv-feed/rss-cs.LG-2026-04-27.xml", 3, date(2026, 4, 27)),
        ("arxiv-api/old-style-id.xml", 1, None),
        ("arxiv-api/query-testing-0-10.xml", 10, None),
        ("arxiv-api/query-transformer-2026-06.xml", 5, None),
    ],
)
def test_sample_gives_every_item_whole(samples, name, count, shown_on):
    listing = parse((samples / name).read_bytes())

    assert len(listing.announcements) == count
    assert listing.shown_on == shown_on
    assert listing.warnings == ()
    for one in listing.announcements:
        assert one.keys[0].startswith("arxiv:")
        assert one.authors
        assert one.categories
        assert len(one.summary) > 25
        assert "Announce Type" not in one.summary


def test_old_feed_marks_its_types_inside_the_titles(samples):
    name = "arxiv-feed/old-rss-hep-ex-2018-05-23.xml"

    listing = parse((samples / name).read_bytes())

    assert [one.announce for one in listing.announcements] == [
        Announce.NEW,
        Announce.CROSS_LIST,
        Announce.REPLACEMENT,
    ]
    first, _, last = listing.announcements
    assert first.title == "Measurement of Transverse Single Spin Asymmetries"
    assert first.authors == ("Christopher Dilks",)
    assert (last.version, last.categories) == (2, ("nucl-th",))
    assert last.authors[:3] == ("Shu-Sheng Xu", "Zhu-Fang Cui", "Lei Chang")
    assert "<p>" not in first.summary


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("error-bad-id.xml", "arXiv refused the query: incorrect id format for abc"),
        ("empty.xml", "arXiv knows none of the ids in id_list"),
    ],
)
def test_error_of_the_api_is_an_error_and_not_a_paper(samples, name, cause):
    with pytest.raises(ParseError, match=cause):
        parse((samples / "arxiv-api" / name).read_bytes())


# --- feeds ------------------------------------------------------------------------------


def test_item_of_a_feed_is_read_whole():
    listing = parse(rss(item()))

    (one,) = listing.announcements
    assert one.keys[0] == "arxiv:2610.00001"
    assert (one.title, one.summary) == ("A title", "An abstract.")
    assert (one.authors, one.author_count) == (("Ada Lovelace", "Alan Turing"), 2)
    assert one.categories == ("cs.LG", "stat.ML")
    assert (one.announce, one.announced_on) == (Announce.NEW, date(2026, 10, 5))
    assert (one.version, one.published_on) == (1, date(2026, 10, 5))
    assert one.links.page == "https://arxiv.org/abs/2610.00001"


def test_prefixes_are_only_prefixes():
    announced = "<ns0:announce_type>replace-cross</ns0:announce_type>"

    listing = parse(rss(item(more=announced), prefix="ns0"))

    assert listing.announcements[0].announce is Announce.REPLACEMENT_CROSS


@pytest.mark.parametrize("announce", list(Announce))
def test_announce_type_is_read_from_the_description_where_its_element_is_missing(announce):
    listing = parse(rss(item(announce=announce)))

    assert listing.announcements[0].announce is announce


@pytest.mark.parametrize("types", [("cross", "new"), ("new", "cross"), ("new", "replace")])
def test_strongest_type_wins_where_one_paper_stands_twice(types):
    listing = parse(rss(*(item(announce=one, version=v) for v, one in enumerate(types, 1))))

    (one,) = listing.announcements
    assert one.announce is Announce.NEW
    assert one.version == 2


def test_replacement_does_not_pass_its_day_off_as_the_papers():
    listing = parse(rss(item(announce="replace", number="2401.00001", version=3)))

    assert listing.announcements[0].published_on is None


@pytest.mark.parametrize(
    ("number", "day"), [("2610.00001", date(2026, 10, 5)), ("2401.00001", None)]
)
def test_day_of_a_cross_listing_is_the_papers_only_if_its_id_is_as_young(number, day):
    listing = parse(rss(item(announce="cross", number=number)))

    assert listing.announcements[0].published_on == day


def test_math_with_angle_brackets_survives():
    listing = parse(rss(item(title="Case $0&lt;x&lt;1$", summary="For $0&lt;x&lt;1$ only.")))

    one = listing.announcements[0]
    assert one.title.replace(" ", "") == "Case0<x<1"
    assert one.summary.replace(" ", "") == "For0<x<1only."


@pytest.mark.parametrize(
    ("creator", "authors"),
    [
        ("Ada Lovelace,  Alan Turing", ("Ada Lovelace", "Alan Turing")),
        ("J\\'er\\^ome Nobody, M{\\aa}ns Levy", ("Jérôme Nobody", "Måns Levy")),
        ("Ada Lovelace (STAR Collaboration, CERN), A. Turing", ("Ada Lovelace", "A. Turing")),
        ("R. Smith, Jr., A. Turing", ("R. Smith, Jr.", "A. Turing")),
        ("ATLAS Collaboration, :, A. Turing", ("ATLAS Collaboration", "A. Turing")),
        ("", ()),
    ],
)
def test_authors_are_split_rightly(creator, authors):
    listing = parse(rss(item(creator=creator)))

    assert listing.announcements[0].authors == authors


def test_empty_feed_is_a_day_without_papers():
    listing = parse(rss())

    assert listing.announcements == ()
    assert listing.shown_on == date(2026, 10, 5)


def test_item_without_an_id_is_left_out_and_reported():
    listing = parse(rss(item(), item(number="0000.0000", title="Nobody")))

    assert len(listing.announcements) == 1
    assert listing.warnings == ('no arXiv id in "Nobody": left out',)


def test_cut_off_download_gives_its_whole_items_and_says_so():
    whole = rss(item(), item(number="2610.00002"), item(number="2610.00003"))

    listing = parse(whole[: whole.index("2610.00003") + 200])

    assert len(listing.announcements) == 2
    assert listing.warnings[0].startswith("document is broken after 2 items")


# --- query answers ----------------------------------------------------------------------


def test_entry_of_the_api_is_read_whole():
    (one,) = parse(answer(ENTRY)).announcements

    assert one.keys[:2] == ("arxiv:math/0309136", "doi:10.1000/abc")
    assert (one.title, one.summary) == ("On spaces", "An abstract of two lines.")
    assert one.authors == ("Måns Lévy",)
    assert one.categories == ("math.AG", "math.GT")
    assert (one.published_on, one.announced_on) == (date(2003, 9, 8), None)
    assert one.version == 3
    assert one.withdrawn


def test_search_without_results_is_a_valid_empty_answer():
    assert parse(answer(total=0)).announcements == ()


def test_page_past_the_end_is_a_valid_empty_answer():
    assert parse(answer(total=100, start=100)).announcements == ()


def test_empty_page_in_the_middle_of_results_is_an_error():
    with pytest.raises(ParseError, match="empty page although 100 results exist") as caught:
        parse(answer(total=100, start=50))

    assert not caught.value.permanent


# --- whatever else ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("<html><body>Service unavailable</body></html>", "got <html>"),
        ("Rate exceeded.", 'got "Rate exceeded."'),
        ("<rss><channel>", "broken XML"),
        ("<rss><channel><item><title>x</title></item></channel></rss>", "none of 1 entries"),
        ('<!DOCTYPE a [<!ENTITY a "b">]><rss>&a;</rss>', "declares entities: refused"),
        (
            '<!DOCTYPE a [<!-- ]> <rss> --><!ENTITY a "b">]><rss>&a;</rss>',
            "declares entities: refused",
        ),
    ],
)
def test_anything_else_is_a_clear_error(content, cause):
    with pytest.raises(ParseError, match=cause):
        parse(content)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cut=st.integers(0, 2000), length=st.integers(0, 300), put=st.binary(max_size=20))
def test_mutated_feed_ends_in_a_listing_or_a_parse_error(cut, length, put):
    whole = rss(item(), item(number="2610.00002", announce="cross")).encode()

    try:
        listing = parse(whole[:cut] + put + whole[cut + length :])
    except ParseError:
        return
    assert all(one.title and one.keys for one in listing.announcements)
