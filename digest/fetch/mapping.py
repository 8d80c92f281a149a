"""Any JSON to works, by expressions in the settings that say where each fact stands.

The expressions are the operator's own; the JSON is foreign.  Source: jmespath.org.
"""

from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from digest.errors import ParseError
from digest.fetch.services import expect_object
from digest.fetch.values import count, day, text, texts
from digest.fetch.work import Work, split_names

# Where an author or a keyword is an object, the first of these names it.
NAME_FIELDS = ("name", "fullname", "full_name", "display_name", "title", "value", "term")
# What is looked up in the whole document, not in an entry.
OF_DOCUMENT = ("items", "next")


class JsonMapping:
    """Compiled expressions of a `[sources.mapping]` table.

    Args:
        expressions: field -> JMESPath; "items" gives the array, all others a fact of one entry.

    Raises:
        ParseError: an expression is none.
    """

    def __init__(self, expressions: Mapping[str, str]) -> None:
        self._compiled = {
            field: _compiled(field, expression)
            for field, expression in expressions.items()
            if expression
        }

    def entries(self, document: object) -> list[Any]:
        """Give the document's entries.

        Raises:
            ParseError: the expression finds no array there.
        """
        found = self._find("items", document, otherwise=document)
        if not isinstance(found, list):
            raise ParseError(f"mapping.items: expected an array, found {type(found).__name__}")
        return found

    def next_page(self, document: object) -> str:
        """Give the address of the next page, perhaps a relative one; "" where there is none."""
        return next(texts(self._find("next", document)), "")

    def read(self, entry: object) -> Work:
        """Give the work of one entry.

        Raises:
            ValueError: it is no object, or an expression cannot be applied to it.
        """
        fields = expect_object(entry)
        found = {
            field: self._find(field, fields) for field in self._compiled if field not in OF_DOCUMENT
        }
        authors = _names(found.get("authors"))
        return Work(
            title=text(found, "title"),
            summary=text(found, "summary"),
            authors=split_names(authors[0]) if len(authors) == 1 else authors,
            organisation=text(found, "organisation"),
            arxiv=text(found, "arxiv"),
            doi=text(found, "doi"),
            guid=text(found, "id"),
            page=text(found, "link"),
            pdf=text(found, "pdf"),
            categories=_names(found.get("categories")),
            keywords=_names(found.get("keywords")),
            published_on=day(found.get("date")),
            version=count(found.get("version")),
            upvotes=count(found.get("upvotes")),
            comments=count(found.get("comments")),
        )

    def _find(self, field: str, where: object, otherwise: object = None) -> object:
        if field not in self._compiled:
            return otherwise
        try:
            return self._compiled[field].search(where)
        # The library's own checks miss some wrong types of what a function is given.
        except (JMESPathError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"mapping.{field}: {str(error)[:200]}") from error


def _compiled(field: str, expression: str) -> ParsedResult:
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        cause = " ".join(str(error).split())[:200]
        raise ParseError(f"mapping.{field}: no JMESPath: {cause}", permanent=True) from error


def _names(value: object) -> list[str]:
    """Give the names in an array of texts or objects, or the one text in its place."""
    several = value if isinstance(value, list) else [value]
    return [one if isinstance(one, str) else text(one, *NAME_FIELDS) for one in several]
