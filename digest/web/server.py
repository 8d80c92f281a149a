"""The web server, beside the jobs in one process: it starts with them and ends after them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from digest.errors import ConfigError
from digest.web.app import make_app
from digest.web.site import Site

# Longest that an answer under way holds up the end of the process.
ENDING_SECONDS = 5
BACKLOG = 2048


class _Server(uvicorn.Server):
    """Leaves the signals to the service, which ends the jobs too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[int]:
    """Answer requests while the context lasts; gives the port.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    listening = _listen(site.settings.web.listen)
    config = uvicorn.Config(
        make_app(site),
        log_config=None,
        # The paths of readers' pages are secrets, so they are not logged.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=ENDING_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def _listen(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(f"web.listen: {listen}: {error.strerror or error}") from error
    return listening
