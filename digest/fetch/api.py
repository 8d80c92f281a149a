"""Answers of paper services to a Listing, and any other JSON by a mapping in the settings.

Semantic Scholar, Crossref, OpenReview, bioRxiv and PubMed are told by the shape of what they
say.  Pure; nothing is fetched or opened.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.errors import ParseError
from digest.fetch.biorxiv import BIORXIV
from digest.fetch.crossref import CROSSREF
from digest.fetch.document import load_json, looks_like_json
from digest.fetch.mapping import JsonMapping
from digest.fetch.markup import Markup, read_markup
from digest.fetch.openreview import OPENREVIEW
from digest.fetch.pubmed import ESEARCH, ESUMMARY, ROOTS, read_article, read_articles
from digest.fetch.semantic_scholar import SEMANTIC_SCHOLAR
from digest.fetch.services import Service, refusal
from digest.fetch.work import collect
from digest.model import Listing, Source
from digest.text import one_line

KIND = "api"
SERVICES = (ESEARCH, ESUMMARY, CROSSREF, OPENREVIEW, BIORXIV, SEMANTIC_SCHOLAR)
MAX_ERROR_CHARS = 200


def recognises(document: object) -> bool:
    """Say whether a JSON document has the shape of one of the services."""
    return _service(document) is not None


def is_article_set(markup: Markup) -> bool:
    """Say whether an XML document is an answer of PubMed's efetch."""
    return markup.root in ROOTS


def parse(
    content: bytes,
    source: Source,
    fetched_at: datetime,  # noqa: ARG001 every parser takes the same
    *,
    base: str = "",
    charset: str | None = None,
) -> Listing:
    """Read a service's answer, or any JSON where the source has a mapping.

    Args:
        base: where it came from, for relative links and the address of the next page.
        charset: what the server said of application/xml.

    Raises:
        ParseError: it is an error message, or of none of the known shapes.
    """
    mapping = source.options.get("mapping")
    if isinstance(mapping, Mapping):
        return _by_mapping(content, source, JsonMapping(mapping), base)
    if not looks_like_json(content):
        return _articles(read_markup(content, charset), source)
    document, warnings = load_json(content, source.name)
    service = _service(document)
    if service is None or refusal(document):
        raise _unknown(document, source)
    entries = service.entries(document) or []
    collected = collect(entries, service.read, source, base=base)
    details = service.details(document, base)
    return Listing(
        kind=KIND,
        announcements=collected.announcements,
        next_url=service.next_page(document, base),
        details_at=details,
        warnings=(*warnings, *filter(None, [service.note]), *collected.warnings),
    )


def _by_mapping(content: bytes, source: Source, mapping: JsonMapping, base: str) -> Listing:
    document, warnings = load_json(content, source.name)
    try:
        collected = collect(mapping.entries(document), mapping.read, source, base=base)
        following = mapping.next_page(document)
    except ValueError as error:
        raise ParseError(str(error), source=source.name) from error
    return Listing(
        kind=KIND,
        announcements=collected.announcements,
        next_url=following or None,
        warnings=(*warnings, *collected.warnings),
    )


def _articles(markup: Markup, source: Source) -> Listing:
    articles, warnings = read_articles(markup)
    collected = collect(articles, read_article, source)
    return Listing(
        kind=KIND,
        announcements=collected.announcements,
        warnings=(*markup.warnings, *warnings, *collected.warnings),
    )


def _service(document: object) -> Service | None:
    known = (service for service in SERVICES if service.entries(document) is not None)
    return next(known, None)


def _unknown(document: Any, source: Source) -> ParseError:  # noqa: ANN401 foreign JSON
    if said := refusal(document):
        cause = f"the service answered with an error: {one_line(said, MAX_ERROR_CHARS)}"
    else:
        known = ", ".join(dict.fromkeys(one.name.partition(" e")[0] for one in SERVICES))
        shown = one_line(", ".join(map(str, list(document)[:5])), 100)
        cause = f"expected an answer of {known}, got {shown}: give a mapping"
    return ParseError(cause, source=source.name)
