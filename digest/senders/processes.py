"""Our side: processes that are started once, and put to work run by run."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from digest.config import Settings
from digest.model import Delivery
from digest.pipeline.crew import Report, Sender, SenderDiedError
from digest.senders.frames import Begin, Ended, Finish, Give, Order, Recorded, frame, get

CODE = """
import sys
sys.path[:] = sys.argv[2:]
from digest.senders.work import work
work(sys.argv[1])
"""
# -I: nothing that stands in the working folder is imported.
START = [sys.executable, "-I", "-c", CODE]
GOODBYE_SECONDS = 10.0


class Senders:
    """So many processes, each started when it is first wanted; close them in the end.

    Between two runs they wait, with what they keep warm, but without a connection.

    Args:
        settings: with the database that they read and the relay that they share.
    """

    def __init__(self, settings: Settings) -> None:
        relays = settings.relays or (settings.smtp,)
        # Each needs a connection of its own to every relay.
        count = min(settings.deliver.senders, *[relay.connections for relay in relays])
        self._processes = [_Process(_with_share(settings, count)) for _ in range(count)]

    @asynccontextmanager
    async def at_work(self, unrecorded: int) -> AsyncIterator[Sequence[Sender]]:
        """Put them to work; one that has not ended with the run is killed.

        Args:
            unrecorded: attempts that they may hold together without an acknowledgement.
        """
        loop = asyncio.get_running_loop()
        for process in self._processes:
            process.begin()
        senders = [
            _Working(process, *await asyncio.open_unix_connection(sock=process.connection()))
            for process in self._processes
        ]
        try:
            for sender in senders:
                await sender.put(Begin(max(1, unrecorded // len(senders))))
            yield senders
        finally:
            for sender in senders:
                if not sender.has_ended:
                    await loop.run_in_executor(None, sender.process.kill)
                await sender.leave()

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()


class _Process:
    """One process; it ends when our end of its connection is closed, or we die."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    def connection(self) -> socket.socket:
        """Give a handle of its connection for one run."""
        assert self._connection  # noqa: S101 it was begun
        return self._connection.dup()

    def begin(self) -> None:
        """Start it, unless it runs."""
        if self._process and self._process.poll() is None:
            return
        self.close()
        self._connection, theirs = socket.socketpair()
        with theirs, _deaf():
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [*START, str(theirs.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._connection.sendall(frame(self._settings))

    def kill(self) -> None:
        """End it whatever it does."""
        if self._process:
            self._process.kill()
        self.close()

    def close(self) -> int | None:
        """End it when it waits; give its exit code."""
        if self._connection:
            self._connection.close()
        if self._process is None:
            return None
        try:
            self._process.wait(GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        code = self._process.returncode
        self._process = self._connection = None
        return code


class _Working:
    """A process in one run; see `digest.pipeline.crew.Sender`."""

    def __init__(
        self, process: _Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.has_ended = False
        self._reader, self._writer = reader, writer

    async def give(self, deliveries: Sequence[Delivery], begin_within: timedelta) -> None:
        await self.put(Give(deliveries, begin_within.total_seconds()))

    async def acknowledge(self, attempts: int) -> None:
        await self.put(Recorded(attempts))

    async def finish(self, *, at_once: bool) -> None:
        await self.put(Finish(at_once))

    async def reports(self) -> AsyncIterator[Report]:
        try:
            while not isinstance(found := await get(self._reader), Ended):
                yield found
        except (EOFError, OSError) as error:
            code = await asyncio.to_thread(self.process.close)
            raise SenderDiedError(
                f"sender: process ended (code {code}), the next run starts another"
            ) from error
        self.has_ended = True
        if found.error:
            raise found.error

    async def put(self, order: Order) -> None:
        """Send an order; one that died says so when its reports are read."""
        with contextlib.suppress(OSError):
            self._writer.write(frame(order))
            await self._writer.drain()

    async def leave(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let a process that is started here hear no signal to stop, from its first moment on.

    A service's manager tells all of a service's processes; ours are told by the one that claims.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _with_share(settings: Settings, count: int) -> Settings:
    """Give the settings of one of several senders: its share of the connections."""
    smtp, *relays = [
        relay.model_copy(update={"connections": max(1, relay.connections // count)})
        for relay in (settings.smtp, *settings.relays)
    ]
    return settings.model_copy(update={"smtp": smtp, "relays": tuple(relays)})
