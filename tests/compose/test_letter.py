"""Both parts of the mail: that they say the same, keep in size, and show what they must."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from digest.compose.body import fit
from digest.compose.columns import WIDTH, columns
from digest.compose.letter import HTML_BYTES
from digest.compose.message import MessageBuilder
from digest.compose.telling import said_of
from digest.links import Links as OwnAddresses
from digest.model import (
    Day,
    Digest,
    Form,
    Frequency,
    Links,
    Mention,
    MentionKind,
    Ranked,
    Reason,
    ReasonKind,
    Schedule,
    Subscriber,
)
from digest.render import Templates
from tests.compose.samples import (
    ADA,
    DAY,
    DELIVERY_ID,
    EDITION,
    MAIL,
    NOW,
    make_digest,
    make_item,
    make_ranked,
)

BUILDER = MessageBuilder(MAIL, Templates())
OUR_LINKS = OwnAddresses("https://digest.example.org", ["k" * 40])


def html_of(digest: Digest, subscriber: Subscriber = ADA) -> LexborHTMLParser:
    return LexborHTMLParser(BUILDER.html(digest, subscriber))


def texts(tree: LexborHTMLParser, selector: str) -> list[str]:
    return [" ".join(node.text().split()) for node in tree.css(selector)]


def flat(text: str) -> str:
    return " ".join(text.split())


def solid(text: str) -> str:
    """Drop all white space: Chinese is wrapped where there is none."""
    return "".join(text.split())


def test_html_shows_sections_and_items_in_order():
    tree = html_of(make_digest())

    assert texts(tree, "h1") == ["Saturday, 21 November 2026"]
    assert texts(tree, "h2") == [
        "Retrieval and embeddings",
        "Protein structure",
        "Popular today",
    ]
    titles = [pick.item.title for pick in make_digest().picks]
    assert texts(tree, "h3 a") == titles
    assert titles[0].startswith("Nested")


def test_everything_the_html_says_stands_in_the_text():
    digest = make_digest()
    tree, text = html_of(digest), solid(BUILDER.text(digest, ADA))

    for selector in ("h1", "h2", "h3", ".by", ".lead", ".chip", ".count", ".link"):
        for said in texts(tree, selector):
            assert solid(said.removeprefix("▲ ")) in text
    for said in texts(tree, ".summary"):
        assert solid(said.removeprefix("AI summary ")) in text
    for link in tree.css("a"):
        assert link.attributes["href"] in text


def test_every_address_of_the_text_stands_in_the_html():
    digest = make_digest()
    shown = {link.attributes["href"] for link in html_of(digest).css("a")}

    found = re.findall(
        r"^ +\[(\d+)\] (?:[A-Z]\w+: )?(\S+)$", BUILDER.text(digest, ADA), re.MULTILINE
    )

    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    assert len(found) == 16
    assert {address for _, address in found} | {
        "mailto:digest@example.org?subject=unsubscribe"
    } == shown


def test_text_keeps_to_its_columns():
    lines = BUILDER.text(make_digest(), ADA).split("\n")

    assert all(columns(line) <= WIDTH for line in lines if "http" not in line)
    assert not any(line != line.rstrip() for line in lines)
    assert "\n\n\n\n" not in "\n".join(lines)


def test_machine_made_summary_is_marked():
    tree = html_of(make_digest())

    [marked] = [node for node in tree.css(".summary") if node.css(".mark")]
    assert flat(marked.text()).startswith("AI summary An encoder can be updated weekly")
    assert "AI summary: An encoder" in BUILDER.text(make_digest(), ADA)


def test_summary_is_extracted_for_this_readers_words():
    tree = html_of(make_digest())

    assert "Matryoshka embeddings" in texts(tree, ".summary")[0]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        pytest.param(
            DAY,
            ["212 new items from 3 sources, 6 chosen for you.", "arxiv-bio could not be read"],
            id="a source failed",
        ),
        pytest.param(
            Day(new_items=1, source_names=("hf",)),
            ["1 new item from 1 source, 6 chosen for you."],
            id="one of one",
        ),
        pytest.param(Day(), ["6 chosen for you."], id="nothing new, late arrivals only"),
        pytest.param(
            replace(DAY, failed_sources=("a", "b")),
            ["212 new items from 3 sources", "a and b could not be read today; what they"],
            id="two failed",
        ),
    ],
)
def test_mail_is_honest_about_the_day(day, said):
    digest = make_digest(day=day)

    shown = texts(html_of(digest), ".lead")

    assert len(shown) == len(said)
    assert all(line.startswith(start) for line, start in zip(shown, said, strict=True))


@pytest.mark.parametrize(
    ("days_back", "since"),
    [
        pytest.param(3, None, id="usual window"),
        pytest.param(4, None, id="a day of grace"),
        pytest.param(9, date(2026, 11, 12), id="after an outage"),
    ],
)
def test_catching_up_is_said(days_back, since):
    text = BUILDER.text(make_digest(days_back=days_back), ADA)

    assert ("catches up since Thu 12 Nov" in text) is (since is not None)


def test_weekly_reader_does_not_catch_up_every_week():
    weekly = replace(ADA, schedule=replace(ADA.schedule, weekdays=frozenset({5})))

    assert "catches up" not in BUILDER.text(make_digest(days_back=7), weekly)


def test_footer_tells_why_when_and_how_to_leave():
    text = flat(BUILDER.text(make_digest(), ADA))

    assert "because this address is subscribed to Daily Digest: ada@example.org" in text
    assert "Retrieval and embeddings and Protein structure" in text
    assert "Next digest: Sun 22 Nov, 07:00" in text
    assert "Unsubscribe: mailto:digest@example.org?subject=unsubscribe" in text
    assert "Contact: desk@example.org" in text


def test_digest_without_a_next_one_says_nothing_of_it():
    digest = make_digest(day=replace(DAY, next_digest_at=None))

    assert "Next digest" not in BUILDER.text(digest, ADA)


def test_only_web_addresses_are_linked():
    item = make_item(
        1,
        "T",
        links=Links(
            page="javascript:alert(1)",
            pdf="https://example.org/a b",
            html="http://[broken",
            code="data:text/html,x",
            project="//example.org/x",
            discussion="https://example.org/" + "x" * 2000,
        ),
    )
    digest = make_digest([Ranked(item=item, score=1)])

    assert [link.attributes["href"] for link in html_of(digest).css(".card a")] == []


def test_item_keeps_its_own_language_and_direction():
    tree = html_of(make_digest())

    [chinese] = [node for node in tree.css("h3") if "低资源" in node.text()]
    assert (chinese.attributes["lang"], chinese.attributes["dir"]) == ("zh", "auto")


def many(count: int, summary: str = "We show that words matter. " * 20) -> Digest:
    ranked = [
        Ranked(item=make_item(n, f"Item number {n} of a long day", summary), score=1 - n / 1000)
        for n in range(count)
    ]
    return make_digest(ranked, replace(ADA, max_items=count))


@pytest.mark.parametrize("count", [10, 40, 100])
def test_size_budget_holds_and_no_item_is_lost(count):
    digest = many(count)

    html, text = BUILDER.html(digest, ADA), BUILDER.text(digest, ADA)

    assert len(html.encode()) <= HTML_BYTES
    for n in range(count):
        assert f"Item number {n} of" in html
        assert f"Item number {n} of" in text
    assert ("Also chosen for you" in html) is (count == 100)


def test_what_does_not_fit_even_as_a_line_is_counted():
    links = Links(page="https://a.example/" + "x" * 900)
    ranked = [
        Ranked(item=make_item(n, f"{n} " + "模" * 290, links=links), score=1 - n / 1000)
        for n in range(100)
    ]
    digest = make_digest(ranked, replace(ADA, max_items=100))

    html, text = BUILDER.html(digest, ADA), BUILDER.text(digest, ADA)

    assert len(html.encode()) <= HTML_BYTES
    shown = len(texts(LexborHTMLParser(html), ".line, h3"))
    assert 20 < shown < 100
    assert f"{100 - shown} more were chosen" in flat(html)
    assert f"{100 - shown} more were chosen" in flat(text)


sizes = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 20)), max_size=20)


@given(sizes, st.integers(0, 400))
def test_fitting_shows_as_much_as_there_is_room_for(pairs, room):
    whole = [max(pair) for pair in pairs]
    short = [min(pair) for pair in pairs]

    items, lines = fit(whole, short, room)

    def taken(items: int, lines: int) -> int:
        return sum(whole[:items]) + sum(short[items : items + lines])

    assert taken(items, lines) <= room
    if items + lines < len(pairs):
        assert items == 0
        assert taken(0, lines + 1) > room
    elif lines:
        assert taken(items + 1, lines - 1) > room


def test_mail_holds_nothing_that_clients_forbid_or_readers_mind():
    html = BUILDER.html(make_digest(), ADA)
    tree = LexborHTMLParser(html)

    for forbidden in ("script", "form", "input", "iframe", "img", "link", "svg", "object"):
        assert tree.css(forbidden) == []
    assert html.index("<meta charset=") < 1024
    assert "@media (prefers-color-scheme: dark)" in html.partition("</head>")[0]
    assert "@import" not in html
    assert "url(" not in html
    assert all(table.attributes.get("role") == "presentation" for table in tree.css("table"))
    assert tree.css_first("html").attributes["lang"] == "en"
    assert tree.css_first("meta[name=color-scheme]").attributes["content"] == "light dark"
    assert all(node.attributes.get("style") for node in tree.css("h1, h2, h3, p, a, td.card"))


def test_right_to_left_reader_gets_a_right_to_left_mail(tmp_path):
    catalogue = tmp_path / "mail" / "locale" / "ar.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n')
    builder = MessageBuilder(MAIL, Templates(tmp_path))

    tree = LexborHTMLParser(builder.html(make_digest(), replace(ADA, language="ar")))

    assert tree.css_first("html").attributes["dir"] == "rtl"
    assert tree.css_first("td.card").attributes["align"] == "right"


def test_reason_that_says_the_same_as_a_stronger_one_is_left_out():
    reasons = [
        Reason(kind=ReasonKind.KEYWORD, value="exoplanets", share=0.4, interest="Planets"),
        Reason(kind=ReasonKind.CATEGORY, value="astro-ph.EP", share=0.2, interest="Planets"),
        Reason(kind=ReasonKind.TOPIC, value="Exoplanets", share=0.1, interest="Planets"),
    ]

    assert said_of(reasons) == (("keyword", "exoplanets"), ("category", "astro-ph.EP"))


SHORT = replace(ADA, form=Form.SHORT)
WEEKLY = replace(ADA, schedule=Schedule(frequency=Frequency.WEEKLY, weekdays=frozenset({5})))


def named(kind: MentionKind, number: int, **known: object) -> Mention:
    return Mention.of(kind, make_item(number, f"{kind} number {number}", **known))


MENTIONS = (
    named(MentionKind.MOST_VOTED, 21, upvotes=1204),
    named(MentionKind.REVISED, 22, version=2),
    *(named(MentionKind.ALSO_NEW, 30 + n) for n in range(10)),
)


def test_short_form_is_titles_and_reasons_alone():
    digest = make_digest(subscriber=SHORT)

    tree = html_of(digest, SHORT)

    assert texts(tree, "h3 a") == [pick.item.title for pick in digest.picks]
    assert len(texts(tree, ".reasons")) == len(digest.picks)
    assert texts(tree, ".summary, .by, .count, .links") == []
    text = BUILDER.text(digest, SHORT)
    assert "Why: Matryoshka embeddings; retrieval, index" in text
    assert "Telescope" not in text


def test_weekly_form_goes_by_days_under_the_most_voted():
    days = (0, 3, 0, 6, 3, 0)
    ranked = [
        one._replace(item=replace(one.item, eligible_at=NOW - timedelta(days=back)))
        for one, back in zip(make_ranked(), days, strict=True)
    ]
    digest = replace(make_digest(ranked, WEEKLY), mentions=MENTIONS)

    tree = html_of(digest, WEEKLY)

    assert texts(tree, "h1") == ["The week to Saturday, 21 November 2026"]
    assert texts(tree, "h2") == [
        "Most voted this week",
        "Saturday 21 November",
        "Wednesday 18 November",
        "Sunday 15 November",
        "New versions",
        "Also new today",
    ]
    assert texts(tree, ".line")[0] == "most-voted number 21 · 1,204 votes"


@pytest.mark.parametrize(
    ("sent_on", "said"),
    [
        pytest.param(date(2026, 11, 17), "v2 of what you got on Tuesday", id="this week"),
        pytest.param(date(2026, 11, 3), "v2 of what you got on Tue 3 Nov", id="weeks ago"),
    ],
)
def test_revised_item_says_when_the_reader_had_it(sent_on, said):
    revised = replace(named(MentionKind.REVISED, 22, version=2), sent_on=sent_on)
    digest = replace(make_digest(), mentions=(revised,))

    assert texts(html_of(digest), ".line") == [f"revised number 22 · {said}"]
    assert said in flat(BUILDER.text(digest, ADA))


def test_title_lines_that_do_not_fit_are_dropped_from_the_tail():
    titles = [mention.item.title for mention in MENTIONS]
    counts = set()
    for items in range(80, 100):  # so many all but fill the mail
        full = replace(many(items), mentions=MENTIONS)

        html, text = BUILDER.html(full, ADA), BUILDER.text(full, ADA)

        assert len(html.encode()) <= HTML_BYTES
        if "Also chosen for you" in html:
            break
        shown = texts(LexborHTMLParser(html), ".line a")
        assert shown == titles[: len(shown)]
        assert [title for title in titles if f"{title}\n" in text or f"{title} ·" in text] == shown
        counts.add(len(shown))

    assert len(titles) in counts
    assert counts - {0, len(titles)}


def test_rise_is_drawn_in_signs_of_the_text():
    votes = tuple(
        (EDITION - timedelta(days=back), count) for back, count in ((3, 2), (1, 9), (0, 16))
    )
    ranked = make_ranked()[:1]
    item = replace(ranked[0].item, votes_by_day=votes, upvotes=16)
    digest = make_digest([ranked[0]._replace(item=item)])

    assert texts(html_of(digest), ".sparkline") == ["▁▁▄█"]
    assert texts(html_of(digest), ".rising") == ["rising: +7"]
    assert "16 votes ▁▁▄█ · rising: +7 · 12 comments" in BUILDER.text(digest, ADA)


@pytest.mark.parametrize(
    "votes",
    [
        pytest.param((), id="unknown"),
        pytest.param(((EDITION, 9),), id="one day"),
        pytest.param(((EDITION - timedelta(days=1), 0), (EDITION, 0)), id="none"),
    ],
)
def test_no_votes_are_no_drawing(votes):
    ranked = make_ranked()[:1]
    digest = make_digest([ranked[0]._replace(item=replace(ranked[0].item, votes_by_day=votes))])

    assert texts(html_of(digest), ".sparkline, .rising") == []


@pytest.mark.parametrize(
    ("allowed", "wanted", "shown"),
    [
        pytest.param("off", True, [], id="the operator allows none"),
        pytest.param("direct", False, [], id="not asked for"),
        pytest.param("direct", True, ["https://cdn.example/t.png"], id="from its source"),
        pytest.param(
            "proxied", True, ["https://digest.example.org/thumbnail/item-1"], id="through us"
        ),
    ],
)
def test_pictures_are_shown_where_both_sides_want_them(allowed, wanted, shown):
    mail = MAIL.model_copy(update={"thumbnails": allowed})
    builder = MessageBuilder(mail, Templates(), OUR_LINKS)
    reader = replace(ADA, id=DELIVERY_ID, thumbnails=wanted)
    ranked = make_ranked()[:1]
    item = replace(ranked[0].item, thumbnail="https://cdn.example/t.png")
    digest = replace(make_digest([ranked[0]._replace(item=item)], reader), id=DELIVERY_ID)

    pictures = LexborHTMLParser(builder.html(digest, reader)).css("img")

    assert [one.attributes["src"] for one in pictures] == shown
    for one in pictures:
        assert (one.attributes["width"], one.attributes["height"]) == ("112", "63")
        assert one.attributes["alt"] == "Picture"


def test_operators_picture_stands_for_the_name_and_says_it():
    mail = MAIL.model_copy(update={"logo_image": "https://example.org/logo.png", "logo_width": 90})

    html = MessageBuilder(mail, Templates()).html(make_digest(), ADA)

    [image] = LexborHTMLParser(html).css("img")
    assert (image.attributes["alt"], image.attributes["width"]) == ("Daily Digest", "90")
    assert "DAILY DIGEST" in MessageBuilder(mail, Templates()).text(make_digest(), ADA)


def test_what_is_left_out_can_be_read_in_the_browser():
    builder = MessageBuilder(MAIL, Templates(), OUR_LINKS)
    ranked = [
        Ranked(item=make_item(n, f"{n} " + "模" * 290), score=1 - n / 1000) for n in range(100)
    ]
    reader = replace(ADA, id=DELIVERY_ID, max_items=100)
    digest = replace(make_digest(ranked, reader), id=DELIVERY_ID)

    html, text = builder.html(digest, reader), builder.text(digest, reader)

    assert len(html.encode()) <= HTML_BYTES
    [link] = LexborHTMLParser(html).css(".note a")
    assert link.attributes["href"] in text.partition("Read the rest in the browser:")[2]


def test_quiet_and_many_failed_sources_are_told_shortly():
    day = replace(DAY, failed_sources=tuple("abcdefg"), quiet_sources=("arxiv-cs",))

    said = texts(html_of(make_digest(day=day)), ".lead")

    assert said[1].startswith("a, b, c, d and 3 more sources could not be read today; what they")
    assert said[2] == "Nothing was announced by arxiv-cs, as on a weekend or a holiday."
