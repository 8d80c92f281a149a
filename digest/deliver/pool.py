"""Keeps a few connections to one relay, opened as they are wanted and used again.

Knows nothing of how a connection is made; smtp.py hands that in.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from digest.deliver.envelope import Offer
from digest.deliver.wire import Wire
from digest.errors import TransportError


@dataclass(frozen=True, slots=True)
class Connection:
    """A wire to a relay, and what the relay offered at its other end."""

    wire: Wire
    offer: Offer


class Pool:
    """Connections to one relay, at most `connections` at once; belongs to one event loop.

    The first one is made alone, so a relay that is down is not met by a crowd; once it stands,
    others are opened as they are wanted.  If the relay grants fewer, callers share those.

    Args:
        connect: makes a connection, or raises TransportError.
        connections: at least 1.
        per_connection: a connection is replaced after so many messages.
        set_aside: seconds in which an unusable relay is not tried again.
        goodbye: seconds that the answer to QUIT may take.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        connections: int,
        per_connection: int,
        set_aside: float,
        goodbye: float,
    ) -> None:
        self._connect = connect
        self._connections = connections
        self._per_connection = per_connection
        self._seconds_aside = set_aside
        self._goodbye = goodbye
        self._idle: list[Connection] = []
        self._leaving: set[Wire] = set()
        self._open = 0
        self._granted = 1
        self._changed = asyncio.Event()
        self._waiting = 0
        self._unusable: TransportError | None = None
        self._set_aside_until = 0.0

    @property
    def is_short(self) -> bool:
        """True while somebody waits for a connection."""
        return self._waiting > 0

    async def take(self) -> Connection:
        """Take an idle connection or open one; wait where no more are granted.

        Raises:
            TransportError: the relay is unusable, or was so a moment ago.
        """
        while True:
            if self._unusable and asyncio.get_running_loop().time() < self._set_aside_until:
                raise TransportError(str(self._unusable), permanent=self._unusable.permanent)
            while self._idle:
                connection = self._idle.pop()
                if connection.wire.is_usable:
                    return connection
                self._open -= 1
            if self._open >= self._granted:
                self._waiting += 1
                try:
                    await self._changed.wait()
                finally:
                    self._waiting -= 1
            elif (opened := await self._open_one()) is not None:
                return opened

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next message, or end it if it is broken or worn out."""
        wire = connection.wire
        if not wire.is_usable:
            wire.abort()
            self._open -= 1
        elif wire.transferred >= self._per_connection:
            self.dismiss(connection)
            self._open -= 1
        else:
            self._idle.append(connection)
        self._pulse()

    def set_aside(self, error: TransportError) -> None:
        """Let callers fail fast with this error for a while."""
        self._unusable = error
        self._set_aside_until = asyncio.get_running_loop().time() + self._seconds_aside

    def dismiss(self, connection: Connection) -> None:
        """Take leave on a connection; the answer to QUIT is awaited by nobody but `close`."""
        wire = connection.wire
        self._leaving.add(wire)
        wire.closed.add_done_callback(lambda _: self._leaving.discard(wire))
        wire.quit(within=self._goodbye)

    async def close(self) -> None:
        """End all idle connections in good order; no message may be under way."""
        for connection in self._idle:
            self.dismiss(connection)
        self._open -= len(self._idle)
        self._idle.clear()
        if self._leaving:
            await asyncio.wait([wire.closed for wire in self._leaving])

    async def _open_one(self) -> Connection | None:
        """Open one more; None where the relay refuses it but serves others of ours."""
        self._open += 1
        try:
            connection = await self._connect()
        except BaseException as error:
            self._open -= 1
            serves_others = self._open > 0
            self._granted = max(self._open, 1)
            if isinstance(error, TransportError) and not serves_others:
                self.set_aside(error)
            self._pulse()
            if isinstance(error, TransportError) and serves_others:
                return None
            raise
        self._granted = self._connections
        self._pulse()
        return connection

    def _pulse(self) -> None:
        """Wake everyone who waits for a connection, to look again."""
        self._changed.set()
        self._changed = asyncio.Event()
