"""What feeds, pages and mailings of arXiv say of a paper alike: names, days, links, signs.

Pure; the formats themselves are read in `arxiv`, `arxiv_page` and `arxiv_mail`.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from digest.identity import keys
from digest.model import Announce, Announcement, Links
from digest.tex import from_tex
from digest.text import one_line, paragraphs

MAX_ITEMS = 5_000
# arXiv's days begin and end in its own zone.
EASTERN = ZoneInfo("America/New_York")
# An item announced later than this after its id was given is an old one, cross-listed anew.
FRESH = timedelta(days=62)
WITHDRAWN = re.compile(r"\bwithdrawn\b", re.IGNORECASE)
GENERATIONS = ("jr", "sr", "ii", "iii", "iv")
_AND = re.compile(r"(?:^|\s+)and\s+")


def announcement(
    identifier: str,
    *,
    title: str,
    summary: str = "",
    authors: Iterable[str] = (),
    categories: Iterable[str] = (),
    doi: str | None = None,
    comment: str = "",
    version: int | None = None,
    published_on: date | None = None,
    announce: Announce = Announce.NEW,
    announced_on: date | None = None,
    withdrawn: bool = False,
) -> Announcement:
    """Describe a paper by its id and by raw texts, which may hold TeX but no HTML.

    Args:
        identifier: a valid arXiv id without version.
        categories: primary one first; doubles are dropped.
        comment: the authors' comments; "withdrawn" there is a sign.
    """
    clean_title = one_line(from_tex(title)) or f"arXiv:{identifier}"
    clean_summary = paragraphs(from_tex(summary))
    cleaned = (one_line(from_tex(name), 200) for name in authors)
    names = tuple(name for name in cleaned if any(map(str.isalpha, name)))
    terms = (one_line(category, 60) for category in categories)
    return Announcement(
        keys=keys(
            arxiv=identifier, doi=doi, title=clean_title, authors=names, summary=clean_summary
        ),
        title=clean_title,
        summary=clean_summary,
        authors=names,
        author_count=len(names) or None,
        categories=tuple(dict.fromkeys(filter(None, terms))),
        links=Links(
            page=f"https://arxiv.org/abs/{identifier}", pdf=f"https://arxiv.org/pdf/{identifier}"
        ),
        published_on=published_on,
        version=version,
        announce=announce,
        announced_on=announced_on,
        withdrawn=withdrawn or WITHDRAWN.search(comment) is not None,
    )


def join_doubles(found: Iterable[Announcement]) -> tuple[Announcement, ...]:
    """Give each paper once, where it first stood: the strongest type, the largest version."""
    joined: dict[str, Announcement] = {}
    for one in found:
        known = joined.get(one.keys[0])
        joined[one.keys[0]] = _stronger(known, one) if known else one
    return tuple(joined.values())


def is_first_shown(announce: Announce, identifier: str, on: date | None) -> bool:
    """Say whether the day of an announcement is the day that the work itself appeared."""
    if announce not in (Announce.NEW, Announce.CROSS_LIST) or on is None:
        return False
    if announce is Announce.NEW:
        return True
    # A cross-listing may be of an old paper; the id gives its month away.
    yymm = identifier.rpartition("/")[2][:4]
    year = (1900 if yymm >= "9107" else 2000) + int(yymm[:2])
    return on - date(year, int(yymm[2:]), 1) < FRESH


def split_authors(text: str) -> list[str]:
    """Split at commas and "and", but not inside brackets (affiliations, which go).

    "Jr." stays with the name before it.
    """
    names: list[str] = []
    if "(" not in text and ")" not in text:
        for name in text.split(","):
            _add_names(names, name)
        return names
    depth, name = 0, ""
    for character in f"{text},":
        if character == "," and depth <= 0:
            _add_names(names, name)
            depth, name = 0, ""
            continue
        depth += (character == "(") - (character == ")")
        if depth <= 0 and character != ")":
            name += character
    # A bracket that never closes must not swallow the name before it.
    _add_names(names, name)
    return names


def _add_names(names: list[str], text: str) -> None:
    for name in map(str.strip, _AND.split(text) if "and" in text else (text,)):
        if names and name.rstrip(".").lower() in GENERATIONS:
            names[-1] += f", {name}"
        elif name:
            names.append(name)


def _stronger(first: Announcement, second: Announcement) -> Announcement:
    strong = max(first, second, key=lambda one: one.announce.strength)
    versions = [one.version for one in (first, second) if one.version]
    return replace(strong, version=max(versions, default=None))
