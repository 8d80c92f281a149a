"""arXiv's feeds and query answers to a Listing: RSS and Atom, the RDF of before 2024, the API.

Elements are known by namespace, never by prefix or order: feeds are re-published with other
prefixes, and the order changed in 2025.  Pure; nothing is fetched or opened.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

from digest.errors import EmptyPageError, ParseError
from digest.fetch.arxiv_item import (
    EASTERN,
    MAX_ITEMS,
    announcement,
    is_first_shown,
    join_doubles,
    split_authors,
)
from digest.fetch.markup import Markup, found, read_markup, skip_weekdays
from digest.fetch.values import MAX_DATE_CHARS
from digest.model import Announce, Announcement, Listing, Source
from digest.spellings import arxiv_id, doi
from digest.text import from_html, one_line

STEP_CHARS = 65_536
# The channel and the first item stand within.
HEAD_CHARS = 20_000
ROOTS = ("rss", "RDF", "feed")
NAMESPACE = "http://arxiv.org/schemas/atom"
ITEMS = ("item", "entry")
OWN = re.compile(
    rf"""["']{re.escape(NAMESPACE)}["']|rdf:about=["']http://arxiv\.org/["']"""
    r"|<(?:link|id)>\s*https?://(?:(?:rss|export)\.)?arxiv\.org/(?:rss|atom|api)?/"
)

# Source: rss.arxiv.org, descriptions since February 2024.
PREFIX = re.compile(
    r"\s*arXiv:(?P<id>\S+)\s+Announce Type:\s*(?P<type>[a-z-]+)\s*(?:Abstract:\s*)?", re.IGNORECASE
)
# Source: export.arxiv.org/rss, titles before February 2024.
OLD_SUFFIX = re.compile(
    r"\.?\s*\(arXiv:(?P<id>\S+)\s+\[(?P<category>[\w.-]+)\](?:\s+(?P<mark>[A-Z ]+))?\)\s*$"
)
OLD_MARKS = {"UPDATED": Announce.REPLACEMENT, "CROSS LISTED": Announce.CROSS_LIST}
# A query that finds more is one of the archive: the newest page of it counts.
MAX_RESULTS = 2_000
ID_LIST = re.compile(r"[?&]id_list=[^&\s]")


def is_arxiv(markup: Markup) -> bool:
    """Say whether a feed is arXiv's own: by its namespace, else by its channel's address."""
    return markup.root in ROOTS and OWN.search(markup.text, 0, HEAD_CHARS) is not None


def parse(
    content: bytes,
    source: Source,  # noqa: ARG001 every parser takes the same
    fetched_at: datetime,  # noqa: ARG001 every parser takes the same
    *,
    base: str = "",
    charset: str | None = None,
) -> Listing:
    """Read an arXiv feed or query answer.

    Args:
        base: where it came from; the address of the next page of a query follows from it.

    Raises:
        EmptyPageError: a page that cannot be empty is.
        ParseError: it is none, or it is arXiv's "Error" entry.
    """
    markup = read_markup(content, charset)
    if markup.root not in ROOTS:
        raise ParseError(f"expected an arXiv feed or API answer, got {found(markup)}")
    document = _read(markup.text)
    _refuse_error(document)
    if not document.items:
        _check_empty(document)
    day = _day(document.text("pubDate") or document.text("updated") or document.text("date"))
    warnings = [*markup.warnings, *document.warnings]
    read = [(item, _announcement(item, day)) for item in document.items]
    warnings += (
        f'no arXiv id in "{one_line(item.text("title"), 80)}": left out'
        for item, one in read
        if one is None
    )
    announcements = join_doubles(one for _, one in read if one)
    if document.items and not announcements:
        raise ParseError(f"none of {len(document.items)} entries has an arXiv id")
    return Listing(
        kind="arxiv",
        announcements=announcements,
        shown_on=day if not document.text("totalResults") else None,
        next_url=_next_url(document, base),
        skip_weekdays=skip_weekdays(markup),
        warnings=tuple(warnings),
    )


# --- the document -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Element:
    """Children of a channel, item or entry by local name; texts whole, in document order."""

    children: dict[str, list[ElementTree.Element]]

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> list[str]:
        return ["".join(child.itertext()).strip() for child in self.children.get(name, [])]


@dataclass(frozen=True, slots=True)
class _Document(_Element):
    items: tuple[_Element, ...]
    warnings: tuple[str, ...]


def _read(text: str) -> _Document:
    """Read item by item, so that a cut-off download still gives its whole items."""
    open_elements: list[ElementTree.Element] = []
    items: list[_Element] = []
    channel: dict[str, list[ElementTree.Element]] = {}
    warnings: list[str] = []
    try:
        for event, element in _events(text):
            if event == "start":
                open_elements.append(element)
                continue
            open_elements.pop()
            name = _local(element)
            if name in ITEMS:
                items.append(_Element(_by_name(element)))
                element.clear()
            elif open_elements and _local(open_elements[-1]) in ("channel", "feed"):
                channel.setdefault(name, []).append(element)
            if len(items) == MAX_ITEMS:
                warnings.append(f"only the first {MAX_ITEMS} items were read")
                break
    except ElementTree.ParseError as error:
        if not items:
            raise ParseError(
                f"expected an arXiv feed or API answer, got broken XML: {error}"
            ) from (error)
        warnings.append(f"document is broken after {len(items)} items: {error}")
    return _Document(channel, tuple(items), tuple(warnings))


def _events(text: str) -> Iterator[tuple[str, ElementTree.Element]]:
    parser = ElementTree.XMLPullParser(("start", "end"))  # type: ignore[var-annotated]
    for start in range(0, len(text), STEP_CHARS):
        parser.feed(text[start : start + STEP_CHARS])
        yield from parser.read_events()  # type: ignore[misc]  # only start and end were asked for
    parser.close()


def _by_name(parent: ElementTree.Element) -> dict[str, list[ElementTree.Element]]:
    children: dict[str, list[ElementTree.Element]] = {}
    for child in list(parent):
        children.setdefault(_local(child), []).append(child)
    return children


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _refuse_error(document: _Document) -> None:
    # The API answers errors as a feed with one entry; the status was 200 for years.
    for item in document.items[:1]:
        if item.text("title") == "Error" and "/api/errors" in item.text("id"):
            cause = one_line(item.text("summary"), 200)
            raise ParseError(f"arXiv refused the query: {cause}", permanent=True)


def _check_empty(document: _Document) -> None:
    """Refuse an empty query answer that should not be; an empty feed is a day without papers."""
    total = document.text("totalResults")
    start = document.text("startIndex")
    if total.isdigit() and int(total) > (int(start) if start.isdigit() else 0):
        raise EmptyPageError(f"arXiv gave an empty page although {total} results exist")
    asked = [
        document.text("title"),
        *(e.get("href", "") for e in document.children.get("link", [])),
    ]
    if total == "0" and any(ID_LIST.search(f"&{address}") for address in asked):
        raise ParseError("arXiv knows none of the ids in id_list", permanent=True)


def _next_url(document: _Document, base: str) -> str | None:
    """Say where a query answer goes on, if what was asked for is more than a look at the newest."""
    total, start = document.text("totalResults"), document.text("startIndex")
    if not (base and total.isdigit() and start.isdigit()):
        return None
    following = int(start) + len(document.items)
    if not following < int(total) <= MAX_RESULTS:
        return None
    parts = urlsplit(base)
    query = dict(parse_qsl(parts.query)) | {"start": str(following)}
    return parts._replace(query=urlencode(query)).geturl()


# --- one item ---------------------------------------------------------------------------


def _announcement(item: _Element, day: date | None) -> Announcement | None:
    title, old = item.text("title"), OLD_SUFFIX.search(item.text("title"))
    text = item.text("description") or item.text("summary")
    prefix = PREFIX.match(text)
    spellings = [
        *(item.text(name) for name in ("guid", "id", "link")),
        *(link.get("href", "") for link in item.children.get("link", [])),
        *(match["id"] for match in (prefix, old) if match),
    ]
    ids = [known for known in map(arxiv_id, spellings) if known]
    if not ids:
        return None
    identifier = ids[0][0]
    versions = [version for known, version in ids if version and known == identifier]
    if old:
        title, text = title[: old.start()], from_html(text)
    announce = _announce(item, prefix, old)
    is_query = "announce_type" not in item.children and not prefix and not old
    if is_query:
        announced_on, published_on = None, _day(item.text("published"), zone=UTC)
    else:
        announced_on = _day(item.text("published") or item.text("pubDate")) or day
        published_on = announced_on if is_first_shown(announce, identifier, announced_on) else None
    terms = [element.get("term") or element.text or "" for element in _categories(item)]
    return announcement(
        identifier,
        title=title,
        summary=text[prefix.end() :] if prefix else text,
        authors=_authors(item, is_html=old is not None),
        categories=terms or ([old["category"]] if old else []),
        doi=doi(item.text("doi") or item.text("DOI")),
        comment=item.text("comment"),
        version=max(versions, default=None),
        published_on=published_on,
        announce=announce,
        announced_on=announced_on,
    )


def _categories(item: _Element) -> list[ElementTree.Element]:
    """Give the categories, the primary one first wherever it stands."""
    return [*item.children.get("primary_category", []), *item.children.get("category", [])]


def _announce(item: _Element, prefix: re.Match[str] | None, old: re.Match[str] | None) -> Announce:
    if old:
        return OLD_MARKS.get((old["mark"] or "").strip(), Announce.NEW)
    said = item.text("announce_type") or (prefix["type"] if prefix else "")
    try:
        return Announce(said.strip().lower())
    except ValueError:
        return Announce.NEW


def _authors(item: _Element, *, is_html: bool) -> list[str]:
    names = [
        "".join(name.itertext())
        for author in item.children.get("author", [])
        for name in author
        if _local(name) == "name"
    ]
    for text in item.texts("creator"):
        names += split_authors(from_html(text) if is_html else text)
    return names


def _day(text: str, zone: tzinfo = EASTERN) -> date | None:
    """Read the day from a date of RFC 822 or RFC 3339; None if unreadable."""
    return _read_day(text[:MAX_DATE_CHARS].strip(), zone)


# All items of a feed show one date.
@lru_cache(maxsize=16)
def _read_day(text: str, zone: tzinfo) -> date | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(text)
            return at.astimezone(zone).date() if at.tzinfo else at.date()
        except (ValueError, OverflowError):
            continue
    return None
