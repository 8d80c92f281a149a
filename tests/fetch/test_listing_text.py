import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.fetch.card import (
    Card,
    CardDay,
    capture_day,
    read_count,
    read_day,
    read_organisation,
    read_paper_id,
)
from digest.fetch.listing_text import parse_text
from digest.model import Source

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples" / "hf-text"
SOURCE = Source(name="saved", url="/saved/listing.txt")
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
SITE = "https://huggingface.co"

BANNER = "new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\n"
BY = "byAK and the research community\n\n"
# Invented, and as long as abstracts are.
ABSTRACT = "We count the leaves of a tree, one by one, and find as many as there are. " * 8


def sample(name):
    if not SAMPLES.is_dir():
        pytest.skip(f"no folder of samples at {SAMPLES.resolve()}: these tests read real listings")
    return (SAMPLES / name).read_bytes()


def read(text, now=NOW):
    return parse_text(text.encode() if isinstance(text, str) else text, SOURCE, now)


def facts(listing):
    return [
        (a.title, a.author_count, a.organisation, a.published_on, a.comments, a.upvotes)
        for a in listing.announcements
    ]


# --- real listings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "papers", "first", "last", "ending"),
    [
        pytest.param(
            "000_9320744e052913bb.txt", 50, "Exploring Geometry of Blind Spots in Vision Models",
            "Compositional Scene Representation Learning via Reconstruction: A Survey",
            "future directions of this research topic.", id="A: blank lines",
        ),
        pytest.param(
            "001_ba9f93ca00140ad5.txt", 81, "Neural Common Neighbor with Completion for",
            "Modeling Edge-Specific Node Features through Co-Representation",
            "https://github.com/zhengyijia/CoNHD.", id="B: authors and dates",
        ),
        pytest.param(
            "004_2ebf60328b21907f.txt", 213, "PFGS: High Fidelity Point Cloud Rendering",
            "NeuRBF: A Neural Fields Representation with Adaptive Radial Basis Functions",
            "comparable training speed.", id="C: line by line",
        ),
        pytest.param(
            "papers-search-refs-2026-06-29.txt", 5, "MURMUR: An Efficient Inference System",
            "VIBEVOICE-ASR Technical Report",
            "polyphonic character disambiguation.", id="D: numbered references",
        ),
        pytest.param(
            "trending-2026-01.md", 6, "Agent Lightning: Train ANY AI Agents",
            "SmolDocling: An ultra-compact vision-language model for end-to-end multi-modal",
            "", id="G: every card twice",
        ),
    ],
)  # fmt: skip
def test_samples_are_read_whole(name, papers, first, last, ending):
    found = read(sample(name)).announcements

    assert len(found) == papers
    assert found[0].title.startswith(first)
    assert found[-1].title.startswith(last)
    assert found[-1].summary.endswith(ending)
    assert all(15 <= len(a.title) <= 183 for a in found)
    assert all(a.ai_summary or 560 <= len(a.summary) <= 1921 for a in found)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("000_9320744e052913bb.txt", "The Principles of Deep Learning Theory"),
        ("001_ba9f93ca00140ad5.txt", "Continuous Thought Machines"),
        ("000_9320744e052913bb.txt", "Poincaré ResNet"),
        ("004_2ebf60328b21907f.txt", "node2vec: Scalable Feature Learning for Networks"),
        ("trending-2026-01.md", "Continuous Audio Language Models"),
    ],
)  # fmt: skip
def test_titles_of_the_samples(name, title):
    assert title in [a.title for a in read(sample(name)).announcements]


def test_sample_of_2025_is_not_read_as_of_the_year_of_reading():
    listing = read(sample("001_ba9f93ca00140ad5.txt"), datetime(2026, 11, 21, tzinfo=UTC))

    by_title = {a.title: a for a in listing.announcements}
    machines = by_title["Continuous Thought Machines"]
    assert listing.shown_on == date(2025, 10, 31)
    assert (machines.published_on, machines.published_on_inferred) == (date(2025, 5, 8), True)
    assert machines.organisation == "Sakana AI"
    assert "dates without a year were read as of 2025" in listing.warnings


def test_sample_with_its_own_capture_day_is_read_as_of_it():
    listing = read(sample("papers-search-refs-2026-06-29.txt"))

    assert listing.shown_on == date(2026, 6, 29)
    assert [a.upvotes for a in listing.announcements] == [0, 65, 1, 0, 24]
    assert [a.comments for a in listing.announcements] == [None, 6, None, None, 3]
    assert [a.author_count for a in listing.announcements] == [3, 671, 8, 3, None]
    assert listing.announcements[-1].organisation == "Microsoft"


def test_sentence_of_a_machine_is_no_abstract():
    found = read(sample("trending-2026-01.md")).announcements

    assert [bool(a.summary) for a in found] == [False] * 4 + [True, False]
    assert found[0].ai_summary.startswith("Agent Lightning is a flexible RL framework")
    assert found[0].links.code == "https://github.com/microsoft/agent-lightning"


# --- layouts, by invented listings ------------------------------------------------------


def test_layout_a_title_and_abstract_in_turn():
    text = f"{BANNER}{BY}Apr 23\n\nTree?\n\n{ABSTRACT}\n\nnode2tree\n\n{ABSTRACT}see {{here}}"

    listing = read(text, datetime(2026, 4, 24, tzinfo=UTC))

    assert [a.title for a in listing.announcements] == ["Tree?", "node2tree"]
    assert listing.announcements[1].summary.endswith("see here")
    assert listing.shown_on == date(2026, 4, 23)


def test_layout_a_gets_back_into_step():
    """A second paragraph, or a title without abstract, does not shift all that follows."""
    text = f"{BANNER}{BY}Apr 23\n\nOne\n\n{ABSTRACT}\n\n{ABSTRACT}\n\nTwo"
    text += f"\n\nThree\n\n{ABSTRACT}\n\nCut"

    listing = read(text)

    assert [a.title for a in listing.announcements] == ["One", "Two", "Three"]
    assert listing.announcements[0].summary.count("\n\n") == 1
    assert listing.announcements[1].summary == ""
    assert "1 of 3 papers have no abstract" in listing.warnings


def test_layout_b_with_counts_years_and_organisations():
    cards = "".join(
        f"{title}\n\n{ABSTRACT}\n\n{who}\n·\n{day}\n\n"
        for title, who, day in [
            ("One", "  • 3 authors", "Oct 13, 2021 1"),
            ("Two", "  • 1 authors", "Mar 12 3"),
            ("Three", "SakanaAI Sakana AI", "May 24"),
            ("Four", "Some People", "Feb 2, 2025 1.2k"),
        ]
    )

    listing = read(
        f"{BANNER}Daily Papers\n\n{BY}Oct 31\n\n{cards}", datetime(2026, 11, 1, tzinfo=UTC)
    )

    assert facts(listing) == [
        ("One", 3, None, date(2021, 10, 13), 1, None),
        ("Two", 1, None, date(2026, 3, 12), 3, None),
        ("Three", None, "Sakana AI", date(2026, 5, 24), None, None),
        ("Four", None, "Some People", date(2025, 2, 2), 1200, None),
    ]
    assert [a.published_on_inferred for a in listing.announcements] == [False, True, True, False]


def test_layout_c_with_the_first_title_glued_to_the_header():
    text = (
        "Get trending papers in your email inbox once a day!\n"
        f"Get trending papers in your email inbox!\nSubscribeOne\n{ABSTRACT}\nTwo\n{ABSTRACT}"
    )

    listing = read(text)

    assert [a.title for a in listing.announcements] == ["One", "Two"]
    assert listing.shown_on is None


def test_layout_d_takes_the_vote_box_of_the_next_card_for_no_comments():
    cards = "".join(
        f"[\n{votes}\n][{n}]\n\n### [{title}][{n + 1}]\n\n"
        f"[\n\nHard\nwrapped. {ABSTRACT}\n\n][{n + 2}]\n{who}\n·\n{day}\n"
        for votes, title, who, day, n in [
            ("-", "One", "[\n* 3 authors\n][9]", "May 30", 10),
            ("65", "Two [draft]", "[[acme] Acme Inc.][9]", "Mar 8, 2024 [ 6][9]", 20),
        ]
    )

    listing = read(
        f"{BANNER}# Daily Papers\n\nJun 29\n{cards}\n"
        f"[20]: {SITE}/x\n[21]: {SITE}/papers/2606.00001\n"
    )

    assert facts(listing) == [
        ("One", 3, None, date(2026, 5, 30), None, 0),
        ("Two [draft]", None, "Acme Inc.", date(2024, 3, 8), 6, 65),
    ]
    assert listing.announcements[1].keys[0] == "arxiv:2606.00001"
    assert listing.announcements[0].summary.startswith("Hard wrapped. We count")


def test_layout_e_with_inline_links_and_backslashes():
    avatars = "- ![](https://a.example/1.png)\\\\\n- ![](https://a.example/2.svg)\\\\\n"
    text = (
        f"---\nretrieved: 2026-10-02\n---\n{BANNER}# Daily Papers\n\nOct 2\n\n"
        f"[101]({SITE}/login?next=%2Fpapers%2F2606.00001)\n\n"
        f"### [Engage\\  with Trees]({SITE}/papers/2606.00001)\n\n"
        f"[Wrapped\\\\\nlines [1]. {ABSTRACT}]({SITE}/papers/2606.00001)\n\n"
        f"[![acme](https://a.example/x.png)Acme]({SITE}/acme)\n\n·\n\n"
        f"May 29[6]({SITE}/papers/2606.00001#community)\n\n"
        f"[-]({SITE}/login?next=%2Fpapers%2F2502.00002)\n\n"
        f"### [Two]({SITE}/papers/2502.00002)\n\n[{ABSTRACT}]({SITE}/papers/2502.00002)\n\n"
        f"[{avatars}- 3 authors]({SITE}/papers/2502.00002)\n\n·\n\nFeb 27, 2025\n"
    )

    listing = read(text)

    assert facts(listing) == [
        ("Engage with Trees", None, "Acme", date(2026, 5, 29), 6, 101),
        ("Two", 3, None, date(2025, 2, 27), None, 0),
    ]
    assert listing.announcements[0].summary.startswith("Wrapped lines [1]. We count")
    assert [a.keys[0] for a in listing.announcements] == ["arxiv:2606.00001", "arxiv:2502.00002"]
    assert listing.shown_on == date(2026, 10, 2)


def test_layout_f_with_every_address_a_paragraph():
    def card(paper, vote, title, who, day):
        address = f"{SITE}/papers/{paper}"
        return (
            f" [-] {vote}\n\n{SITE}/login?next=%2Fpapers%2F{paper}\n\n{title}\n\n{address}\n\n"
            f"{ABSTRACT}\n\n{address}\n\n{who.format(address)}\n\n·\n\n{day.format(address)}\n\n"
        )

    text = (
        f"exported: 2026-07-28\n\n{BANNER}{SITE}/login?next=%2Fpapers\n\nDaily Papers\n\n"
        f"by \n\nAK\n\n{SITE}/akhaliq\n\n and the research community\n\nleaf counting\n\n"
        "Daily\n\nWeekly\n\nMonthly \n\n"
        f"{SITE}/papers/trending\n\n \n\n{SITE}/papers/date/2026-03-24\n\nMar 25\n\n"
        + card(
            "2410.00001", "19", "One", "[\n\n3 authors]({})", "Sep 3, 2024 \n\n2\n\n{}#community"
        )
        + card("2510.00002", "-", "Two", f" \n\n{{}}\n\n Acme\n\n{SITE}/acme", "Oct 23, 2025")
        + card("2601.00003", "5", "Three", "[\n\n4 authors]({})", "Jan 26")
    )

    listing = read(text)

    assert facts(listing) == [
        ("One", 3, None, date(2024, 9, 3), 2, 19),
        ("Two", None, "Acme", date(2025, 10, 23), None, 0),
        ("Three", 4, None, date(2026, 1, 26), None, 5),
    ]
    assert all(a.summary.startswith("We count") for a in listing.announcements)
    assert listing.shown_on == date(2026, 3, 25)


def test_trending_pages_show_votes_after_the_abstract_and_cards_twice():
    card = (
        "Submitted by\n\n[image]\n\nsomeone\n\n"
        f"### [A Long Title about\nTrees]({SITE}/papers/2610.00001)\n\n\n{{}}\n\n\n"
        f"[[acme] Acme]({SITE}/acme) · Published on Oct 4, 2026\n\n\n"
        f"[Upvote\n\n117]({SITE}/login?next=%2Fpapers%2F2610.00001)\n\n"
        "[GitHub 1.3k](https://github.com/acme/trees) [arXiv Page](https://arxiv.org/abs/2610.00001)\n\n"
    )

    (found,) = read(f"{BANNER}# Trending Papers\n\n{card.format(ABSTRACT) * 2}").announcements
    (short,) = read(f"{BANNER}# Trending Papers\n\n{card.format('It counts.') * 2}").announcements

    assert found.title == "A Long Title about Trees"
    assert found.summary == ABSTRACT.strip()
    assert (found.organisation, found.published_on) == ("Acme", date(2026, 10, 4))
    assert (found.upvotes, found.links.code) == (117, "https://github.com/acme/trees")
    assert (short.summary, short.ai_summary) == ("", "It counts.")


# --- dates ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Feb 2, 2023", (CardDay(month=2, day=2, year=2023), "")),
        ("Mar 12 3", (CardDay(month=3, day=12), " 3")),
        ("Mar 8, 2024 [ 6][39]", (CardDay(month=3, day=8, year=2024), " [ 6][39]")),
        ("Feb 29", (CardDay(month=2, day=29), "")),
        ("Feb 29, 2023", None),
        ("Apr 31", None),
        ("May 2026", None),
        ("Marching 12 steps", None),
        ("", None),
    ],
)
def test_dates_as_pages_show_them(text, expected):
    assert read_day(text) == expected


def cards(*days):
    return [Card(title="x", day=CardDay(month=m, day=d, year=y)) for m, d, y in days]


MANY_YEARS = [(1, 1, 2015 + n) for n in range(10)]  # the newest is 2024


@pytest.mark.parametrize(
    ("page", "days", "captured_by", "year"),
    [
        pytest.param(
            (10, 31), [(5, 8, None), *MANY_YEARS], date(2026, 11, 21), 2025, id="next year"
        ),
        pytest.param((10, 31), [(5, 8, None)], date(2026, 11, 21), 2026, id="nothing else known"),
        pytest.param(
            (12, 31), [(5, 8, None)], date(2026, 11, 21), 2025, id="page is not of the future"
        ),
        pytest.param((1, 1), [(12, 31, 2025)], date(2026, 1, 1), 2026, id="New Year"),
        pytest.param((1, 1), [], date(2025, 12, 31), 2026, id="a day ahead of the reader"),
        pytest.param(None, [(12, 30, None)], date(2026, 11, 21), 2025, id="no page date"),
        pytest.param((2, 29), [], date(2026, 11, 21), 2024, id="leap day"),
        pytest.param(None, [], date(2026, 11, 21), None, id="no dates at all"),
    ],
)
def test_year_of_the_capture_is_concluded(page, days, captured_by, year):
    header = CardDay(month=page[0], day=page[1]) if page else None

    assert capture_day(header, cards(*days), captured_by)[1] == year


# --- small readers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", 12), (" 1,234 ", 1234), ("11.3k", 11300), ("1.2M", 1_200_000), ("-", 0),
     ("", None), ("x", None), ("9" * 50, None), ("1.2.3", None), ("٣", None)],
)  # fmt: skip
def test_counts(text, expected):
    assert read_count(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("SakanaAI Sakana AI", "Sakana AI"), ("nvidia NVIDIA", "NVIDIA"), ("Acme Inc.", "Acme Inc."),
     ("occ-ai OCC", "occ-ai OCC"), ("", None)],
)  # fmt: skip
def test_handle_goes_where_it_can_be_told(text, expected):
    assert read_organisation(text) == expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/papers/2606.00001", "2606.00001"),
        (f"{SITE}/papers/2606.00001#community", "2606.00001"),
        (f"{SITE}/papers/2606.00001.md", "2606.00001"),
        (f"{SITE}/papers/trending", None),
        (f"{SITE}/papers/date/2026-06-01", None),
        (f"{SITE}/login?next=%2Fpapers%2F2606.00001", None),
        ("https://example.org/papers/2606.00001", None),
    ],
)
def test_links_to_papers(link, expected):
    assert read_paper_id(link) == expected


# --- what is no listing -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "got an empty document", id="empty"),
        pytest.param(b"Log in to Hugging Face\n\nUsername", "expected the header", id="login"),
        pytest.param(b"503 Service Unavailable", "expected the header", id="error page"),
        pytest.param(BANNER.encode(), "found none", id="header alone"),
        pytest.param((BANNER + BY + "Apr 23\n\nOnly a title").encode(), "found none", id="cut"),
        pytest.param(b"\x00\xff\xfe" * 100, "expected the header", id="binary"),
    ],
)
def test_another_page_says_what_was_expected(content, message):
    with pytest.raises(ParseError, match="parse saved: ") as caught:
        parse_text(content, SOURCE, NOW)

    assert message in str(caught.value)


def test_undecodable_bytes_are_told():
    content = f"{BANNER}{BY}Apr 23\n\nCaf?\n\n{ABSTRACT}".encode().replace(b"?", b"\xe9")

    listing = parse_text(content, SOURCE, NOW)

    assert listing.announcements[0].title == "Caf\ufffd"
    assert "replaced" in listing.warnings[0]


@pytest.mark.parametrize(
    "piece",
    ["### [", "### [x](", "[\n1\n][1]\n", "·\n", "[", "](", "a\n\n", f"{SITE}/papers/1\n",
     "· May 1\n", "### x\n[", "\\\n", " ", "- ", "[[", f"[1]({SITE}/login?next=", "Subscribe",
     "[![](x)", "May 1\n", "\\", "\n", "[Upvote ", "·", "-\n", "[[a] b](c)\n"],
)  # fmt: skip
def test_no_repetition_takes_long(piece):
    start = time.perf_counter()

    for start_of_card in ("", "### x\n", "### x\n["):
        try:
            listing = read(BANNER + start_of_card + piece * (300_000 // len(piece)))
        except ParseError:
            continue
        assert len(listing.announcements) <= 5_000
    assert time.perf_counter() - start < 10


@settings(max_examples=60, deadline=None)
@given(
    cut=st.floats(0, 1),
    length=st.integers(0, 200),
    junk=st.sampled_from(
        ["", "\n", "### ", "·", "[", "](x)", "\x00", "\u202e", "Subscribe", "Jan 1"]
    ),
)
def test_damaged_listings_end_in_a_listing_or_a_parse_error(cut, length, junk):
    whole = (
        f"{BANNER}# Daily Papers\n\nOct 2\n\n[1]({SITE}/login?next=%2Fpapers%2F2606.00001)\n\n"
        f"### [One]({SITE}/papers/2606.00001)\n\n[{ABSTRACT}]({SITE}/papers/2606.00001)\n\n"
        f"[- 3 authors]({SITE}/papers/2606.00001)\n\n·\n\n"
        f"May 29[6]({SITE}/papers/2606.00001#community)\n"
        f"### Two\n\n{ABSTRACT}\n- 2 authors\n\n{ABSTRACT}\n·\nMar 3, 2024 2\n"
    )
    at = int(cut * len(whole))

    try:
        listing = read(whole[:at] + junk + whole[at + length :])
    except ParseError:
        return
    assert all(a.title and a.keys for a in listing.announcements)
