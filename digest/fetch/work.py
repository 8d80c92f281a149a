"""A work as a service, a page or a mail describes it, before it becomes an Announcement.

Each reader only says where a fact stands; here the facts are cleaned, bounded and given
their keys, in one way for all.  Pure.
"""

import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import TypeVar

from digest.errors import ParseError
from digest.identity import keys
from digest.model import Announce, Announcement, Links, Source
from digest.spellings import arxiv_id, canonical_link, doi
from digest.tex import from_tex
from digest.text import from_html, one_line, paragraphs

Entry = TypeVar("Entry")

MAX_ITEMS = 5_000
MAX_AUTHORS = 5_000
MAX_TERMS = 50
MAX_NAME_CHARS = 200
# So many odd entries are told one by one.
MAX_TOLD = 5
# A title made of the beginning of a summary.
TITLE_WORDS = 12

_MARKUP = re.compile(r"</[A-Za-z][\w:-]{0,30}>|<[A-Za-z]{1,10}\s?/>|<br>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is said of one work; every text as it came, markup and TeX included.

    Attributes:
        arxiv, doi: in any spelling; "" where none is known.
        same_as: other ids that the source itself calls this work's (preprint, journal).
        guid: the source's own id of the work.
        page, pdf: addresses, perhaps relative to where the document came from.
        has_all_authors: False where the list of authors ends in "…".
    """

    title: str
    summary: str = ""
    authors: Sequence[str] = ()
    organisation: str = ""
    arxiv: str = ""
    doi: str = ""
    same_as: Sequence[str] = ()
    guid: str = ""
    page: str = ""
    pdf: str = ""
    categories: Sequence[str] = ()
    keywords: Sequence[str] = ()
    published_on: date | None = None
    version: int | None = None
    upvotes: int | None = None
    comments: int | None = None
    ai_summary: str = ""
    announce: Announce = Announce.NEW
    announced_on: date | None = None
    withdrawn: bool = False
    has_all_authors: bool = True


@dataclass(frozen=True, slots=True)
class Collected:
    """The announcements of a document, each work once, and what was odd about it."""

    announcements: tuple[Announcement, ...]
    warnings: tuple[str, ...]


def collect(
    entries: Sequence[Entry],
    read: Callable[[Entry], Work | None],
    source: Source,
    *,
    base: str = "",
) -> Collected:
    """Read what can be read of a document's entries, and say what was odd.

    Args:
        read: gives the work of an entry, None for one that is none (a reply, a banner);
            raises ValueError for one that cannot be read.
        base: where the document came from, for relative links.

    Raises:
        ParseError: there are entries, and none can be read.
    """
    found: dict[str, Announcement] = {}
    odd: list[str] = []
    for number, entry in enumerate(entries[:MAX_ITEMS], 1):
        try:
            work = read(entry)
            announcement = work and announcement_of(work, source, base)
        except ValueError as error:
            odd.append(f"entry {number} skipped: {error}")
            continue
        if announcement:
            name = name_within(announcement)
            found[name] = newer(found[name], announcement) if name in found else announcement
    if odd and not found:
        raise ParseError(f"could read none of {len(entries)} entries: {odd[0]}", source=source.name)
    if len(odd) > MAX_TOLD:
        odd = [*odd[:MAX_TOLD], f"{len(odd) - MAX_TOLD} more entries were skipped"]
    if len(entries) > MAX_ITEMS:
        odd.append(f"{len(entries)} entries, the first {MAX_ITEMS} read")
    return Collected(tuple(found.values()), tuple(odd))


def newer(one: Announcement, other: Announcement) -> Announcement:
    """Join two entries of one work: the larger version, announced as the stronger of the two."""
    last, first = (other, one) if (other.version or 0) > (one.version or 0) else (one, other)
    published = [day for day in (last.published_on, first.published_on) if day]
    announce = max(last.announce, first.announce, key=lambda word: word.strength)
    return replace(last, announce=announce, published_on=min(published, default=None))


def name_within(announcement: Announcement) -> str:
    """Give what an item is told by within its listing: several may share one page."""
    key = announcement.keys[0]
    return f"{key} {announcement.title}" if key.startswith("link:") else key


def announcement_of(work: Work, source: Source, base: str = "") -> Announcement:
    """Clean what is said of a work and give it its keys.

    Raises:
        ValueError: nothing of it could stand as a title.
    """
    summary = paragraphs(from_tex(readable(work.summary)))
    page = _page(work, base)
    title = (
        one_line(from_tex(readable(work.title)))
        or beginning(summary)
        or one_line(work.doi or page or "")
    )
    if not title:
        raise ValueError("no title, summary or link")
    authors = names(work.authors)
    found = keys(
        arxiv=work.arxiv,
        doi=work.doi,
        guid=(source.name, work.guid) if work.guid else None,
        link=page,
        title=title,
        authors=authors,
        summary=summary,
    )
    return Announcement(
        keys=tuple(dict.fromkeys((*_with_others(found, work.same_as), *found))),
        title=title,
        summary=summary,
        authors=authors,
        author_count=len(authors) if authors and work.has_all_authors else None,
        organisation=one_line(readable(work.organisation), MAX_NAME_CHARS) or None,
        categories=_terms(work.categories),
        keywords=_terms(work.keywords),
        links=Links(page=page, pdf=canonical_link(work.pdf, base) if work.pdf else None),
        published_on=work.published_on,
        version=work.version or _version(work),
        upvotes=work.upvotes,
        comments=work.comments,
        ai_summary=paragraphs(readable(work.ai_summary)) or None,
        announce=work.announce,
        announced_on=work.announced_on,
        withdrawn=work.withdrawn,
    )


def readable(text: str) -> str:
    """Give the text of what may be markup: services mix both, and escape entities twice."""
    if _MARKUP.search(text):
        text = from_html(text)
    for _ in range(2):
        if not _ENTITY.search(text):
            break
        text = html.unescape(text)
    return text


def names(given: Iterable[str]) -> tuple[str, ...]:
    """Clean the names of authors; order is kept, empty ones and marks alone are left out."""
    cleaned = (
        one_line(from_tex(readable(name)), MAX_NAME_CHARS) for name in islice(given, MAX_AUTHORS)
    )
    return tuple(name for name in cleaned if any(map(str.isalpha, name)))


def split_names(text: str) -> list[str]:
    """Split a line of names at ";", else at "and" and commas; `Lovelace, Ada` stays one."""
    if ";" in text:
        return [name.strip() for name in text.split(";")]
    parts = [part.strip() for part in re.split(r",\s*(?:and|&)\s+|\s+(?:and|&)\s+|,", text)]
    return parts if len(parts) > 2 or all(" " in part for part in parts) else [text]


def _page(work: Work, base: str) -> str | None:
    if known := arxiv_id(work.arxiv) or arxiv_id(work.page):
        return f"https://arxiv.org/abs/{known[0]}"
    if work.page:
        return canonical_link(work.page, base)
    registered = doi(work.doi)
    return canonical_link(f"https://doi.org/{registered}") if registered else None


def _with_others(found: tuple[str, ...], same_as: Sequence[str]) -> list[str]:
    """Put the other ids behind the leading key; an arXiv id leads itself."""
    others = [key for spelling in same_as if (key := _key(spelling))]
    return sorted([*found[:1], *others], key=lambda key: not key.startswith("arxiv:"))


def _key(spelling: str) -> str | None:
    if known := arxiv_id(spelling):
        return f"arxiv:{known[0]}"
    registered = doi(spelling)
    return f"doi:{registered}" if registered else None


def _version(work: Work) -> int | None:
    known = (arxiv_id(spelling) for spelling in (work.arxiv, work.doi, work.page))
    return max((version for _, version in filter(None, known) if version), default=None)


def _terms(given: Sequence[str]) -> tuple[str, ...]:
    cleaned = (one_line(readable(term), MAX_NAME_CHARS) for term in given[:MAX_TERMS])
    return tuple(dict.fromkeys(filter(None, cleaned)))


def beginning(summary: str) -> str:
    """Make a title of the first words of a summary, "" where there are none."""
    words = summary.split(maxsplit=TITLE_WORDS)
    return one_line(" ".join(words[:TITLE_WORDS]) + ("…" if len(words) > TITLE_WORDS else ""))
