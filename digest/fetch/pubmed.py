"""PubMed's E-utilities: articles of efetch (XML), ids of esearch, rows of esummary (JSON).

An esearch answer holds ids alone; the same ids are described by efetch at the address next
door.  Source: NLM, PubMed DTD of 2025; E-utilities in depth, chapter 25501.
"""

import io
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from xml.etree import ElementTree

from yarl import URL

from digest.errors import ParseError
from digest.fetch.markup import Markup, found
from digest.fetch.services import Service, expect_object
from digest.fetch.values import date_of, day, each, inner, text
from digest.fetch.work import MAX_ITEMS, Work

SITE = "https://pubmed.ncbi.nlm.nih.gov"
ROOTS = ("PubmedArticleSet", "PubmedArticle")
ARTICLES = ("PubmedArticle", "PubmedBookArticle")
WITHDRAWN = ("Retracted Publication", "Withdrawn Publication")
_SEARCH = re.compile(r"/esearch\.fcgi$")
# Titles that PubMed translated stand in brackets, the full stop before or behind them.
_TRANSLATED = re.compile(r"\[(?P<title>.+?)\.?\]\.?", re.DOTALL)


def read_articles(markup: Markup) -> tuple[list[ElementTree.Element], tuple[str, ...]]:
    """Give the article elements of an efetch answer, whole ones of a cut-off document too.

    Raises:
        ParseError: it is none, or it breaks before the first article ends.
    """
    if markup.root not in ROOTS:
        raise ParseError(f"expected an answer of efetch, got {found(markup)}")
    articles: list[ElementTree.Element] = []
    content = io.BytesIO(markup.text.encode("utf-8", "replace"))
    document = ElementTree.iterparse(content)  # noqa: S314 read_markup refused entities
    try:
        for _, element in document:
            if element.tag in ARTICLES:
                articles.append(element)
            if len(articles) > MAX_ITEMS:
                break
    except ElementTree.ParseError as error:
        if not articles:
            raise ParseError(f"expected an answer of efetch, got broken XML: {error}") from error
        return articles, (f"document is broken after {len(articles)} articles: {error}",)
    return articles, ()


def read_article(article: ElementTree.Element) -> Work | None:
    """Give the work of one PubmedArticle or PubmedBookArticle.

    Raises:
        ValueError: it has no PMID.
    """
    pmid = _text(article, "*/PMID")
    if not pmid:
        raise ValueError("no PMID")
    abstract = article.findall("*//Abstract/AbstractText")
    kinds = {_whole(kind) for kind in article.findall(".//PublicationType")}
    return Work(
        title=_title(_text(article, "*/Article/ArticleTitle") or _text(article, ".//BookTitle")),
        summary="\n\n".join(map(_section, abstract)),
        authors=[_author(author) for author in article.findall("*//AuthorList/Author")],
        doi=_doi(article),
        guid=f"pubmed:{pmid}",
        page=f"{SITE}/{pmid}/",
        keywords=[_whole(word) for word in article.findall("*/KeywordList/Keyword")],
        published_on=next(_dates(article), None),
        withdrawn=not kinds.isdisjoint(WITHDRAWN),
    )


# --- efetch -----------------------------------------------------------------------------


def _whole(element: ElementTree.Element) -> str:
    """Give an element's text, inner markup (<sup>, <i>) dissolved, on one line."""
    return " ".join("".join(element.itertext()).split())


def _text(parent: ElementTree.Element, path: str) -> str:
    element = parent.find(path)
    return "" if element is None else _whole(element)


def _title(raw: str) -> str:
    if translated := _TRANSLATED.fullmatch(raw):
        return translated["title"]
    # PubMed ends every title with a full stop of its own.
    return raw.removesuffix(".") if not raw.endswith("..") else raw


def _section(element: ElementTree.Element) -> str:
    label = element.get("Label", "")
    return f"{label}: {_whole(element)}" if label else _whole(element)


def _author(author: ElementTree.Element) -> str:
    parts = (_text(author, "ForeName"), _text(author, "LastName"), _text(author, "Suffix"))
    return " ".join(filter(None, parts)) or _text(author, "CollectiveName")


def _doi(article: ElementTree.Element) -> str:
    # Not below ReferenceList: those are the ids of the works it cites.
    return _text(article, "PubmedData/ArticleIdList/ArticleId[@IdType='doi']") or _text(
        article, "*//ELocationID[@EIdType='doi']"
    )


def _dates(article: ElementTree.Element) -> Iterator[date]:
    """Give the days of publication: electronic, of the issue, of entry; months alone are none."""
    for path in (
        "*/Article/ArticleDate",
        "*/Article/Journal/JournalIssue/PubDate",
        "*/Book/PubDate",
        "PubmedData/History/PubMedPubDate[@PubStatus='pubmed']",
    ):
        element = article.find(path)
        if element is None:
            continue
        parts = (_text(element, part) for part in ("Year", "Month", "Day"))
        if found := date_of(*parts):
            yield found


# --- esearch, esummary ------------------------------------------------------------------


def _ids(document: Any) -> list[Any] | None:  # noqa: ANN401 foreign JSON
    ids = inner(document, "esearchresult").get("idlist")
    return ids if isinstance(ids, list) else None


def _read_id(entry: Any) -> Work | None:  # noqa: ANN401 foreign JSON
    pmid = str(entry).strip()
    if not re.fullmatch(r"\d{1,12}", pmid, re.ASCII):
        raise ValueError("expected a PMID")
    return Work(title=f"PubMed {pmid}", guid=f"pubmed:{pmid}", page=f"{SITE}/{pmid}/")


def _details(document: Any, base: str) -> str | None:  # noqa: ANN401 foreign JSON
    ids, url = _ids(document), URL(base)
    if not ids or not _SEARCH.search(url.path):
        return None
    kept = {name: url.query[name] for name in ("api_key", "tool", "email") if name in url.query}
    query = {"db": url.query.get("db", "pubmed"), "retmode": "xml", "id": ",".join(map(str, ids))}
    return str(url.with_path(_SEARCH.sub("/efetch.fcgi", url.path)).with_query(query | kept))


def _rows(document: Any) -> list[Any] | None:  # noqa: ANN401 foreign JSON
    result = inner(document, "result")
    return [result.get(uid) for uid in each(result, "uids") if isinstance(uid, str)] or (
        [] if "uids" in result else None
    )


def _read_row(entry: Any) -> Work | None:  # noqa: ANN401 foreign JSON
    row = expect_object(entry)
    pmid = text(row, "uid")
    ids: Mapping[str, str] = {
        text(one, "idtype"): text(one, "value") for one in each(row, "articleids")
    }
    return Work(
        title=_title(text(row, "title")),
        authors=[text(author, "name") for author in each(row, "authors")],
        doi=ids.get("doi", ""),
        guid=f"pubmed:{pmid}",
        page=f"{SITE}/{pmid}/",
        published_on=day(text(row, "epubdate")) or day(text(row, "sortpubdate")),
    )


ESEARCH = Service(
    name="PubMed esearch",
    entries=_ids,
    read=_read_id,
    details=_details,
    note="esearch gives ids alone: titles and abstracts come from efetch",
)
ESUMMARY = Service(name="PubMed esummary", entries=_rows, read=_read_row)
