"""A paper as the Hub's API and the hydration data of its pages describe it.

Traps: the outer publishedAt changed its meaning between 2024 and 2026; title and summary
stand inside and mostly outside too; an organisation may stand at either place; authors may
ask to be hidden; most fields may be missing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from digest.errors import ParseError
from digest.fetch.card import MAX_ITEMS, SITE, clean_summary, clean_title, paper_links
from digest.identity import keys
from digest.model import Announcement, Source
from digest.spellings import canonical_link, is_invalid_arxiv_id
from digest.text import one_line

MAX_AUTHORS = 5_000
MAX_KEYWORDS = 50
MAX_NAME_CHARS = 200
# So many odd entries are told one by one.
MAX_TOLD = 5


def read_entries(entries: Sequence[object], source: Source) -> tuple[list[Announcement], list[str]]:
    """Read what can be read of the entries, each paper once; say what was odd.

    Raises:
        ParseError: there are entries, and none can be read.
    """
    found: dict[str, Announcement] = {}
    odd: list[str] = []
    for number, entry in enumerate(entries[:MAX_ITEMS], 1):
        try:
            announcement = _read_entry(entry, source)
        except ValueError as error:
            odd.append(f"entry {number} skipped: {error}")
            continue
        if announcement.keys[0] in found:
            odd.append(f"entry {number} skipped: {announcement.keys[0]} stands there twice")
        found.setdefault(announcement.keys[0], announcement)
    if entries and not found:
        raise ParseError(
            f"expected papers with id and title, could read none of {len(entries)} entries: "
            f"{odd[0]}",
            source=source.name,
        )
    if len(odd) > MAX_TOLD:
        odd = [*odd[:MAX_TOLD], f"{len(odd) - MAX_TOLD} more entries were skipped"]
    if len(entries) > MAX_ITEMS:
        odd.append(f"{len(entries)} entries, the first {MAX_ITEMS} read")
    return list(found.values()), odd


def _read_entry(entry: object, source: Source) -> Announcement:
    """Read one entry, flat or with the paper inside.

    Raises:
        ValueError: it is no object, or has no id or no title.
    """
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, got {describe(entry)}")
    inner = entry.get("paper")
    paper: Mapping[str, Any] = inner if isinstance(inner, dict) else entry
    # The inner fields are always there; the outer ones may be missing.
    title = clean_title(_text(paper, "title") or _text(entry, "title"))
    paper_id = one_line(_text(paper, "id"), MAX_NAME_CHARS)
    if not title or not paper_id:
        raise ValueError(f"no {'id' if title else 'title'}")
    if is_invalid_arxiv_id(paper_id):
        raise ValueError(f"{paper_id} is no valid arXiv id")
    summary = clean_summary(_text(paper, "summary") or _text(entry, "summary"))
    authors = _authors(paper.get("authors"))
    links = paper_links(
        paper_id, code=_text(paper, "githubRepo"), project=_text(paper, "projectPage")
    )
    return Announcement(
        keys=keys(
            arxiv=paper_id,
            guid=(source.name, paper_id),
            link=links.page,
            title=title,
            authors=authors,
            summary=summary,
        ),
        title=title,
        summary=summary,
        authors=authors,
        author_count=len(authors) or None,
        organisation=_organisation(entry) or _organisation(paper),
        keywords=_keywords(paper.get("ai_keywords")),
        links=links,
        thumbnail=canonical_link(_text(entry, "thumbnail"), SITE),
        published_on=read_day(paper.get("publishedAt")),
        upvotes=_count(paper.get("upvotes")),
        comments=_count(entry.get("numComments")),
        ai_summary=clean_summary(_text(paper, "ai_summary")) or None,
        announced_on=_announced_on(entry, paper),
        withdrawn=bool(paper.get("withdrawnAt")),
    )


def _announced_on(entry: Mapping[str, Any], paper: Mapping[str, Any]) -> date | None:
    """Give the day that a paper was submitted to Daily Papers.

    The outer publishedAt meant that moment in 2024; since 2025 it is the paper's own date
    less four hours, and submittedOnDailyAt says the day.
    """
    if submitted := read_day(paper.get("submittedOnDailyAt")):
        return submitted
    outer, own = _instant(entry.get("publishedAt")), _instant(paper.get("publishedAt"))
    return outer.date() if outer and own and outer > own else None


def _authors(value: object) -> tuple[str, ...]:
    """Read names in order, without those that asked to be hidden."""
    authors = value if isinstance(value, list) else []
    names = (
        one_line(_text(author, "name"), MAX_NAME_CHARS)
        for author in authors[:MAX_AUTHORS]
        if isinstance(author, dict) and not author.get("hidden")
    )
    return tuple(name for name in names if name)


def _organisation(holder: Mapping[str, Any]) -> str | None:
    value = holder.get("organization")
    if not isinstance(value, dict):
        return None
    return one_line(_text(value, "fullname") or _text(value, "name"), MAX_NAME_CHARS) or None


def _keywords(value: object) -> tuple[str, ...]:
    words = value[:MAX_KEYWORDS] if isinstance(value, list) else []
    clean = (one_line(word, MAX_NAME_CHARS) for word in words if isinstance(word, str))
    return tuple(dict.fromkeys(word for word in clean if word))


# --- values -----------------------------------------------------------------------------


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    # bool is an int; a count that no database holds is none.
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if known and isinstance(value, int) else None


def _instant(value: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value[:40]) if isinstance(value, str) else None
        if instant and instant.tzinfo is None:
            return instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC) if instant else None
    except (ValueError, OverflowError):
        return None


def read_day(value: object) -> date | None:
    """Read the UTC day of an RFC 3339 instant or day; None for anything else."""
    instant = _instant(value)
    return instant.date() if instant else None


def describe(value: object) -> str:
    """Name the JSON type of a value for an error message, an object by its first keys."""
    if isinstance(value, dict):
        names = one_line(", ".join(map(str, list(value)[:5])), 100)
        return f"an object with {names}" if names else "an empty object"
    return f"a {type(value).__name__}"
