"""arXiv's list pages: new, recent, months; markup of today and of before 2024."""

from datetime import UTC, date, datetime

import pytest

from digest.errors import ParseError
from digest.fetch import arxiv_page
from digest.model import Announce, Source

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="list", url="https://arxiv.org/list/cs.LG/new", kind="arxiv")


def paper(number="2303.00748", mark="", abstract="<p class='mathjax'> An abstract. </p>"):
    return f"""<dt> <a name='item1'>[1]</a>
      <a href ="/abs/{number}" title="Abstract" id="{number}">
        arXiv:{number}
      </a> {mark} [<a href="/pdf/{number}" id="pdf-{number}">pdf</a>]</dt>
    <dd><div class='meta'>
      <div class='list-title mathjax'><span class='descriptor'>Title:</span>
        On $0&lt;x&lt;1$ and \\'etale maps</div>
      <div class='list-authors'><a href="/1">Ada Lovelace</a>, <a href="/2">J. Doe, Jr.</a></div>
      <div class='list-comments mathjax'><span class='descriptor'>Comments:</span> cites
        <a href="https://arxiv.org/abs/1704.02685">1704.02685</a></div>
      <div class='list-subjects'><span class='descriptor'>Subjects:</span>
        <span class="primary-subject">Cosmology (astro-ph.CO)</span>; Relativity (gr-qc)</div>
      {abstract}
    </div></dd>"""


def page(body, heading="<h3>Showing new listings for Friday, 3 March 2023</h3>", head=""):
    return f"<!DOCTYPE html><html>{head}<body><div id='dlpage'>{heading}{body}</div></body></html>"


def section(name, *papers):
    return f"<dl id='articles'><h3>{name}</h3>{''.join(papers)}</dl>"


def parse(text, base=""):
    return arxiv_page.parse(text.encode(), SOURCE, NOW, base=base)


def test_paper_is_read_whole():
    listing = parse(page(section("New submissions (showing 1 of 1 entries)", paper())))

    (one,) = listing.announcements
    assert one.keys[0] == "arxiv:2303.00748"
    assert one.title == "On 0<x<1 and étale maps"
    assert one.authors == ("Ada Lovelace", "J. Doe, Jr.")
    assert one.categories == ("astro-ph.CO", "gr-qc")
    assert one.summary == "An abstract."
    assert one.published_on == one.announced_on == listing.shown_on == date(2023, 3, 3)
    assert listing.warnings == ()


@pytest.mark.parametrize(
    ("name", "mark", "announce"),
    [
        ("New submissions (showing 1 of 1 entries)", "", Announce.NEW),
        ("New submissions for Fri, 3 Mar 23", "", Announce.NEW),
        ("Cross submissions", "(cross-list from hep-ph)", Announce.CROSS_LIST),
        ("Cross-lists for Fri, 3 Mar 23", "", Announce.CROSS_LIST),
        ("Replacement submissions", "(replaced)", Announce.REPLACEMENT),
        ("Replacements", "(replaced) (cross-list from x)", Announce.REPLACEMENT_CROSS),
        ("Fri, 3 Mar 2023 (showing 1 of 1 entries )", "(cross-list from x)", Announce.CROSS_LIST),
        ("Fri, 3 Mar 2023 (showing 1 of 1 entries )", "", Announce.NEW),
    ],
)
def test_section_and_mark_tell_the_type(name, mark, announce):
    (one,) = parse(page(section(name, paper(mark=mark)))).announcements

    assert one.announce is announce


def test_days_of_recent_belong_to_their_papers():
    listing = parse(
        page(
            section("Fri, 3 Mar 2023 (showing 1 of 1 entries )", paper("2303.00748"))
            + section("Thu, 2 Mar 2023 (showing 1 of 1 entries )", paper("2303.00002")),
            heading="<h2>Authors and titles for recent submissions</h2>",
        )
    )

    assert [one.announced_on for one in listing.announcements] == [
        date(2023, 3, 3),
        date(2023, 3, 2),
    ]
    assert listing.shown_on == date(2023, 3, 3)


def test_markup_of_before_2024_is_read():
    old = (
        '<dt><a name="item1">[1]</a>&nbsp; <span class="list-identifier"><a href="/abs/2303.00748"'
        ' title="Abstract">arXiv:2303.00748</a> [<a href="/pdf/2303.00748">pdf</a>]</span></dt>'
        '<dd><div class="meta"><div class="list-title mathjax"><span class="descriptor">Title:'
        "</span> Old</div></div></dd>"
    )

    (one,) = parse(
        page(section("New submissions for Fri, 3 Mar 23", old), heading="")
    ).announcements

    assert one.title == "Old"
    assert one.announced_on == date(2023, 3, 3)


@pytest.mark.parametrize(
    ("base", "following"),
    [
        ("https://arxiv.org/list/cs.LG/recent", "https://arxiv.org/list/cs.LG/recent?skip=1"),
        (
            "https://arxiv.org/list/cs.LG/recent?skip=50&show=1",
            "https://arxiv.org/list/cs.LG/recent?skip=51&show=1",
        ),
        ("https://arxiv.org/list/cs.LG/recent?skip=51", None),
        ("", None),
    ],
)
def test_list_of_many_pages_says_where_it_goes_on(base, following):
    text = page("<div class='paging'>Total of 52 entries</div>" + section("x", paper()))

    assert parse(text, base).next_url == following


def test_short_section_is_reported():
    listing = parse(page(section("New submissions (showing 2 of 2 entries)", paper())))

    assert listing.warnings == ("a section says that it shows 2 papers, it has 1",)


@pytest.mark.parametrize("said", ["<p>No updates today.</p>", "Total of 0 entries"])
def test_day_without_papers_is_a_valid_empty_listing(said):
    listing = parse(page(said))

    assert listing.announcements == ()
    assert listing.shown_on == date(2023, 3, 3)


@pytest.mark.parametrize(
    "text",
    [
        page("<p>Something went wrong</p>"),
        "<html><title>Sign in</title><body>No updates today.</body></html>",
    ],
)
def test_other_pages_are_errors(text):
    with pytest.raises(ParseError, match="expected a list page of arXiv"):
        parse(text)


def test_term_without_an_id_is_left_out_and_reported():
    listing = parse(page(section("x", paper(), "<dt>[2]</dt><dd>Odd thing</dd>")))

    assert len(listing.announcements) == 1
    assert "Odd thing" in listing.warnings[0]
