"""Processes beside ours that write messages and send them, so that a run uses every core.

They only read the database: claims and records stay with the one process that owns them.
One that dies takes nothing with it but what it was sending, which nobody can know then.
"""

import asyncio
import contextlib
import gc
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import random
from typing import Any, NamedTuple, TypeAlias

from digest.compose.message import MessageBuilder
from digest.config import Settings, web_keys
from digest.deliver.send import send_all
from digest.errors import DigestError
from digest.links import Links
from digest.model import Attempt, Delivery, Message
from digest.pipeline.crew import Report, Sender, SenderDiedError
from digest.pipeline.writing import Desk
from digest.protocols import Transport
from digest.render import Templates
from digest.store.database import Database
from digest.transports import leaving_of, transport_of

# -I: nothing that stands in the working folder is imported.
START = [
    sys.executable,
    "-I",
    "-c",
    "import sys; sys.path[:] = sys.argv[2:]; from digest.senders import work; work(sys.argv[1])",
]
FRAME = struct.Struct("!Q")
# What waits for others to be reported with it waits no longer than this.  At full speed a report
# is as large as it may be: each costs us a transaction.
REPORT_SECONDS = 0.25
GOODBYE_SECONDS = 10.0


def builder_of(settings: Settings) -> MessageBuilder:
    """Make what writes the messages of an installation.

    Raises:
        ConfigError: a key cannot be read, or the subject pattern is none.
    """
    web = settings.web
    links = Links(web.base_url, web_keys(web)) if web.base_url else None
    templates = Templates(settings.mail.templates)
    return MessageBuilder(settings.mail, templates, links, leaving_of(settings))


def collect_rarely() -> None:
    """Let Python look for cycles a hundred times less often.

    A run keeps what its mails share and drops the rest by reference count; looking through
    all of it for cycles, of which there are few, took a third of its time.
    """
    gc.set_threshold(70_000, 20, 20)


class Begin(NamedTuple):
    """Begin a run in which so many attempts may wait for being recorded."""

    unrecorded: int


class Give(NamedTuple):
    """Send these, each begun within so many seconds from now."""

    deliveries: Sequence[Delivery]
    seconds: float


class Recorded(NamedTuple):
    """So many more attempts are recorded."""

    attempts: int


class Finish(NamedTuple):
    """End the run when all is sent; or, at once, when what is in flight has ended."""

    at_once: bool


class Ended(NamedTuple):
    """The run has ended, early where there is an error."""

    error: DigestError | None = None


Order: TypeAlias = Begin | Give | Recorded | Finish


# --- our side ---------------------------------------------------------------------------


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
        self._connection.sendall(_frame(self._settings))

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
            while not isinstance(found := await _get(self._reader), Ended):
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
            self._writer.write(_frame(order))
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


# --- their side -------------------------------------------------------------------------


def work(descriptor: str) -> None:
    """Be the process: run after run, until the other end of the connection is closed."""
    collect_rarely()
    asyncio.run(_work(socket.socket(fileno=int(descriptor))))


async def _work(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    settings: Settings = await _get(reader)
    desk: Desk | None = None
    run: _Run | None = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            order: Order = await _get(reader)
            if isinstance(order, Begin):
                desk = desk or Desk(Database(settings.database.url), builder_of(settings))
                run = _Run(settings, desk, writer, order.unrecorded)
            elif run:
                run.take(order)
    if run and not run.has_ended:
        # Nobody is there to record: what goes on now would be sent again.
        os._exit(1)


class _Run:
    """One run in a sender's own process."""

    def __init__(
        self, settings: Settings, desk: Desk, writer: asyncio.StreamWriter, unrecorded: int
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._writer = writer
        self._most = unrecorded
        self._unrecorded = 0
        self._attempts: list[Attempt] = []
        self._left_out: list[str] = []
        self._deliveries: dict[str, Delivery] = {}
        self._shares: asyncio.Queue[tuple[Sequence[Delivery], float] | None] = asyncio.Queue()
        self._stop = asyncio.Event()
        self._recorded = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task = asyncio.create_task(self._send())

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    def take(self, order: Order) -> None:
        """Do as told."""
        match order:
            case Give(deliveries, seconds):
                self._deliveries |= {one.id: one for one in deliveries}
                self._shares.put_nowait((deliveries, time.monotonic() + seconds))
            case Recorded(attempts):
                self._unrecorded -= attempts
                self._recorded.set()
            case Finish(at_once):
                if at_once:
                    self._stop.set()
                self._shares.put_nowait(None)

    async def _send(self) -> None:
        try:
            transport = transport_of(self._settings)
            try:
                await self._send_all(transport)
            finally:
                await transport.close()
            error = None
        except DigestError as raised:
            error = raised
        self._report()
        self._writer.write(_frame(Ended(error)))

    async def _send_all(self, transport: Transport) -> None:
        deliver = self._settings.deliver
        sending = send_all(
            transport,
            self._messages(),
            self._deliveries,
            give_up_after=deliver.give_up_after,
            clock=_now,
            random=random,
            stop=self._stop,
            retries_uncertain=deliver.uncertain == "retry",
        )
        try:
            async with aclosing(sending):
                async for attempt in sending:
                    del self._deliveries[attempt.delivery_id]
                    self._attempts.append(attempt)
                    await self._report_some()
        finally:
            self._report()

    async def _messages(self) -> AsyncIterator[Message]:
        """Write what is given, share after share, each message when its turn comes."""
        while (share := await self._shares.get()) is not None:
            deliveries, begin_before = share
            unwritten = {one.id for one in deliveries}
            for message in self._desk.write(self._desk.load(deliveries)):
                if time.monotonic() >= begin_before:
                    break
                unwritten.discard(message.delivery_id)
                yield message
            else:
                self._left_out += unwritten
                self._report_soon()

    async def _report_some(self) -> None:
        """Report once enough has gathered; wait while too much is not recorded."""
        if self._unrecorded + len(self._attempts) < self._most:
            self._report_soon()
            return
        self._report()
        while self._unrecorded >= self._most:
            self._recorded.clear()
            await self._recorded.wait()

    def _report_soon(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(REPORT_SECONDS, self._report)

    def _report(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._attempts or self._left_out:
            self._writer.write(_frame(Report(self._attempts, self._left_out)))
            self._unrecorded += len(self._attempts)
            self._attempts, self._left_out = [], []


def _now() -> datetime:
    return datetime.now(UTC)


# --- the way between --------------------------------------------------------------------


def _frame(value: object) -> bytes:
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return FRAME.pack(len(content)) + content


async def _get(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 - whatever was put in
    (length,) = FRAME.unpack(await reader.readexactly(FRAME.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 our own process's frame
