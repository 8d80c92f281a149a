"""Our side: processes that are started once, and put to work run by run."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from digest.config import Settings
from digest.errors import DigestError
from digest.model import Delivery
from digest.pipeline.crew import Report, Sender, SenderDiedError
from digest.senders.frames import Begin, Ended, Finish, Frames, Give, Order, Recorded, frame

CODE = """
import sys
sys.path[:] = sys.argv[2:]
from digest.senders.work import work
work(sys.argv[1])
"""
# -I: nothing that stands in the working folder is imported.
START = [sys.executable, "-I", "-c", CODE]
GOODBYE_SECONDS = 10.0
RECEIVED_BYTES = 1 << 18


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

    @contextmanager
    def at_work(self, unrecorded: int) -> Iterator[Sequence[Sender]]:
        """Put them to work; one that has not ended with the run is killed.

        Args:
            unrecorded: attempts that they may hold together without an acknowledgement.
        """
        for process in self._processes:
            process.begin()
        senders = [_Working(process) for process in self._processes]
        try:
            for sender in senders:
                sender.put(Begin(max(1, unrecorded // len(senders))))
            yield senders
        finally:
            for sender in senders:
                if not sender.has_ended:
                    sender.process.kill()

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

    @property
    def connection(self) -> socket.socket:
        """Its connection, once it was begun."""
        assert self._connection  # noqa: S101 it was begun
        return self._connection

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
        self._connection.settimeout(GOODBYE_SECONDS)
        with suppress(OSError):  # one that died says so when its reports are received
            self._connection.sendall(frame(self._settings))

    def interrupt(self) -> None:
        """End it whatever it does; its connection tells."""
        if self._process:
            self._process.kill()

    def kill(self) -> None:
        """End it whatever it does, and its connection."""
        self.interrupt()
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

    def __init__(self, process: _Process) -> None:
        self.process = process
        self.has_ended = False
        self.failure: DigestError | None = None
        self._connection = process.connection
        self._frames = Frames()

    def fileno(self) -> int:
        return self._connection.fileno()

    def give(self, deliveries: Sequence[Delivery], begin_within: timedelta) -> None:
        self.put(Give(deliveries, begin_within.total_seconds()))

    def acknowledge(self, attempts: int) -> None:
        self.put(Recorded(attempts))

    def finish(self, *, at_once: bool) -> None:
        self.put(Finish(at_once))

    def receive(self) -> list[Report]:
        try:
            received = self._connection.recv(RECEIVED_BYTES)
        except OSError:
            received = b""
        if not received:
            code = self.process.close()
            raise SenderDiedError(
                f"sender: process ended (code {code}), the next run starts another"
            )
        reports = []
        for told in self._frames.feed(received):
            if isinstance(told, Ended):
                self.has_ended, self.failure = True, told.error
            else:
                reports.append(told)
        return reports

    def put(self, order: Order) -> None:
        """Send an order; one that died says so when its reports are received."""
        try:
            self._connection.sendall(frame(order))
        except TimeoutError:
            # It reads no more.  What it got of this order is of no use, so neither is it.
            self.process.interrupt()
        except OSError:
            pass


@contextmanager
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
