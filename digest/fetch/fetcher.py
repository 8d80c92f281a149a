"""A source to its listing: from a file or an address, through the sandbox."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from digest.errors import EmptyPageError, FetchError, ParseError
from digest.fetch import files
from digest.fetch.http import Http, Response
from digest.fetch.joining import join, longest
from digest.fetch.paging import adds_items, next_address
from digest.fetch.parsing import parse_listing
from digest.fetch.sandbox import Sandbox
from digest.model import Fetched, Listing, Source, Validators

# A page that is empty by mistake is asked for so many times in all.
PAGE_TRIES = 3
# Files of a folder that could not be read are told by name, so many of them.
MAX_TOLD = 3


class ListingFetcher:
    """Reads sources; foreign documents are parsed in the sandbox only.

    Args:
        clock: gives the time of a fetch, aware UTC.
        patience: how long all pages of a source together may take; without one each request
            has its own limit only, since some hosts want seconds between two of them.
    """

    def __init__(
        self,
        http: Http,
        sandbox: Sandbox,
        clock: Callable[[], datetime],
        *,
        patience: timedelta | None = None,
    ) -> None:
        self._http = http
        self._sandbox = sandbox
        self._clock = clock
        self._patience = patience

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
        ends_at: float | None = None
        if self._patience is not None:
            ends_at = asyncio.get_running_loop().time() + self._patience.total_seconds()
        try:
            async with asyncio.timeout_at(ends_at):
                response, listing = await self._page(source, source.url, validators)
                if listing and listing.details_at:
                    _, details = await self._page(source, listing.details_at, Validators())
                    listing = details or listing
        except TimeoutError as error:
            seconds = self._patience.total_seconds() if self._patience else 0
            raise FetchError(f"gave no listing within {seconds:g} s") from error
        given = response.validators
        if listing:
            pages, warnings = await self._pages(source, response, listing, ends_at)
            if warnings:
                # The next check must not be told that nothing has changed.
                given = Validators()
            if response.moved_to:
                said = f"moved for good to {response.moved_to}: change its url in the settings"
                warnings.append(said)
            listing = join(pages, warnings)
        return Fetched(
            listing=listing,
            validators=given,
            fresh_for=longest(response.fresh_for, listing.fresh_for if listing else None),
            moved_to=response.moved_to,
        )

    async def _pages(
        self, source: Source, response: Response, first: Listing, ends_at: float | None
    ) -> tuple[list[Listing], list[str]]:
        """Follow a listing to its end; what was read before a failure counts, and is said."""
        pages = [first]
        asked = source.options.get("pages")
        most = asked if isinstance(asked, int) else None
        while address := next_address(
            pages[-1], response.url, response.next_url, most=most, read=len(pages)
        ):
            try:
                async with asyncio.timeout_at(ends_at):
                    response, listing = await self._page(source, address, Validators())
            except TimeoutError:
                return pages, [f"page {len(pages) + 1} and what follows it were not waited for"]
            except FetchError as error:
                return pages, [f"page {len(pages) + 1} could not be read: {error}"]
            if listing is None or not adds_items([*pages, listing]):
                break
            pages.append(listing)
        return pages, []

    async def _page(
        self, source: Source, address: str, validators: Validators
    ) -> tuple[Response, Listing | None]:
        """Read one page; one that is empty by mistake is asked for again."""
        for tries_left in reversed(range(PAGE_TRIES)):
            response = await self._http.get(
                address, validators, private_network=source.private_network
            )
            if response.content is None:
                return response, None
            try:
                listing = await self._sandbox.run(
                    parse_listing,
                    response.content,
                    source,
                    self._clock(),
                    base=response.url,
                    charset=response.charset,
                )
            except EmptyPageError:
                if not tries_left:
                    raise
            else:
                return response, listing
        raise AssertionError("the last try returns or raises")


def _told(failed: list[tuple[str, ParseError]]) -> list[str]:
    told = [f"{name} could not be read: {error}" for name, error in failed[:MAX_TOLD]]
    more = len(failed) - len(told)
    return [*told, f"{more} more files could not be read"] if more else told
