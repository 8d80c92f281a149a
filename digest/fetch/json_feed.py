"""JSON Feed to a Listing, versions 1.0 and 1.1.  Pure; nothing is fetched or opened.

Source: jsonfeed.org/version/1.1.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from digest.errors import ParseError
from digest.fetch.document import decode, load_json
from digest.fetch.doubles import without_doubles
from digest.fetch.entry import FARTHEST, MAX_AUTHORS, MAX_ITEMS, MAX_TERMS, announcement
from digest.fetch.huggingface_entry import describe
from digest.fetch.values import day
from digest.model import Announcement, Listing, Source
from digest.spellings import canonical_link
from digest.tex import from_tex
from digest.text import from_html, one_line, paragraphs

SIGN = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org')
RSS_SIGN = re.compile(r'\s*\{\s*"(?:rss|feed|rdf:RDF)"\s*:\s*\{')
VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(?P<version>[^/]+)/?")
KNOWN_VERSIONS = ("1", "1.0", "1.1")


def is_json_feed(content: bytes) -> bool:
    """Tell by its version whether a document is a JSON Feed, or a feed put into JSON otherwise."""
    text = decode(content)[0]
    return SIGN.search(text) is not None or RSS_SIGN.match(text) is not None


def parse(content: bytes, source: Source, fetched_at: datetime, *, base: str = "") -> Listing:
    """Read a JSON Feed.

    Args:
        base: where it came from; relative links resolve against it.

    Raises:
        ParseError: it is none, or none of its items can be read.
    """
    value, decoding = load_json(content, source.name)
    feed, warnings = _feed(value, source), list(decoding)
    version = VERSION.fullmatch(feed["version"])
    if version is None or version["version"] not in KNOWN_VERSIONS:
        warnings.append(f'version "{one_line(feed["version"], 80)}" is not known, read as 1.1')
    if feed.get("expired") is True:
        warnings.append("the feed says that it has ended")
    entries: list[object] = feed["items"]
    if len(entries) > MAX_ITEMS:
        warnings.append(f"only the first {MAX_ITEMS} of {len(entries)} items were read")
    items = [entry for entry in entries[:MAX_ITEMS] if isinstance(entry, dict)]
    if entries and not items:
        raise ParseError(
            f"expected items that are objects, got {describe(entries[0])}", source=source.name
        )
    if odd := len(entries[:MAX_ITEMS]) - len(items):
        warnings.append(f"{odd} items are no objects: left out")
    latest_on = (fetched_at + FARTHEST).date()
    shared = tuple(_authors(feed))
    found = [_announcement(item, source, base, latest_on, shared) for item in items]
    distinct = without_doubles(found, [_guid(item) for item in items], source, warnings)
    return Listing(
        kind="feed",
        announcements=tuple(distinct),
        next_url=canonical_link(_text(feed, "next_url"), base),
        warnings=tuple(warnings),
    )


def _feed(value: object, source: Source) -> Mapping[str, Any]:
    if isinstance(value, dict) and isinstance(value.get("rss"), dict):
        raise ParseError(
            "expected a JSON Feed, got RSS put into JSON: use the feed's own address",
            source=source.name,
        )
    if not isinstance(value, dict) or not isinstance(value.get("version"), str):
        raise ParseError(
            f"expected a JSON Feed with a version, got {describe(value)}", source=source.name
        )
    if not isinstance(value.get("items"), list):
        raise ParseError(
            f"expected a JSON Feed with items, got {describe(value.get('items'))}",
            source=source.name,
        )
    return value


def _announcement(
    item: Mapping[str, Any], source: Source, base: str, latest_on: date, shared: tuple[str, ...]
) -> Announcement:
    return announcement(
        source,
        guid=_guid(item),
        page=_page(item, base),
        title=one_line(from_tex(_text(item, "title"))),
        summary=_summary(item),
        authors=tuple(_authors(item)) or shared,
        categories=_tags(item),
        thumbnail=canonical_link(_text(item, "image") or _text(item, "banner_image"), base),
        published_on=_published_on(item, latest_on),
        language=_text(item, "language")[:35] or None,
    )


def _guid(item: Mapping[str, Any]) -> str:
    value = item.get("id")
    # A number is an error of the writer that the standard tells readers to put up with.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value).strip() if isinstance(value, str) or is_number else ""


def _page(item: Mapping[str, Any], base: str) -> str | None:
    candidates = (_text(item, "url"), _text(item, "external_url"), _guid(item))
    # An id is often the address; a bare word must not become one.
    links = (canonical_link(link, base) for link in candidates[:2] if link)
    return next(filter(None, (*links, canonical_link(candidates[2]))), None)


def _summary(item: Mapping[str, Any]) -> str:
    texts = (
        _text(item, "summary"),
        from_html(_text(item, "content_html")),
        _text(item, "content_text"),
    )
    return next(filter(None, (paragraphs(from_tex(text)) for text in texts)), "")


def _authors(holder: Mapping[str, Any]) -> Iterator[str]:
    """Give the names of `authors` (1.1), else of `author` (1.0)."""
    several = holder.get("authors")
    given = several if isinstance(several, list) and several else [holder.get("author")]
    for author in given[:MAX_AUTHORS]:
        if isinstance(author, dict) and (name := one_line(_text(author, "name"), 200)):
            yield name


def _tags(item: Mapping[str, Any]) -> tuple[str, ...]:
    tags = item.get("tags")
    words = (
        (one_line(tag, 100) for tag in tags if isinstance(tag, str))
        if isinstance(tags, list)
        else ()
    )
    return tuple(dict.fromkeys(filter(None, words)))[:MAX_TERMS]


def _published_on(item: Mapping[str, Any], latest_on: date) -> date | None:
    # RFC 3339 by the standard; some write what RSS would.
    days = (day(_text(item, name)) for name in ("date_published", "date_modified"))
    found = next(filter(None, days), None)
    return found if found and found.year >= 1900 and found <= latest_on else None


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
