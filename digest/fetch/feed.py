"""RSS, Atom and RDF feeds of any kind to a Listing, through feedparser.

feedparser survives broken feeds; what it hands over is treated as untrusted, and its slow
sanitiser is not used: all text goes through `digest.text`.  Pure; nothing is fetched or opened.
"""

import io
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import feedparser

from digest.errors import ParseError
from digest.fetch.doubles import without_doubles
from digest.fetch.entry import FARTHEST, MAX_AUTHORS, MAX_ITEMS, MAX_TERMS, announcement
from digest.fetch.known_feeds import acl_id, pubmed_abstract, pubmed_doi, pubmed_page
from digest.fetch.markup import Markup, found, read_markup, skip_weekdays, with_entities
from digest.fetch.values import PARTIAL
from digest.fetch.values import day as read_day
from digest.model import Announcement, Listing, Source
from digest.spellings import canonical_link, doi
from digest.tex import from_tex
from digest.text import from_html, one_line, paragraphs

CLOSING_TAG = re.compile(r"</[A-Za-z][\w-]{0,30}>")
# Expat names a file where it has none.
UNKNOWN_PLACE = re.compile(r"<unknown>:(\d+):\d+: ")
OWN_PREFIX = re.compile(r"<(/?)rss:")
COMMENT = re.compile(r"\((?:[^()\\]|\\.)*+\)")
MAX_COMMENT_DEPTH = 3
MAX_DATE_CHARS = 200
DATES = ("published", "updated", "created")
ROOTS = ("rss", "RDF", "feed", "entry", "channel", "CHANNEL", "Channel")

Entry = Mapping[str, Any]


def parse(
    content: bytes,
    source: Source,
    fetched_at: datetime,
    *,
    base: str = "",
    charset: str | None = None,
) -> Listing:
    """Read a feed.

    Args:
        base: where it came from; relative links resolve against xml:base, then the
            channel's link, then this.
        charset: what the server said of application/xml.

    Raises:
        ParseError: it is no feed, or so broken that nothing of it can be read.
    """
    markup = read_markup(content, charset)
    document = _read(markup)
    # feedparser gives an element that holds nothing, such as one nested by mistake, as {}.
    # Plain dictionaries: its own answer for "updated" with "published", and warn of it.
    entries = [dict(entry) for entry in document.entries if entry]
    warnings = [*markup.warnings, *_oddities(document)]
    if not entries and warnings:
        # A feed that is cut off or spoilt must not pass for a day without items.
        raise ParseError(f"feed holds no items and is broken: {'; '.join(warnings)}")
    if markup.late_declaration:
        warnings.append("not well-formed: something stands before the XML declaration")
    if len(entries) > MAX_ITEMS:
        warnings.append(f"only the first {MAX_ITEMS} of {len(entries)} items were read")
    channel_link = urljoin(base or _self_link(document.feed), document.feed.get("link") or "")
    latest_on = (fetched_at + FARTHEST).date()
    announcements = [
        _announcement(entry, source, channel_link, latest_on) for entry in entries[:MAX_ITEMS]
    ]
    warnings += _partial_dates(entries)
    guids = [str(entry.get("id") or "").strip() for entry in entries]
    distinct = without_doubles(announcements, guids, source, warnings)
    return Listing(
        kind="feed",
        announcements=tuple(distinct),
        fresh_for=_fresh_for(document.feed.get("ttl")),
        skip_weekdays=skip_weekdays(markup),
        warnings=tuple(warnings),
    )


# --- the document -----------------------------------------------------------------------


def _read(markup: Markup) -> Any:  # noqa: ANN401 feedparser's own dictionary
    document = _parsed(markup.text)
    if document.bozo and (mended := _mended(markup.text)) != markup.text:
        # The lenient reader takes "AT&T" for an entity; what is wrong is still told.
        cause = document.get("bozo_exception")
        document = _parsed(mended)
        document.update(bozo=True, bozo_exception=cause)
    if markup.root not in ROOTS and not document.entries:
        raise ParseError(f"expected a feed, got {found(markup)}")
    return document


def _parsed(text: str) -> Any:  # noqa: ANN401 feedparser's own dictionary
    return feedparser.parse(
        # A stream, never a string: feedparser would open a string as address or file.
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _mended(text: str) -> str:
    # Some write `rss:` before each element and declare it nowhere.
    bare = text if "xmlns:rss" in text else OWN_PREFIX.sub(r"<\1", text)
    return with_entities(bare)


def _oddities(document: Any) -> Iterable[str]:  # noqa: ANN401 feedparser's own dictionary
    if document.bozo:
        cause = UNKNOWN_PLACE.sub(r"line \1: ", str(document.get("bozo_exception")))
        yield f"not well-formed: {one_line(cause, 200)}"


def _self_link(feed: Entry) -> str:
    links = (link.get("href", "") for link in feed.get("links", []) if link.get("rel") == "self")
    return next(links, "")


def _fresh_for(ttl: object) -> timedelta | None:
    # RSS 2.0: minutes; a week bounds a careless number.
    text = str(ttl or "").strip()
    return (
        timedelta(minutes=min(int(text), 7 * 24 * 60)) if re.fullmatch(r"\d{1,9}", text) else None
    )


# --- one item ---------------------------------------------------------------------------


def _announcement(entry: Entry, source: Source, channel_link: str, latest_on: date) -> Announcement:
    return announcement(
        source,
        guid=str(entry.get("id") or "").strip(),
        page=_page(entry, channel_link),
        title=_title(entry),
        summary=_summary(entry),
        authors=_authors(entry),
        categories=_terms(entry),
        doi=_doi(entry),
        pdf=_pdf(entry, channel_link),
        thumbnail=_thumbnail(entry, channel_link),
        published_on=_date(entry, latest_on),
    )


def _title(entry: Entry) -> str:
    return one_line(from_tex(_text(entry.get("title_detail") or {})))


def _text(detail: Entry) -> str:
    """Give the text of a title or summary; plain text keeps its "<"."""
    value = str(detail.get("value") or "")
    # RSS does not say what a text is; feedparser tells HTML by entities and harmless tags.
    is_plain = detail.get("type") == "text/plain" and not CLOSING_TAG.search(value)
    return value if is_plain else from_html(value)


def _summary(entry: Entry) -> str:
    details = [entry.get("summary_detail") or {}, *(entry.get("content") or [])]
    if abstract := pubmed_abstract(_content(entry)):
        return paragraphs(from_tex(from_html(abstract)))
    for detail in details:
        if summary := paragraphs(from_tex(_text(detail))):
            return summary
    return ""


def _content(entry: Entry) -> str:
    return str(next((part.get("value") for part in entry.get("content") or []), None) or "")


def _page(entry: Entry, channel_link: str) -> str | None:
    if known := pubmed_page(str(entry.get("id") or "").strip()):
        return known
    if in_anthology := acl_id(str(entry.get("link") or "")):
        return f"https://aclanthology.org/{in_anthology}/"
    alternates = (
        link.get("href") for link in entry.get("links", []) if link.get("rel") == "alternate"
    )
    candidates = [entry.get("feedburner_origlink"), entry.get("link"), *alternates]
    links = (canonical_link(str(link), channel_link) for link in candidates if link)
    return next(filter(None, links), None)


def _pdf(entry: Entry, channel_link: str) -> str | None:
    for link in entry.get("links", []):
        if link.get("type") == "application/pdf" and link.get("href"):
            return canonical_link(str(link["href"]), channel_link)
    in_anthology = acl_id(str(entry.get("link") or ""))
    return f"https://aclanthology.org/{in_anthology}.pdf" if in_anthology else None


def _thumbnail(entry: Entry, channel_link: str) -> str | None:
    for thumbnail in entry.get("media_thumbnail") or []:
        return canonical_link(str(thumbnail.get("url") or ""), channel_link)
    return None


def _doi(entry: Entry) -> str | None:
    named = (
        entry.get("prism_doi"),
        entry.get("dc_identifier"),
        # Of several identifiers feedparser keeps the last.
        pubmed_doi(_content(entry)) if pubmed_page(str(entry.get("id") or "")) else None,
    )
    return next(filter(None, (doi(str(text)) for text in named if text)), None)


def _terms(entry: Entry) -> tuple[str, ...]:
    terms = (one_line(str(tag.get("term") or ""), 100) for tag in entry.get("tags") or [])
    return tuple(dict.fromkeys(filter(None, terms)))[:MAX_TERMS]


def _date(entry: Entry, latest_on: date) -> date | None:
    """Give the day (UTC) of publication, else of the last change; impossible ones are none."""
    for name in DATES:
        written, parts = entry.get(name), entry.get(f"{name}_parsed")
        if not written or PARTIAL.fullmatch(str(written)):
            continue
        try:
            found = date(*parts[:3]) if parts else read_day(_uncommented(str(written)))
        except (ValueError, OverflowError, TypeError):
            continue
        if found and found.year >= 1900 and found <= latest_on:
            return found
    return None


def _uncommented(written: str) -> str:
    """Drop the comments of a date of RFC 5322, which may nest."""
    for _ in range(MAX_COMMENT_DEPTH):
        written = COMMENT.sub(" ", written[:MAX_DATE_CHARS])
    return " ".join(written.split())


def _partial_dates(entries: Iterable[Entry]) -> Iterable[str]:
    """Say how many items give no more than a year or a month; a day is not made up of it."""
    partial = sum(
        any(PARTIAL.fullmatch(str(entry.get(name) or "")) for name in DATES) for entry in entries
    )
    if partial:
        yield f"{partial} items give a year or a month alone: no day"


# --- authors ----------------------------------------------------------------------------


def _authors(entry: Entry) -> tuple[str, ...]:
    named = [str(author.get("name") or "") for author in entry.get("authors") or []]
    names = (one_line(from_tex(name), 200) for text in named for name in _split_names(text))
    return tuple(dict.fromkeys(name for name in names if name))[:MAX_AUTHORS]


def _split_names(text: str) -> list[str]:
    """Split a list of names that stands in one element; one name stays one.

    bioRxiv writes `Kaur, M., Bhati, K. K.`, others `Ada Lovelace, Alan Turing`; in
    `Lovelace, Ada` the comma is part of the name.
    """
    parts = text.split("., ")
    if len(parts) > 1 and all("," in part for part in parts):
        return [f"{part}." for part in parts[:-1]] + parts[-1:]
    names = re.split(r";|,| and (?=\w+ )", text)
    if len(names) > 1 and (";" in text or all(len(name.split()) > 1 for name in names)):
        return text.split(";") if ";" in text else names
    return [text]
