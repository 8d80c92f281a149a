"""What holds of every mail, whatever sources and readers put into it."""

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default, strict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from digest.compose import wording
from digest.compose.letter import HTML_BYTES
from digest.compose.message import MessageBuilder
from digest.deliver.envelope import stuffed
from digest.links import Links as OwnAddresses
from digest.model import (
    Digest,
    Form,
    Frequency,
    Interest,
    Links,
    Mention,
    MentionKind,
    Ranked,
    ReasonKind,
    Schedule,
    Subscriber,
)
from digest.render import Templates
from tests.compose.samples import (
    ADA,
    DELIVERY_ID,
    EDITION,
    MAIL,
    NOW,
    because,
    make_delivery,
    make_digest,
    make_item,
)

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"
PAGES = "https://digest.example.org"
BUILDER = MessageBuilder(
    MAIL.model_copy(update={"thumbnails": "direct"}),
    Templates(),
    OwnAddresses(PAGES, ["k" * 40]),
)
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td"),
    *("p", "h1", "h2", "h3", "a", "span", "bdi", "ul", "li", "img"),
}
ATTRIBUTES = {
    *("lang", "dir", "charset", "name", "content", "class", "style", "role", "width", "height"),
    *("cellpadding", "cellspacing", "border", "align", "valign", "href", "src", "alt"),
    *("aria-roledescription", "aria-label", "aria-hidden"),
}
# How scripts get into pages: of the lists that people test with.
XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "'-alert(1)-'",
    "</title><style>*{display:none}</style>",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "javascript:alert(1)",
    "{{ ''.__class__ }}{% for x in y %}",
    '" onmouseover="alert(1)" x="',
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "\u202e<b>\u2066right to left\u2069",
    "שלום <i>עולם</i> مرحبا",
    "低资源语言 🦉 " + "模型" * 200,
    "w" * 10_000,
    "a\x00b\x00summary\x00c",
    "one\r\nBcc: eve@example.org\r\n\r\ntwo",
    "$x < y$ \\alpha % ~ ^",
    "%(n)s %s {0} {title}",
]
texts = st.one_of(st.sampled_from(XSS), st.text(max_size=80))
addresses = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "https://example.org/?a=1&b=2#<c>",
            "http://example.org/" + "x" * 900,
            "javascript:alert(1)",
            "data:text/html,<script>",
            " https://example.org",
            "https://example.org/\r\nx",
            "//example.org",
        ]
    ),
    texts.map(lambda text: f"https://example.org/{text}"),
)
wishes = st.builds(
    lambda form, frequency, revisions, thumbnails: replace(
        ADA,
        id=DELIVERY_ID,
        form=form,
        schedule=Schedule(timezone="Asia/Tokyo", frequency=frequency),
        revisions=revisions,
        thumbnails=thumbnails,
        max_items=30,
    ),
    st.sampled_from(Form),
    st.sampled_from(Frequency),
    st.booleans(),
    st.booleans(),
)


@st.composite
def items(draw, number: int):
    """An item whose every word comes from outside."""
    votes = draw(st.lists(st.integers(0, 10**7), max_size=9))
    return make_item(
        number,
        f"{draw(texts)} {number}",
        draw(texts),
        ai_summary=draw(st.one_of(st.none(), texts)),
        authors=tuple(draw(st.lists(texts, max_size=4))),
        organisation=draw(st.one_of(st.none(), texts)),
        language=draw(st.sampled_from([None, "zh", "x onload=alert(1)"])),
        thumbnail=draw(addresses),
        upvotes=draw(st.one_of(st.none(), st.integers(0, 10**9))),
        links=Links(page=draw(addresses), pdf=draw(addresses), code=draw(addresses)),
        eligible_at=NOW - timedelta(days=draw(st.integers(0, 6))),
        votes_by_day=tuple(
            (EDITION - timedelta(days=len(votes) - n), count) for n, count in enumerate(votes)
        ),
    )


@st.composite
def digests(draw):
    reader = draw(wishes)
    interest = draw(texts)
    reader = replace(reader, name=draw(texts), interests=(Interest(name=interest),))
    ranked = [
        Ranked(
            item=draw(items(number)),
            score=1 - number / 100,
            interest=draw(st.sampled_from([interest, None])),
            reasons=(because(draw(st.sampled_from(ReasonKind)), draw(texts), 0.5, interest),),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    mentions = tuple(
        Mention.of(kind, draw(items(50 + n)), EDITION - timedelta(days=n))
        for n, kind in enumerate(draw(st.lists(st.sampled_from(MentionKind), max_size=4)))
    )
    return replace(make_digest(ranked, reader), id=DELIVERY_ID, mentions=mentions), reader


def solid(text: str) -> str:
    return "".join(text.split())


def assert_sound(digest: Digest, reader: Subscriber) -> None:
    """Hold one mail against all that must be true of every mail."""
    message = BUILDER.build(make_delivery(reader), digest, reader)
    content = message.content
    assert message.is_plain
    assert stuffed(content) == content + b".\r\n"
    mail = message_from_bytes(content, policy=strict + default)
    assert not any(part.defects for part in mail.walk())
    assert not any(value.defects for part in mail.walk() for value in part.values())
    assert mail["Bcc"] is None
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    assert len(html.encode()) <= HTML_BYTES
    assert "\x00" not in text + html

    tree = LexborHTMLParser(html)
    nodes = tree.css("*")
    assert {node.tag for node in nodes} <= TAGS
    assert {name for node in nodes for name in node.attributes} <= ATTRIBUTES
    links = [node.attributes["href"] for node in tree.css("a")]
    assert all(link.startswith(("https://", "http://", "mailto:")) for link in links)
    shown = [node.text() for node in tree.css("h3, .line a, .line > bdi")]
    named = [pick.item for pick in digest.picks] + [one.item for one in digest.mentions]
    assert sorted(map(solid, shown)) == sorted(solid(wording.title(item)) for item in named)
    assert all(solid(title) in solid(text) for title in shown)
    # The other way round: each numbered link of the text leads where one of the HTML does.
    numbered = re.findall(r"^ +\[(\d+)\] (?:[^\s:]+ ?: ?)?(https?://\S+)$", text, re.MULTILINE)
    assert [int(number) for number, _ in numbered] == list(range(1, len(numbered) + 1))
    own = {link for link in links if link.startswith((f"{PAGES}/", "mailto:"))}
    assert {link for _, link in numbered} == set(links) - own
    assert len(re.findall(r"^ *(?:\d+\.|–) ", text, re.MULTILINE)) >= len(named)


# Shrinking whole mails takes minutes and shows no more than the first failure does.
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(digests())
def test_every_mail_is_sound(pair):
    assert_sound(*pair)


@pytest.mark.parametrize("form", Form)
def test_naughty_strings_as_titles_leave_every_mail_sound(form):
    path = SAMPLES / "hostile" / "blns.txt"
    if not path.is_file():
        pytest.skip("../shared/samples is not there: titles are not tried from the list")
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    titles = [line for line in lines if line.strip() and not line.startswith("#")]
    assert len(titles) > 400
    reader = replace(ADA, id=DELIVERY_ID, form=form, max_items=50)
    for start in range(0, len(titles), 50):
        ranked = [
            Ranked(item=make_item(n, f"{title} {n}", title, authors=(title,)), score=1 - n / 1000)
            for n, title in enumerate(titles[start : start + 50])
        ]
        assert_sound(replace(make_digest(ranked, reader), id=DELIVERY_ID), reader)
