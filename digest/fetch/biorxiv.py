"""bioRxiv's and medRxiv's JSON API: `details` and `pubs`, 100 rows a page.

Every version of a preprint is a row of its own; the rows of one DOI are one work.
Source: api.biorxiv.org.
"""

import re
from collections.abc import Mapping
from typing import Any

from digest.fetch.services import Service, expect_object
from digest.fetch.values import count, day, each, text
from digest.fetch.work import Work
from digest.model import Announce

NONE = "NA"
# /details/SERVER/FROM/TO/CURSOR, the format perhaps behind it.
_PAGE = re.compile(
    r"(?P<path>/(?:details|pubs)/[^/?]+/[^/?]+/[^/?]+)(?:/\d+)?(?P<rest>(?:/json)?/?(?:\?.*)?)$"
)


def _entries(document: Any) -> list[Any] | None:  # noqa: ANN401 foreign JSON
    rows = document.get("collection") if isinstance(document, Mapping) else None
    return rows if isinstance(rows, list) else None


def _read(entry: Any) -> Work | None:  # noqa: ANN401 foreign JSON
    row = expect_object(entry)
    # `pubs` puts "preprint_" before the names that `details` uses bare.
    said = {name: text(row, name, f"preprint_{name}") for name in _NAMES}
    version = count(said["version"])
    server = (text(row, "server", "preprint_platform") or "bioRxiv").lower()
    published = text(row, "published", "published_doi")
    return Work(
        title=said["title"],
        summary=said["abstract"],
        authors=said["authors"].split(";"),
        organisation=said["author_corresponding_institution"],
        doi=said["doi"],
        same_as=[published] if published != NONE else [],
        page=f"https://www.{server}.org/content/{said['doi']}v{version or 1}",
        categories=[said["category"]],
        published_on=day(said["date"]),
        version=version,
        announce=Announce.REPLACEMENT if version and version > 1 else Announce.NEW,
        withdrawn="withdrawn" in text(row, "type").lower(),
    )


_NAMES = (
    *("doi", "title", "authors", "abstract", "category", "date", "version"),
    "author_corresponding_institution",
)


def _next_page(document: Any, base: str) -> str | None:  # noqa: ANN401 foreign JSON
    message = next(iter(each(document, "messages")), None)
    page = _PAGE.search(base)
    numbers = [count(text(message, name)) for name in ("cursor", "count", "total")]
    if not page or None in numbers:
        return None
    cursor, shown, total = (number or 0 for number in numbers)
    reached = cursor + shown
    if not shown or reached >= total:
        return None
    return f"{base[: page.start()]}{page['path']}/{reached}{page['rest']}"


BIORXIV = Service(name="bioRxiv", entries=_entries, read=_read, next_page=_next_page)
