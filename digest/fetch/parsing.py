"""Bytes to a Listing by the parser that the source's kind, or the bytes themselves, ask for.

The sandbox loads this module: it names every parser, and nothing that opens a connection.
"""

from datetime import datetime

from digest.errors import ParseError
from digest.fetch import api, arxiv, arxiv_mail, arxiv_page, feed, json_feed, page, saved_mail
from digest.fetch.document import (
    excerpt,
    load_json,
    looks_like_html,
    looks_like_json,
    looks_like_text,
)
from digest.fetch.huggingface import parse_html, parse_json
from digest.fetch.listing_text import parse_text
from digest.fetch.markup import read_markup
from digest.model import Listing, Source

# The root element of nearly every document stands within; a multiple of every code unit.
ROOT_BYTES = 65_536


def parse_listing(
    content: bytes,
    source: Source,
    fetched_at: datetime,
    *,
    base: str = "",
    charset: str | None = None,
) -> Listing:
    """Read a listing of the source's kind; "auto" goes by what the bytes are.

    Args:
        base: where it came from in the end, for relative links; "" for a file.
        charset: what the server said of application/xml.

    Raises:
        ParseError: it is no listing of that kind.
    """
    if not content.strip():
        raise ParseError("expected a listing, got an empty document")
    match detect(content, charset) if source.kind in ("auto", "file") else source.kind:
        case "api":
            return api.parse(content, source, fetched_at, base=base, charset=charset)
        case "page":
            return page.parse(content, source, fetched_at, base=base, charset=charset)
        case "file":
            return saved_mail.parse(content, source, fetched_at)
        case "arxiv":
            return _parse_arxiv(content, source, fetched_at, base, charset)
        case "feed" if looks_like_json(content):
            return json_feed.parse(content, source, fetched_at, base=base)
        case "feed":
            return feed.parse(content, source, fetched_at, base=base, charset=charset)
        case "huggingface":
            return _parse_huggingface(content, source, fetched_at, base)
        case kind:
            raise ParseError(f'kind "{kind}" is not known', permanent=True)


def detect(content: bytes, charset: str | None = None) -> str:
    """Tell the kind of a document by its content, never by its name or content type.

    Raises:
        ParseError: it is text of no known kind.
    """
    if saved_mail.is_mail(content):
        return "file"
    if looks_like_json(content):
        return _kind_of_json(content)
    if looks_like_html(content):
        return "arxiv" if arxiv_page.is_list_page(content) else "huggingface"
    if looks_like_text(content):
        return "huggingface"
    if arxiv_mail.is_mailing(content):
        return "arxiv"
    markup = read_markup(content[:ROOT_BYTES], charset)
    if not markup.root and len(content) > ROOT_BYTES:
        markup = read_markup(content, charset)
    if api.is_article_set(markup):
        return "api"
    if arxiv.is_arxiv(markup):
        return "arxiv"
    # Text that holds some tag far down is text; what begins with one is meant as markup.
    is_markup = markup.root in feed.ROOTS or markup.text.lstrip().startswith("<")
    if is_markup:
        return "feed"
    raise ParseError(
        "expected a feed, an answer of a paper service, a page, a mailing or an alert, got "
        f"{excerpt(markup.text)}"
    )


def _kind_of_json(content: bytes) -> str:
    if json_feed.is_json_feed(content):
        return "feed"
    # Of the services only Semantic Scholar answers with an array.
    if content.lstrip()[:1] == b"[" and b'"paperId"' not in content:
        return "huggingface"
    document = load_json(content, "")[0]
    is_paper = isinstance(document, dict) and {"id", "title"} <= document.keys()
    is_of_the_hub = isinstance(document, list) or is_paper
    return "huggingface" if is_of_the_hub and not api.recognises(document) else "api"


def _parse_arxiv(
    content: bytes, source: Source, fetched_at: datetime, base: str, charset: str | None
) -> Listing:
    if looks_like_html(content):
        return arxiv_page.parse(content, source, fetched_at, base=base)
    if arxiv_mail.is_mailing(content):
        return arxiv_mail.parse(content, source, fetched_at)
    return arxiv.parse(content, source, fetched_at, base=base, charset=charset)


def _parse_huggingface(content: bytes, source: Source, fetched_at: datetime, base: str) -> Listing:
    if looks_like_json(content):
        return parse_json(content, source, fetched_at, base=base)
    if looks_like_html(content):
        return parse_html(content, source, fetched_at, base=base)
    return parse_text(content, source, fetched_at)
