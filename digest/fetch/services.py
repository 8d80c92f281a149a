"""What the JSON of each paper service looks like: how it is known, and where its facts stand.

A service is a row: the shape that gives it away, where its entries are, how one is read, and
where the next page would be.  Pure; nothing is fetched here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from digest.fetch.values import text
from digest.fetch.work import Work

Document = Any
Entries = list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service's JSON.

    Attributes:
        entries: gives the entries of a document, None where it is not this service's.
        read: gives the work of an entry, None where the entry is no work; raises ValueError
            where it cannot be read.
        next_page: gives the address of the next page from the document and its own address,
            None where there is none.
        details: gives the address at which the same entries are described in full, None
            where they already are.
        note: what is odd about all of its listings, "" where nothing is.
    """

    name: str
    entries: Callable[[Document], Entries | None]
    read: Callable[[Any], Work | None]
    next_page: Callable[[Document, str], str | None] = lambda _document, _base: None
    details: Callable[[Document, str], str | None] = lambda _document, _base: None
    note: str = ""


def expect_object(entry: object) -> Mapping[str, Any]:
    """Give an entry that is an object.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(entry, Mapping):
        raise ValueError(f"expected an object, got a {type(entry).__name__}")
    return entry


def refusal(document: object) -> str:
    """Give what a service says where it answers with an error in place of works, else ""."""
    if not isinstance(document, Mapping):
        return ""
    said = text(document, "error", "message", "errors", "ERROR", "detail")
    if not said and document.get("status") in ("failed", "error"):
        said = str(document.get("message") or document["status"])
    if not said and isinstance(document.get("esearchresult"), Mapping):
        said = text(document["esearchresult"], "ERROR")
    return said
