"""A source to its listing: file or address, then the parser that its kind or its bytes ask for."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from digest.errors import FetchError, ParseError
from digest.fetch import arxiv, feed, files
from digest.fetch.document import looks_like_html, looks_like_json, looks_like_text
from digest.fetch.http import Http
from digest.fetch.huggingface import parse_html, parse_json
from digest.fetch.listing_text import parse_text
from digest.fetch.markup import read_markup
from digest.fetch.sandbox import Sandbox
from digest.model import Fetched, Listing, Source, Validators


class ListingFetcher:
    """Reads sources; foreign documents are parsed in the sandbox only.

    Args:
        clock: gives the time of a fetch, aware UTC.
    """

    def __init__(self, http: Http, sandbox: Sandbox, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._sandbox = sandbox
        self._clock = clock

    async def fetch(self, source: Source, validators: Validators) -> Fetched:
        """Read a source's listing.

        Raises:
            FetchError: it could not be read; ParseError: it is not what its kind promises.
        """
        try:
            if files.is_file(source.url):
                return await self._from_file(source, validators)
            return await self._from_address(source, validators)
        except FetchError as error:
            error.source = source.name
            raise

    async def _from_file(self, source: Source, validators: Validators) -> Fetched:
        saved = await asyncio.to_thread(files.read, source.url, validators)
        if saved.content is None:
            return Fetched(listing=None, validators=saved.validators)
        # Dates without a year are of the year of the capture, not of the reading.
        captured_at = min(saved.saved_at, self._clock())
        listing = await self._sandbox.run(parse_listing, saved.content, source, captured_at)
        return Fetched(listing=listing, validators=saved.validators)

    async def _from_address(self, source: Source, validators: Validators) -> Fetched:
        response = await self._http.get(
            source.url, validators, private_network=source.private_network
        )
        listing = None
        if response.content is not None:
            listing = await self._sandbox.run(
                parse_listing,
                response.content,
                source,
                self._clock(),
                base=response.url,
                charset=response.charset,
            )
        return Fetched(
            listing=listing,
            validators=response.validators,
            fresh_for=_longer(response.fresh_for, listing.fresh_for if listing else None),
            moved_to=response.moved_to,
        )


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
        case "arxiv":
            return arxiv.parse(content, source, fetched_at, charset=charset)
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
    if looks_like_json(content) or looks_like_html(content) or looks_like_text(content):
        return "huggingface"
    markup = read_markup(content, charset)
    if arxiv.is_arxiv(markup):
        return "arxiv"
    # Text that holds some tag far down is text; what begins with one is meant as markup.
    is_markup = markup.root in feed.ROOTS or markup.text.lstrip().startswith("<")
    return "feed" if is_markup else "huggingface"


def _longer(first: timedelta | None, second: timedelta | None) -> timedelta | None:
    return max(filter(None, (first, second)), default=None)
