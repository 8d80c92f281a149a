"""A source to its listing: from a file or an address, through the sandbox."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urljoin

from digest.errors import FetchError, ParseError
from digest.fetch import files
from digest.fetch.http import Http, Response
from digest.fetch.joining import join, longest
from digest.fetch.parsing import parse_listing
from digest.fetch.sandbox import Sandbox
from digest.model import Fetched, Listing, Source, Validators

# Pages of a listing that are read where the source does not say.
PAGES = 3
# Files of a folder that could not be read are told by name, so many of them.
MAX_TOLD = 3


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
        if saved.documents is None:
            return Fetched(listing=None, validators=saved.validators)
        listings: list[Listing] = []
        failed: list[tuple[str, ParseError]] = []
        for document in saved.documents:
            # Dates without a year are of the year of the capture, not of the reading.
            captured_at = min(document.saved_at, self._clock())
            try:
                listings.append(
                    await self._sandbox.run(parse_listing, document.content, source, captured_at)
                )
            except ParseError as error:
                failed.append((document.name, error))
        if not listings:
            raise failed[0][1]
        listing = join(listings, _told(failed))
        return Fetched(listing=listing, validators=saved.validators)

    async def _from_address(self, source: Source, validators: Validators) -> Fetched:
        response = await self._http.get(
            source.url, validators, private_network=source.private_network
        )
        listing = await self._listing(response, source)
        if listing and listing.details_at:
            listing, _ = await self._page(listing.details_at, source)
        elif listing and listing.next_url:
            listing = await self._with_next_pages(listing, response.url, source)
        return Fetched(
            listing=listing,
            validators=response.validators,
            fresh_for=longest(response.fresh_for, listing.fresh_for if listing else None),
            moved_to=response.moved_to,
        )

    async def _with_next_pages(self, first: Listing, address: str, source: Source) -> Listing:
        """Follow a listing from page to page, as far as the source says; a lost one is told."""
        pages, seen, warnings = [first], {address}, []
        asked = source.options.get("pages")
        most = asked if isinstance(asked, int) else PAGES
        while pages[-1].next_url and pages[-1].announcements and len(pages) < most:
            address = urljoin(address, pages[-1].next_url)
            if address in seen:
                break
            seen.add(address)
            try:
                page, address = await self._page(address, source)
            except FetchError as error:
                warnings.append(f"page {len(pages) + 1} could not be read: {error}")
                break
            pages.append(page)
        return join(pages, warnings)

    async def _page(self, address: str, source: Source) -> tuple[Listing, str]:
        """Read what belongs to a listing, and say where it came from in the end."""
        response = await self._http.get(
            address, Validators(), private_network=source.private_network
        )
        listing = await self._listing(response, source)
        assert listing is not None  # noqa: S101 nothing can be unchanged without validators
        return listing, response.url

    async def _listing(self, response: Response, source: Source) -> Listing | None:
        if response.content is None:
            return None
        return await self._sandbox.run(
            parse_listing,
            response.content,
            source,
            self._clock(),
            base=response.url,
            charset=response.charset,
        )


def _told(failed: list[tuple[str, ParseError]]) -> list[str]:
    told = [f"{name} could not be read: {error}" for name, error in failed[:MAX_TOLD]]
    more = len(failed) - len(told)
    return [*told, f"{more} more files could not be read"] if more else told
