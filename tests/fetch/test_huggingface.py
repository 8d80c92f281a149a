import html
import json
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.fetch.document import looks_like_html, looks_like_json, looks_like_text
from digest.fetch.huggingface import parse_html, parse_json
from digest.model import Source

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"
NOW = datetime(2026, 10, 2, 12, tzinfo=UTC)
SOURCE = Source(name="hf", url="https://huggingface.co/api/daily_papers")

ENTRY_2026 = {
    "paper": {
        "id": "2605.00001",
        "authors": [
            {"name": "Ada Lovelace", "hidden": False},
            {"name": "Shy Person", "hidden": True},
            {"name": " Alan\nTuring "},
            {"_id": "no name"},
        ],
        "publishedAt": "2026-05-30T00:00:00.000Z",
        "submittedOnDailyAt": "2026-06-01T07:30:00.000Z",
        "title": "Tables of\n  $O(n)$ Numbers",
        "summary": "First line\nof text.\n\nSecond.",
        "upvotes": 12,
        "ai_summary": "It counts.",
        "ai_keywords": ["tables", "tables", 7, "numbers"],
        "githubRepo": "https://github.com/ada/tables",
        "projectPage": "javascript:alert(1)",
        "organization": {"name": "engine", "fullname": "Analytical Engine"},
    },
    "publishedAt": "2026-05-29T20:00:00.000Z",
    "title": "Tables of $O(n)$ Numbers",
    "thumbnail": "/thumbnails/1.png",
    "numComments": 2,
}
ENTRY_2024 = {
    "paper": {
        "id": "2410.00002",
        "authors": [{"name": "Bob Low"}],
        "publishedAt": "2024-10-24T17:00:00.000Z",
        "title": "Older\n  Entry",
        "summary": "Text.",
        "upvotes": 0,
    },
    "publishedAt": "2024-10-25T00:57:09.392Z",
    "title": "Older Entry",
}


def sample(name):
    if not SAMPLES.is_dir():
        pytest.skip(f"no folder of samples at {SAMPLES.resolve()}: these tests read real listings")
    return (SAMPLES / name).read_bytes()


def read(value, url=SOURCE.url):
    source = Source(name="hf", url=url)
    return parse_json(json.dumps(value).encode(), source, NOW)


def page(props, cards="", target="DailyPapers"):
    data = html.escape(json.dumps(props), quote=True)
    return (
        "<!doctype html><html><head><title>Daily Papers</title></head><body>"
        f'<div data-props="{data}" class="x" data-target="{target}"></div>{cards}</body></html>'
    ).encode()


CARD = """<article><a href="/papers/2605.00001"><img></a><div class="leading-none">Submitted</div>
<a href="/login?next=%2Fpapers%2F2605.00001"><div class="leading-none">1.2k</div></a>
<h3><a href="/papers/2605.00001">Tables of
 Numbers</a></h3><ul><li></li><li><div>·</div> 5 authors</li></ul>
<a href="/papers/2605.00001#community"> 3 </a></article>"""


# --- JSON -------------------------------------------------------------------------------


def test_sample_of_the_api_is_read_whole():
    listing = parse_json(sample("hf-api/daily_papers-2026-06-12.json"), SOURCE, NOW)

    first, last = listing.announcements[0], listing.announcements[-1]
    assert len(listing.announcements) == 30
    assert listing.shown_on == date(2026, 6, 12)
    assert listing.warnings == ()
    assert first.keys[0] == "arxiv:2606.00467"
    assert first.title.startswith("On the Limits of LLM Adaptability: ")
    assert first.summary.startswith("Large Language Models (LLMs) are")
    assert first.summary.endswith("over text-level memorization.")
    assert first.authors == ("Etienne Casanova", "Rafal Kocielnik", "R. Michael Alvarez")
    assert (first.published_on, first.announced_on) == (date(2026, 5, 30), date(2026, 6, 12))
    assert first.organisation == "California institute of technology"
    assert last.title.startswith("Demystifying Hidden-State Recurrence")
    assert all(a.summary and a.authors and a.ai_summary for a in listing.announcements)


def test_fields_of_the_newer_generation():
    (found,) = read([ENTRY_2026]).announcements

    assert found.title == "Tables of O(n) Numbers"
    assert found.summary == "First line of text.\n\nSecond."
    assert found.authors == ("Ada Lovelace", "Alan Turing")
    assert found.author_count == 2
    assert found.published_on == date(2026, 5, 30), "the outer field would be a day early"
    assert found.announced_on == date(2026, 6, 1)
    assert (found.upvotes, found.comments) == (12, 2)
    assert found.keywords == ("tables", "numbers")
    assert found.organisation == "Analytical Engine"
    assert found.links.page == "https://huggingface.co/papers/2605.00001"
    assert found.links.pdf == "https://arxiv.org/pdf/2605.00001"
    assert found.links.code == "https://github.com/ada/tables"
    assert found.links.project is None, "only http and https links"
    assert found.thumbnail == "https://huggingface.co/thumbnails/1.png"
    assert found.ai_summary == "It counts."


def test_fields_of_the_older_generation():
    (found,) = read([ENTRY_2024]).announcements

    assert found.title == "Older Entry"
    assert (found.published_on, found.announced_on) == (date(2024, 10, 24), date(2024, 10, 25))
    assert (found.upvotes, found.comments) == (0, None)


def test_flat_entries_of_the_search_are_read_too():
    assert read([ENTRY_2026["paper"]]).announcements[0].keys[0] == "arxiv:2605.00001"
    assert read(ENTRY_2026["paper"]).announcements[0].keys[0] == "arxiv:2605.00001"


def test_id_that_is_not_arxivs_is_opaque():
    (found,) = read([{"id": "hub-paper-7", "title": "X"}]).announcements

    assert found.keys == ("guid:hf:hub-paper-7", "link:https://huggingface.co/papers/hub-paper-7")
    assert found.links.pdf is None


def test_withdrawal_is_an_explicit_field():
    withdrawn = {**ENTRY_2026, "paper": {**ENTRY_2026["paper"], "withdrawnAt": "2026-06-02"}}

    assert read([withdrawn]).announcements[0].withdrawn
    assert not read([ENTRY_2026]).announcements[0].withdrawn


def test_odd_entries_are_skipped_with_a_warning():
    listing = read([7, {"title": "no id"}, ENTRY_2026, {"id": "2605.00003"}, ENTRY_2026, None])

    assert len(listing.announcements) == 1
    assert listing.warnings == (
        "entry 1 skipped: expected an object, got a int",
        "entry 2 skipped: no id",
        "entry 4 skipped: no title",
        "entry 5 skipped: arxiv:2605.00001 stands there twice",
        "entry 6 skipped: expected an object, got a NoneType",
    )


def test_wrong_types_in_any_field_do_no_harm():
    wrong = {"id": "2605.00001", "title": "X", "authors": {"a": 1}, "upvotes": True,
             "publishedAt": 7, "summary": ["x"], "organization": "y", "ai_keywords": 1}  # fmt: skip

    (found,) = read([{"paper": wrong, "numComments": -1, "thumbnail": 3}]).announcements

    assert (found.title, found.summary, found.authors) == ("X", "", ())
    assert (found.upvotes, found.comments, found.published_on) == (None, None, None)


def test_empty_array_is_a_valid_empty_listing():
    assert read([]).announcements == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "expected JSON, got an empty document", id="empty"),
        pytest.param(b'{"error": "Invalid\\ndate"}', "error: Invalid date", id="error object"),
        pytest.param(b'{"detail": 1}', "got an object with detail", id="another object"),
        pytest.param(b"<html>Sign in</html>", 'got "<html>Sign in', id="login page"),
        pytest.param(b'[{"id": 1', "expected JSON", id="cut off"),
        pytest.param(b"[NaN]", "NaN is no JSON number", id="NaN"),
        pytest.param(b"[" * 100_000, "nested too deep", id="100,000 arrays"),
        pytest.param(b'[{"a":' * 50_000, "nested too deep", id="50,000 objects"),
        pytest.param(b"[1, 2]", "none of 2 entries", id="no entry readable"),
        pytest.param(b"[" + b"9" * 5_000 + b"]", "expected JSON", id="huge number"),
    ],
)
def test_what_is_no_listing_says_what_was_expected(content, message):
    with pytest.raises(ParseError, match="parse hf: ") as caught:
        parse_json(content, SOURCE, NOW)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_undecodable_bytes_are_replaced_and_told():
    content = json.dumps([{"id": "2605.00001", "title": "caf?"}]).encode().replace(b"?", b"\xe9")

    listing = parse_json(content, SOURCE, NOW)

    assert listing.announcements[0].title == "caf\ufffd"
    assert "replaced" in listing.warnings[0]


def test_long_fields_and_long_listings_are_cut():
    entry = {"id": "2605.00001", "title": "x" * 10**6, "summary": "y " * 10**6}
    many = [{"id": f"p{n}", "title": "t"} for n in range(6_000)]

    listing = read([entry])
    long_listing = read(many)

    assert len(listing.announcements[0].title) == 500
    assert len(listing.announcements[0].summary) <= 20_000
    assert len(long_listing.announcements) == 5_000
    assert "6000 entries" in long_listing.warnings[-1]


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://huggingface.co/api/daily_papers?date=2026-06-01", False),
        ("https://huggingface.co/api/daily_papers?date=2026-06-02", True),
        ("https://huggingface.co/papers/date/2026-06-02", True),
        ("https://huggingface.co/api/daily_papers?week=2026-W23", False),
        ("https://huggingface.co/api/daily_papers?date=soon", False),
    ],
)
def test_another_day_than_asked_for_is_told(url, warned):
    listing = read([ENTRY_2026], url)

    assert listing.shown_on == date(2026, 6, 1)
    assert ("asked for 2026-06-02, the listing is of 2026-06-01" in listing.warnings) is warned


# --- pages ------------------------------------------------------------------------------


def test_sample_page_is_read_whole():
    content = sample("hf-html/daily-papers-2024-08-01.html")

    listing = parse_html(content, SOURCE, NOW)

    first = listing.announcements[0]
    assert len(listing.announcements) == 13
    assert (listing.shown_on, listing.warnings) == (date(2024, 8, 1), ())
    assert (first.keys[0], first.title) == ("arxiv:2407.21783", "The Llama 3 Herd of Models")
    assert first.summary.startswith("Modern artificial intelligence (AI) systems")
    assert first.summary.endswith("still under development.")
    assert (first.author_count, first.upvotes, first.comments) == (533, 94, 5)
    assert listing.announcements[9].author_count == 5, "one of six asked to be hidden"
    assert {a.announced_on for a in listing.announcements} == {date(2024, 8, 1)}


def test_cards_of_the_sample_agree_with_its_data():
    content = sample("hf-html/daily-papers-2024-08-01.html")
    whole = parse_html(content, SOURCE, NOW)

    cards = parse_html(
        content.replace(b'"DailyPapers"', b'"X"', 1).replace(b"dailyPapers", b"x"), SOURCE, NOW
    )

    facts = [
        [(a.keys[0], a.title, a.upvotes, a.comments) for a in x.announcements]
        for x in (cards, whole)
    ]
    assert facts[0] == facts[1]
    assert "13 cards read instead" in cards.warnings[0]
    assert cards.shown_on == date(2024, 8, 1)


def test_hydration_is_found_by_its_attribute_in_any_order():
    listing = parse_html(
        page({"dailyPapers": [ENTRY_2026], "dateString": "2026-06-01"}, CARD), SOURCE, NOW
    )

    assert listing.announcements[0].title == "Tables of O(n) Numbers"
    assert (listing.shown_on, listing.warnings) == (date(2026, 6, 1), ())


def test_hydration_of_another_name_is_found_by_its_content():
    listing = parse_html(page({"dailyPapers": [ENTRY_2026]}, CARD, "Trending"), SOURCE, NOW)

    assert len(listing.announcements) == 1


def test_disagreement_of_data_and_cards_is_told():
    listing = parse_html(page({"dailyPapers": [ENTRY_2026, ENTRY_2024]}, CARD), SOURCE, NOW)

    assert len(listing.announcements) == 2
    assert listing.warnings == ("the page's data has 2 papers, it shows 1",)


@pytest.mark.parametrize("props", [{}, {"dailyPapers": None}, {"dailyPapers": "x"}])
def test_cards_are_the_fall_back(props):
    (found,) = parse_html(page(props, CARD), SOURCE, NOW).announcements

    assert found.title == "Tables of Numbers"
    assert (found.author_count, found.upvotes, found.comments) == (5, 1200, 3)
    assert found.links.page == "https://huggingface.co/papers/2605.00001"


def test_broken_data_is_told_before_the_cards_are_read():
    content = page({}, CARD).replace(b"{}", b"{&quot;daily")

    listing = parse_html(content, SOURCE, NOW)

    assert len(listing.announcements) == 1
    assert listing.warnings[0].startswith("the page's data is no JSON")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "a page without title", id="empty"),
        pytest.param(
            b"<title>Sign\nin</title><h3><a href='/x'>x</a></h3>", '"Sign in"', id="login"
        ),
        pytest.param(page({"posts": []}), '"Daily Papers"', id="other data"),
        pytest.param(b"<div>" * 100_000, "nested too deep", id="nesting"),
        pytest.param(page({"dailyPapers": [1]}), "none of 1 entries", id="unreadable"),
    ],
)
def test_page_without_papers_says_what_was_expected(content, message):
    start = time.perf_counter()

    with pytest.raises(ParseError, match="parse hf: ") as caught:
        parse_html(content, SOURCE, NOW)

    assert message in str(caught.value)
    assert time.perf_counter() - start < 5


def test_empty_day_is_a_valid_empty_page():
    assert parse_html(page({"dailyPapers": []}), SOURCE, NOW).announcements == ()


# --- damage -----------------------------------------------------------------------------

JUNK = st.sampled_from(
    [b"", b"\x00", b'"', b"<", b"\xff", b"]", b"&quot;", b"\xed\xa0\x80", b"{" * 50]
)


@pytest.mark.parametrize("parse", [parse_json, parse_html])
@settings(max_examples=40, deadline=None)
@given(cut=st.floats(0, 1), length=st.integers(0, 40), junk=JUNK)
def test_damaged_documents_end_in_a_listing_or_a_parse_error(parse, cut, length, junk):
    whole = (
        json.dumps([ENTRY_2026, ENTRY_2024]).encode()
        if parse is parse_json
        else page({"dailyPapers": [ENTRY_2026, ENTRY_2024]}, CARD)
    )
    at = int(cut * len(whole))

    try:
        listing = parse(whole[:at] + junk + whole[at + length :], SOURCE, NOW)
    except ParseError:
        return
    assert all(a.title and a.keys for a in listing.announcements)


# --- first look -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b' \n[{"id": 1}]', "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b"<!DOCTYPE html><p>", "html"),
        (b"\n<!-- x --><html>", "html"),
        (b"<HTML><body>Get trending papers in your email inbox!", "html"),
        (b"new\n\nGet trending papers in your email inbox!", "text"),
        (b"[[logo] x][1]\nGet trending papers in your email inbox!", "text"),
        (b"<?xml version='1.0'?><rss>", None),
        (b"", None),
    ],
)
def test_first_look_tells_the_kinds_apart(content, kind):
    looks = {"json": looks_like_json, "html": looks_like_html, "text": looks_like_text}

    assert [name for name, look in looks.items() if look(content)] == ([kind] if kind else [])
