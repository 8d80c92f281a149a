"""A source to its listing: from a file or an address, through the sandbox."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from digest.errors import FetchError
from digest.fetch import files
from digest.fetch.http import Http
from digest.fetch.parsing import parse_listing
from digest.fetch.sandbox import Sandbox
from digest.model import Fetched, Source, Validators


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


def _longer(first: timedelta | None, second: timedelta | None) -> timedelta | None:
    return max(filter(None, (first, second)), default=None)
