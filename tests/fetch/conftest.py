"""A real HTTP server on loopback, and a client whose waits cost nothing."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from digest.fetch.http import Http
from digest.fetch.sandbox import Sandbox

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"

Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class Site:
    """A server whose every path is answered by what the test said.

    `answers[path]` is a list; each request takes the first and leaves the last for good.
    """

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.server: TestServer
        self._answers: dict[str, list[Handler]] = {}

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.port}{path}"

    def answer(self, path: str, body: bytes | str = b"", status: int = 200, **headers: str) -> None:
        """Answer the next request of a path so, and all later ones unless told otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def handler(request: web.Request) -> web.StreamResponse:
            content = body.encode() if isinstance(body, str) else body
            return web.Response(body=content, status=status, headers=named)

        self.handle(path, handler)

    def handle(self, path: str, handler: Handler) -> None:
        self._answers.setdefault(path, []).append(handler)

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answers = self._answers.get(request.path)
        if not answers:
            return web.Response(status=404)
        handler = answers.pop(0) if len(answers) > 1 else answers[0]
        return await handler(request)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", site.dispatch)
    async with TestServer(application, host="127.0.0.1") as site.server:
        yield site


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http(clock: Clock) -> AsyncIterator[Http]:
    async with Http(
        "ops@example.org", now=lambda: NOW, sleep=clock.sleep, monotonic=clock.monotonic
    ) as http:
        yield http


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def samples() -> Path:
    if not SAMPLES.is_dir():
        pytest.skip(f"no sample listings at {SAMPLES}")
    return SAMPLES
