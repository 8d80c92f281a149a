"""Crossref's REST API: lists of works, and one work, with or without the envelope.

Titles are arrays, perhaps empty; abstracts are JATS; dates have one to three parts, or none.
Source: api.crossref.org, format "work".
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from yarl import URL

from digest.fetch.services import Service, expect_object
from digest.fetch.values import date_of, each, inner, text, texts
from digest.fetch.work import Work

# The first that names a day counts.
DATES = ("published", "published-online", "posted", "issued", "published-print")
# Relations that Crossref defines between spellings of one work.
SAME_WORK = ("is-preprint-of", "has-preprint", "is-version-of", "has-version", "is-same-as")
_JATS = re.compile(r"<(/?)(?:jats|mml):")
# The sanitiser drops <title> and <sec> with all that stands in them.
_HTML = {"title": "h4", "sec": "div"}
_OWN = re.compile(rf"<(/?)({'|'.join(_HTML)})\b")
_ABSTRACT = re.compile(r"^\s*(?:<(?:title|p|sec)>\s*)*Abstract\s*</(?:title|p)>", re.IGNORECASE)


def _entries(document: Any) -> list[Any] | None:  # noqa: ANN401 foreign JSON
    if not isinstance(document, Mapping):
        return None
    if document.get("message-type") == "work-list" or "items" in inner(document, "message"):
        return each(inner(document, "message"), "items")
    for work in (inner(document, "message"), document):
        if "DOI" in work and isinstance(work.get("title"), list):
            return [work]
    return None


def _read(entry: Any) -> Work | None:  # noqa: ANN401 foreign JSON
    work = expect_object(entry)
    name = text(work, "DOI")
    return Work(
        title=next(texts(work.get("title")), ""),
        summary=_summary(text(work, "abstract")),
        authors=[_author(author) for author in each(work, "author")],
        organisation=text(next(iter(each(work, "institution")), None), "name"),
        doi=name,
        same_as=[
            text(related, "id")
            for relation in SAME_WORK
            for related in each(inner(work, "relation"), relation)
        ],
        page=f"https://doi.org/{name}" if name else text(work, "URL"),
        categories=list(texts(work.get("subject"))),
        published_on=next(filter(None, (_date(work, kind) for kind in DATES)), None),
    )


def _summary(jats: str) -> str:
    """Turn JATS into HTML: its titles head sections, and "Abstract" says nothing."""
    markup = _ABSTRACT.sub("", _JATS.sub(r"<\1", jats))
    return _OWN.sub(lambda tag: f"<{tag[1]}{_HTML[tag[2]]}", markup)


def _author(author: object) -> str:
    parts = (text(author, "given"), text(author, "family"), text(author, "suffix"))
    return " ".join(filter(None, parts)) or text(author, "name")


def _date(work: Mapping[str, Any], kind: str) -> date | None:
    parts = next(iter(each(inner(work, kind), "date-parts")), None)
    return date_of(*parts) if isinstance(parts, list) and len(parts) == 3 else None


def _next_page(document: Any, base: str) -> str | None:  # noqa: ANN401 foreign JSON
    # Crossref gives a cursor for ever; it says nothing more once a page is empty.
    message = inner(document, "message")
    cursor = text(message, "next-cursor")
    if not base or not cursor or not each(message, "items"):
        return None
    return str(URL(base).update_query(cursor=cursor))


CROSSREF = Service(name="Crossref", entries=_entries, read=_read, next_page=_next_page)
