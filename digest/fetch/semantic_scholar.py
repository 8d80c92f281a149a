"""Semantic Scholar's graph and recommendation APIs: search, bulk search, batches, one paper.

Only the requested fields are there, and any may be null.  Source: formats of
api.semanticscholar.org/graph/v1 and /recommendations/v1.
"""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from digest.fetch.services import Service, expect_object
from digest.fetch.values import day, each, inner, text
from digest.fetch.work import Work

SITE = "https://www.semanticscholar.org"


def _entries(document: Any) -> list[Any] | None:  # noqa: ANN401 foreign JSON
    if isinstance(document, list):
        # A batch answers null for an id that it does not know.
        papers = [one for one in document if one is not None]
        return papers if any(map(_is_paper, papers)) else None
    if not isinstance(document, Mapping):
        return None
    if _is_paper(document):
        return [document]
    for name in ("recommendedPapers", "data"):
        if name not in document:
            continue
        papers = [_cited(one) for one in each(document, name) if one is not None]
        is_empty = not papers and (name == "recommendedPapers" or "total" in document)
        return papers if is_empty or any(map(_is_paper, papers)) else None
    # "data" is left out where nothing was found.
    return [] if document.get("total") == 0 and "offset" in document else None


def _is_paper(value: object) -> bool:
    return isinstance(value, Mapping) and "paperId" in value


def _cited(entry: Any) -> Any:  # noqa: ANN401 foreign JSON
    """Lists of citations and references hold the paper one level down."""
    return inner(entry, "citingPaper") or inner(entry, "citedPaper") or entry


def _read(entry: Any) -> Work | None:  # noqa: ANN401 foreign JSON
    paper = expect_object(entry)
    ids = inner(paper, "externalIds")
    paper_id = text(paper, "paperId")
    fields = [text(one, "category") for one in each(paper, "s2FieldsOfStudy")]
    return Work(
        title=text(paper, "title"),
        summary=text(paper, "abstract"),
        authors=[text(author, "name") for author in each(paper, "authors")],
        arxiv=text(ids, "ArXiv"),
        doi=text(ids, "DOI"),
        guid=paper_id or text(ids, "CorpusId") or text(paper, "corpusId"),
        page=text(paper, "url") or (f"{SITE}/paper/{paper_id}" if paper_id else ""),
        pdf=text(inner(paper, "openAccessPdf"), "url"),
        categories=fields or [one for one in each(paper, "fieldsOfStudy") if isinstance(one, str)],
        published_on=day(text(paper, "publicationDate")),
        ai_summary=text(inner(paper, "tldr"), "text"),
    )


def _next_page(document: Any, base: str) -> str | None:  # noqa: ANN401 foreign JSON
    if not base or not isinstance(document, Mapping):
        return None
    if token := text(document, "token"):
        return str(URL(base).update_query(token=token))
    offset = text(document, "next")
    return str(URL(base).update_query(offset=offset)) if offset else None


SEMANTIC_SCHOLAR = Service(
    name="Semantic Scholar", entries=_entries, read=_read, next_page=_next_page
)
