"""One polite, guarded GET.  What the bytes mean is decided elsewhere.

Every connection, redirects included, goes to an address that was judged at the very moment
it was opened.  Time, size and the number of hops are bounded; one host is asked one thing at
a time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)
from yarl import URL

from digest import __version__
from digest.errors import FetchError, GoneError
from digest.fetch.body import ACCEPTED_ENCODINGS, Body
from digest.fetch.guard import (
    RefusedAddressError,
    guarded_socket,
    redirect_target,
    shown,
    web_address,
)
from digest.fetch.headers import fresh_for, retry_after
from digest.fetch.pace import Pace
from digest.model import Validators

BODY_LIMIT_BYTES = 20 * 1024 * 1024
# Measured in the field: arXiv's query API answers within 20 s even when it is busy.
TIME_LIMIT = timedelta(seconds=30)
REDIRECT_LIMIT = 5
TRIES = 3
# Seconds; full jitter, so that sources that failed together do not return together.
BACKOFF = wait_random_exponential(multiplier=1, max=10)
# A server that asks for more than this is left alone until the next check.
PATIENCE = timedelta(seconds=20)
# Terms of use of arXiv's APIs: one request every three seconds, one connection at a time.
SPACING = {"arxiv.org": timedelta(seconds=3)}

MOVED_FOR_GOOD = (301, 308)
REDIRECTS = (*MOVED_FOR_GOOD, 302, 303, 307)
# RFC 9110 section 15.5: a timeout, RFC 8470: too early, RFC 6585: too many requests.
PASSING_CLIENT_ERRORS = (408, 425, 429)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A server's answer that can be used.

    Attributes:
        url: where it came from in the end.
        content: decoded body; None = not modified since the validators.
        charset: as the Content-Type header says, None where it says none.
        fresh_for: how long the server asks us to wait.
        moved_to: new address, if every redirect on the way was permanent.
        next_url: what the Link header calls the next page (RFC 8288).
    """

    url: str
    content: bytes | None
    charset: str | None
    validators: Validators
    fresh_for: timedelta | None
    moved_to: str | None = None
    next_url: str | None = None


class Http:
    """A client for listings; open it with `async with`.

    Args:
        contact: how an operator of a server reaches ours, put into User-Agent.
        time_limit: for one try, all its redirects and the whole body.
        body_limit_bytes: of a body after decompression.
        resolver: how names become addresses; aiohttp's own where None.
        now: the wall clock, for dates in headers.
        sleep: how waits are spent.
        monotonic: what spacing is measured with, in seconds.
    """

    def __init__(
        self,
        contact: str = "",
        *,
        time_limit: timedelta = TIME_LIMIT,
        body_limit_bytes: int = BODY_LIMIT_BYTES,
        resolver: AbstractResolver | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        name = f"daily-digest/{__version__}"
        self._user_agent = f"{name} (+{contact})" if contact else name
        self._time_limit = time_limit
        self._body_limit_bytes = body_limit_bytes
        self._resolver = resolver
        self._now = now
        self._sleep = sleep
        self._monotonic = monotonic
        self._pace = Pace(SPACING, sleep=sleep, monotonic=monotonic)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        # Two pools: a connection opened to a private address must never be reused by a
        # source that may not have one.
        for private_network in (False, True):
            self._sessions[private_network] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver,
                    socket_factory=None if private_network else guarded_socket,
                    limit_per_host=1,
                ),
                headers={"User-Agent": self._user_agent, "Accept-Encoding": ACCEPTED_ENCODINGS},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    async def get(
        self, url: str, validators: Validators, *, private_network: bool = False
    ) -> Response:
        """Ask for an address; try again where that is useful.

        Args:
            url: absolute, http or https.
            validators: of the last answer; an unchanged one then costs next to nothing.
            private_network: connect to any address, not only to public ones.

        Raises:
            FetchError: no usable answer; says whether it is permanent and when to ask again.
        """
        tries = AsyncRetrying(
            stop=stop_after_attempt(TRIES) | stop_after_delay(self._time_limit),
            wait=_wait,
            retry=retry_if_exception(_is_worth_another_try),
            sleep=self._sleep,
            reraise=True,
        )
        request = _Request(web_address(url), validators, self._sessions[private_network])
        return await tries(self._follow, request)

    async def _follow(self, request: "_Request") -> Response:
        """Go from redirect to redirect until there is an answer, within one time limit."""
        url, is_permanent = request.url, True
        seconds_left = self._time_limit.total_seconds()
        for _ in range(REDIRECT_LIMIT + 1):
            async with self._pace.turn(url.host or ""):
                began = self._monotonic()
                answer = await self._ask(url, request, seconds_left)
                seconds_left -= self._monotonic() - began
            if isinstance(answer, Response):
                has_moved = is_permanent and url != request.url
                return replace(answer, moved_to=str(url)) if has_moved else answer
            url, is_permanent = answer.to, is_permanent and answer.is_permanent
        raise FetchError(
            f"{shown(request.url)}: over {REDIRECT_LIMIT} redirects: refused", permanent=True
        )

    async def _ask(self, url: URL, request: "_Request", seconds: float) -> "Response | _Redirect":
        host = url.host
        try:
            async with (
                asyncio.timeout(seconds),
                request.session.get(
                    url, headers=_conditions(request.validators), allow_redirects=False
                ) as response,
            ):
                return await self._read(url, request, response)
        except TimeoutError as error:
            limit = self._time_limit.total_seconds()
            raise FetchError(f"{host} did not finish answering within {limit:g} s") from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, RefusedAddressError):
                raise FetchError(
                    f"{host} is at {error.os_error.address}, which is not a public address: "
                    "refused, set private_network = true if it is yours",
                    permanent=True,
                ) from error
            raise FetchError(f"cannot connect to {host}: {error.os_error}") from error
        except aiohttp.InvalidURL as error:
            raise FetchError(f'"{host}" is not an address: refused', permanent=True) from error
        except aiohttp.ClientError as error:
            raise FetchError(
                f"{host} broke off: {str(error)[:200] or type(error).__name__}"
            ) from error

    async def _read(
        self, url: URL, request: "_Request", response: aiohttp.ClientResponse
    ) -> "Response | _Redirect":
        now, headers, status = self._now(), response.headers, response.status
        if status in REDIRECTS:
            return _Redirect(
                redirect_target(url, headers.get("Location", "")), status in MOVED_FOR_GOOD
            )
        content = None
        if status == HTTPStatus.OK:
            body = Body(headers.get("Content-Encoding", ""), self._body_limit_bytes)
            async for chunk in response.content.iter_any():
                body.feed(chunk)
            content = body.content()
        elif status != HTTPStatus.NOT_MODIFIED or request.validators == Validators():
            raise _status_error(url, status, retry_after(headers, now))
        given = Validators(etag=headers.get("ETag"), last_modified=headers.get("Last-Modified"))
        return Response(
            url=shown(url),
            content=content,
            # RFC 7303 section 3: the charset of application/xml stands above the document's
            # own; that of text/* is mostly a server's default, and wrong.
            charset=response.charset if response.content_type.startswith("application/") else None,
            validators=request.validators if content is None else given,
            fresh_for=fresh_for(headers, now),
            next_url=_next_url(response),
        )


@dataclass(frozen=True, slots=True)
class _Request:
    url: URL
    validators: Validators
    session: aiohttp.ClientSession


@dataclass(frozen=True, slots=True)
class _Redirect:
    to: URL
    is_permanent: bool


def _conditions(validators: Validators) -> dict[str, str]:
    conditions = {
        "If-None-Match": validators.etag,
        "If-Modified-Since": validators.last_modified,
    }
    return {name: value for name, value in conditions.items() if value}


def _next_url(response: aiohttp.ClientResponse) -> str | None:
    try:
        link = response.links.get("next")
    except ValueError:
        return None
    return str(link["url"]) if link else None


def _status_error(url: URL, status: int, wait: timedelta | None) -> FetchError:
    if status == HTTPStatus.GONE:
        return GoneError(
            f"HTTP 410 from {url.host}: gone for good, paused until its url is changed",
            permanent=True,
        )
    advice: dict[int, str] = {
        HTTPStatus.NOT_FOUND: ": not found, check the url",
        HTTPStatus.UNAUTHORIZED: ": it wants a login",
        HTTPStatus.FORBIDDEN: ": it refuses us",
    }
    return FetchError(
        f"HTTP {status} from {url.host}{advice.get(status, '')}",
        permanent=400 <= status < 500 and status not in PASSING_CLIENT_ERRORS,
        retry_after=wait,
    )


def _is_worth_another_try(error: BaseException) -> bool:
    return (
        isinstance(error, FetchError)
        and not error.permanent
        and (error.retry_after or timedelta()) <= PATIENCE
    )


def _wait(state: RetryCallState) -> float:
    """Wait a random time out of a growing range, at least as long as the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, FetchError) else None
    return max(BACKOFF(state), (asked or timedelta()).total_seconds())
