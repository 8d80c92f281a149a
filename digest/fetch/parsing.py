"""Bytes to a Listing by the parser that the source's kind, or the bytes themselves, ask for.

The sandbox loads this module: it names every parser, and nothing that opens a connection.
"""

from datetime import datetime

from digest.errors import ParseError
from digest.fetch import arxiv, arxiv_mail, arxiv_page, feed, json_feed
from digest.fetch.document import looks_like_html, looks_like_json, looks_like_text
from digest.fetch.huggingface import parse_html, parse_json
from digest.fetch.listing_text import parse_text
from digest.fetch.markup import read_markup
from digest.model import Listing, Source


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
    match detect(content, charset) if source.kind == "auto" else source.kind:
        case "arxiv" if looks_like_html(content):
            return arxiv_page.parse(content, source, fetched_at, base=base)
        case "arxiv" if arxiv_mail.is_mailing(content):
            return arxiv_mail.parse(content, source, fetched_at)
        case "arxiv":
            return arxiv.parse(content, source, fetched_at, charset=charset)
        case "feed" if looks_like_json(content):
            return json_feed.parse(content, source, fetched_at, base=base)
        case "feed":
            return feed.parse(content, source, fetched_at, base=base, charset=charset)
        case "huggingface" if looks_like_json(content):
            return parse_json(content, source, fetched_at)
        case "huggingface" if looks_like_html(content):
            return parse_html(content, source, fetched_at)
        case "huggingface":
            return parse_text(content, source, fetched_at)
        case kind:
            raise ParseError(f'kind "{kind}" is not known', permanent=True)


def detect(content: bytes, charset: str | None = None) -> str:
    """Tell the kind of a document by its content, never by its name or content type."""
    if looks_like_json(content):
        return "feed" if json_feed.is_json_feed(content) else "huggingface"
    if looks_like_html(content):
        return "arxiv" if arxiv_page.is_list_page(content) else "huggingface"
    if looks_like_text(content):
        return "huggingface"
    if arxiv_mail.is_mailing(content):
        return "arxiv"
    markup = read_markup(content, charset)
    if arxiv.is_arxiv(markup):
        return "arxiv"
    # Text that holds some tag far down is text; what begins with one is meant as markup.
    is_markup = markup.root in feed.ROOTS or markup.text.lstrip().startswith("<")
    return "feed" if is_markup else "huggingface"
