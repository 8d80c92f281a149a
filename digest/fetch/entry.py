"""One item of a feed to an Announcement, whether the feed was XML or JSON.  Pure."""

from datetime import date, timedelta

from digest.fetch.work import beginning
from digest.identity import keys
from digest.model import Announcement, Links, Source
from digest.spellings import arxiv_id
from digest.text import one_line

MAX_ITEMS = 5_000
MAX_TERMS = 20
MAX_AUTHORS = 1_000
UNTITLED = "Untitled"
# Dates further ahead than an announced event are mistakes.
FARTHEST = timedelta(days=366)


def announcement(
    source: Source,
    *,
    guid: str,
    page: str | None,
    title: str,
    summary: str,
    authors: tuple[str, ...],
    categories: tuple[str, ...] = (),
    doi: str | None = None,
    pdf: str | None = None,
    thumbnail: str | None = None,
    published_on: date | None = None,
    language: str | None = None,
) -> Announcement:
    """Describe an item by texts and links that are clean already.

    Without a title it is called by the beginning of its summary, by its page or its id; without
    an id and a page it is known within its source by what it says.
    """
    title = title or beginning(summary) or one_line(page or guid, 200) or UNTITLED
    known = (arxiv_id(spelling) for spelling in (guid, page) if spelling)
    versions = [version for _, version in filter(None, known) if version]
    return Announcement(
        keys=keys(
            doi=doi,
            guid=(source.name, guid or summary or title) if guid or not page else None,
            link=page,
            title=title,
            authors=authors,
            summary=summary,
        ),
        title=title,
        summary=summary,
        authors=authors,
        author_count=len(authors) or None,
        categories=categories,
        links=Links(page=page, pdf=pdf),
        thumbnail=thumbnail,
        published_on=published_on,
        version=max(versions, default=None),
        language=language,
    )
