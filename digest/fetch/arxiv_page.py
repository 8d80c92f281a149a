"""arXiv's list pages to a Listing: `new`, `recent`, a month; the markup of before 2024 too.

Found by class and by address, never by place: the markup has a space before `=`, mixed
quotes, headings inside the list, and changes without notice.  Pure; nothing is fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from digest.errors import ParseError
from digest.fetch.arxiv_item import (
    MAX_ITEMS,
    announcement,
    is_first_shown,
    join_doubles,
)
from digest.fetch.document import decode, excerpt, read_page
from digest.model import Announce, Announcement, Listing, Source
from digest.spellings import arxiv_id, doi
from digest.text import one_line

SIGN = re.compile(rb"""id\s*=\s*["']?dlpage\b|class\s*=\s*["']?list-(?:title|identifier)\b""")
# Friday, 3 March 2023 - Fri, 3 Mar 2023 - Fri, 3 Mar 23 (before 2024).
DAY = re.compile(r"\b(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2})[a-z]* (?P<year>\d{4}|\d{2})\b")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHOWING = re.compile(r"showing (?:(?:first|last) )?(?P<shown>\d+) of (?P<all>\d+) entries")
TOTAL = re.compile(r"[Tt]otal of (?P<all>\d+) entries")
EMPTY = re.compile(r"No updates (?:today|for)|[Tt]otal of 0 entries")
CATEGORY = re.compile(r"\((?P<category>[a-z-]+(?:\.[A-Za-z-]+)?)\)")
# Of what a section's heading begins with.
SECTIONS = {
    "new": Announce.NEW,
    "cross": Announce.CROSS_LIST,
    "replace": Announce.REPLACEMENT,
}


def is_list_page(content: bytes) -> bool:
    """Tell by its marks whether a page is one of arXiv's lists."""
    return SIGN.search(content) is not None


def parse(
    content: bytes,
    source: Source,
    fetched_at: datetime,  # noqa: ARG001 every parser takes the same
    *,
    base: str = "",
) -> Listing:
    """Read a list page.

    Args:
        base: where it came from; the address of the next page follows from it.

    Raises:
        ParseError: it is none, or it holds no paper and does not say that there is none.
    """
    markup, decoding = decode(content)
    page = read_page(markup, source.name)
    warnings = list(decoding)
    found = list(_announcements(page, warnings))
    body = page.body.text() if page.body else ""
    if not found and not (is_list_page(content) and EMPTY.search(body)):
        title = page.css_first("title")
        raise ParseError(
            "expected a list page of arXiv, got "
            f"{excerpt(title.text()) if title else 'a page without title'}",
            source=source.name,
        )
    days = {one.announced_on for one in found if one.announced_on}
    told = TOTAL.search(body)
    total = int(told["all"]) if told else 0
    following = _next_url(base, len(found), total)
    if not following and len(found) < total and not base:
        warnings.append(f"the page shows {len(found)} of {total} entries")
    return Listing(
        kind="arxiv",
        announcements=join_doubles(found[:MAX_ITEMS]),
        shown_on=_page_day(page) or max(days, default=None),
        next_url=following,
        warnings=tuple(warnings),
    )


# --- the page ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Section:
    """What the last heading said: the type of its papers and their day."""

    announce: Announce = Announce.NEW
    announced_on: date | None = None
    promised: int | None = None


def _announcements(page: LexborHTMLParser, warnings: list[str]) -> Iterator[Announcement]:
    """Read headings, terms and descriptions in the order of the page."""
    section, head, count = _Section(), None, 0
    for node in page.css("h2, h3, dt, dd"):
        if node.tag == "dt":
            head = node
        elif node.tag == "dd":
            known = _identifier(head) if head else None
            if head and known:
                count += 1
                yield _announcement(head, node, known, section)
            else:
                title = one_line(node.text(), 80)
                warnings.append(f'no arXiv id beside "{title}": left out')
            head = None
        else:
            _count_papers(section, count, warnings)
            section, count = _read_heading(node.text(), section), 0
    _count_papers(section, count, warnings)


def _count_papers(section: _Section, count: int, warnings: list[str]) -> None:
    if section.promised is not None and count != section.promised:
        warnings.append(f"a section says that it shows {section.promised} papers, it has {count}")


def _read_heading(text: str, before: _Section) -> _Section:
    heading = " ".join(text.split())
    showing = SHOWING.search(heading)
    begun = heading.lower()
    kind = next((kind for name, kind in SECTIONS.items() if begun.startswith(name)), None)
    day = _day(heading)
    return replace(
        before,
        announce=kind or (Announce.NEW if day else before.announce),
        announced_on=day or before.announced_on,
        promised=int(showing["shown"]) if showing else None,
    )


def _page_day(page: LexborHTMLParser) -> date | None:
    """Give the day that a page as a whole is of; `recent` has several."""
    headings = (" ".join(node.text().split()) for node in page.css("h3"))
    return next((_day(text) for text in headings if "listings for" in text), None)


def _day(text: str) -> date | None:
    found = DAY.search(text)
    if not found or found["month"] not in MONTHS:
        return None
    year = int(found["year"])
    try:
        return date(
            year if year > 99 else 2000 + year, MONTHS.index(found["month"]) + 1, int(found["day"])
        )
    except ValueError:
        return None


def _next_url(base: str, shown: int, total: int) -> str | None:
    """Say where a list goes on that shows but a part of its entries."""
    parts = urlsplit(base)
    skipped = parse_qs(parts.query).get("skip", ["0"])[0]
    skip = (int(skipped) if skipped.isascii() and skipped.isdigit() else 0) + shown
    if not base or not shown or skip >= total:
        return None
    query = {**dict(parse_qsl(parts.query)), "skip": str(skip)}
    return parts._replace(query=urlencode(query)).geturl()


# --- one paper --------------------------------------------------------------------------


def _identifier(head: LexborNode) -> tuple[str, int | None] | None:
    links = (link.attributes.get("href") or "" for link in head.css("a[href]"))
    return next((known for link in links if "/abs/" in link and (known := arxiv_id(link))), None)


def _announcement(
    head: LexborNode, body: LexborNode, known: tuple[str, int | None], section: _Section
) -> Announcement:
    identifier, version = known
    marks = head.text()
    announce = _announce(marks, section.announce)
    subjects = _text(body, "list-subjects")
    on = section.announced_on
    summary = body.css_first("p.mathjax") or body.css_first("p")
    return announcement(
        identifier,
        title=_text(body, "list-title"),
        summary=summary.text() if summary else "",
        authors=[link.text() for link in body.css(".list-authors a")],
        categories=[found["category"] for found in CATEGORY.finditer(subjects)],
        doi=doi(_text(body, "list-doi")),
        comment=_text(body, "list-comments"),
        version=version,
        published_on=on if is_first_shown(announce, identifier, on) else None,
        announce=announce,
        announced_on=on,
    )


def _announce(marks: str, section: Announce) -> Announce:
    is_cross = "cross-list" in marks
    if section is Announce.REPLACEMENT or "(replaced" in marks:
        return Announce.REPLACEMENT_CROSS if is_cross else Announce.REPLACEMENT
    return Announce.CROSS_LIST if is_cross else section


def _text(body: LexborNode, name: str) -> str:
    """Give the text of a field without its label."""
    node = body.css_first(f".{name}")
    if node is None:
        return ""
    label = node.css_first(".descriptor")
    return node.text().strip().removeprefix(label.text().strip() if label else "").strip()
