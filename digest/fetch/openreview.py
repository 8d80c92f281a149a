"""OpenReview's API, both versions: submissions are works, replies to them are not.

Version 2 wraps each value of `content` as {"value": ...}, version 1 does not.  Blind
submissions name no authors.  Source: docs.openreview.net, entity "note".
"""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from digest.fetch.services import Service, expect_object
from digest.fetch.values import count, day, each, inner, text, texts
from digest.fetch.work import Work

SITE = "https://openreview.net"
# Published, made public, created: the first that is there counts.
DATES = ("pdate", "odate", "tcdate", "cdate")
NAMELESS = ("Anonymous", "Anonymous Authors")


def _entries(document: Any) -> list[Any] | None:  # noqa: ANN401 foreign JSON
    notes = document.get("notes") if isinstance(document, Mapping) else None
    return notes if isinstance(notes, list) else None


def _read(entry: Any) -> Work | None:  # noqa: ANN401 foreign JSON
    note = expect_object(entry)
    note_id, forum = text(note, "id"), text(note, "forum")
    if note.get("replyto") or (forum and note_id and forum != note_id):
        return None
    content = {name: _value(value) for name, value in inner(note, "content").items()}
    title, venue = text(content, "title"), text(content, "venue")
    if not title:
        raise ValueError("no title")
    forum = forum or note_id
    return Work(
        title=title,
        summary=text(content, "abstract", "TL;DR", "TLDR"),
        authors=_authors(content.get("authors")),
        doi=text(content, "doi"),
        guid=forum,
        page=f"{SITE}/forum?id={forum}" if forum else "",
        pdf=_pdf(text(content, "pdf")),
        categories=[venue] if venue else [],
        keywords=list(texts(content.get("keywords"))),
        published_on=next(filter(None, (day(note.get(name)) for name in DATES)), None),
        withdrawn="withdrawn" in f"{venue} {text(content, 'venueid')}".lower(),
    )


def _value(value: object) -> object:
    return value.get("value") if isinstance(value, Mapping) else value


def _authors(value: object) -> list[str]:
    given = value if isinstance(value, list) else []
    people = [one if isinstance(one, str) else text(one, "fullname", "name") for one in given]
    return [name for name in people if name not in NAMELESS]


def _pdf(link: str) -> str:
    return f"{SITE}{link}" if link.startswith("/") else link


def _next_page(document: Any, base: str) -> str | None:  # noqa: ANN401 foreign JSON
    notes, total = each(document, "notes"), count(document.get("count"))
    if not base or not notes or total is None:
        return None
    url = URL(base)
    reached = (count(url.query.get("offset", "0")) or 0) + len(notes)
    return str(url.update_query(offset=reached)) if reached < total else None


OPENREVIEW = Service(name="OpenReview", entries=_entries, read=_read, next_page=_next_page)
