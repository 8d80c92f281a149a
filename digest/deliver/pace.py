"""Holds messages to a pace: so many a second, over all and to each recipient domain.

A relay or a mailbox provider that is given more than it likes answers 4yz, and remembers.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from digest.errors import TransportError
from digest.model import Message, Reply
from digest.protocols import Transport

WAITING_ROOM = 200  # messages held back while others go ahead of them
DOMAINS_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a pace keeps to; None = no limit.

    Attributes:
        per_second, domain_per_second: messages, over all and to one recipient domain.
        domain_at_once: messages to one recipient domain under way at the same time.
    """

    per_second: float | None = None
    domain_per_second: float | None = None
    domain_at_once: int | None = None


@dataclass(slots=True)
class _Domain:
    free_at: float = 0.0
    under_way: int = 0


class Pace:
    """A transport that keeps to limits, for messages that come to it by `in_turn`.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, transport: Transport, limits: Limits, *, clock: Callable[[], float]) -> None:
        self.connections = transport.connections
        self._transport = transport
        self._limits = limits
        self._clock = clock
        self._free_at = 0.0
        self._domains: dict[str, _Domain] = {}
        self._ended = asyncio.Event()
        self._has_failed = False

    async def in_turn(
        self, messages: Iterable[Message], stop: asyncio.Event
    ) -> AsyncIterator[Message]:
        """Give each message when it may be sent; one whose domain must wait lets others by.

        Ends early once *stop* is set or the transport failed; what it has not given was not
        begun.
        """
        self._has_failed = False
        waiting: dict[str, deque[Message]] = {}
        source = iter(messages)
        room = WAITING_ROOM
        while not (stop.is_set() or self._has_failed):
            delays = {domain: self._delay(domain) for domain in waiting}
            ready = next((domain for domain, delay in delays.items() if delay <= 0), None)
            if ready is not None:
                first = waiting[ready].popleft()
                if not waiting[ready]:
                    del waiting[ready]
                room += 1
                yield first
            elif room and (message := next(source, None)) is not None:
                waiting.setdefault(_domain_of(message), deque()).append(message)
                room -= 1
            elif waiting:
                await self._pause(min(delays.values()), stop)
            else:
                return

    async def send(self, message: Message, _following: Message | None = None, /) -> Reply:
        """Hand one message over at once, and count it; the following one waits for its turn.

        Raises:
            TransportError: as the transport's own.
        """
        now = self._clock()
        domain = self._domains.setdefault(_domain_of(message), _Domain())
        domain.under_way += 1
        self._free_at = max(now, self._free_at) + _interval(self._limits.per_second)
        domain.free_at = max(now, domain.free_at) + _interval(self._limits.domain_per_second)
        try:
            return await self._transport.send(message)
        except TransportError:
            self._has_failed = True
            raise
        finally:
            domain.under_way -= 1
            self._ended.set()
            self._forget()

    def withdraw(self, message: Message) -> None:
        """Do nothing: no relay was told of it."""

    async def close(self) -> None:
        """End the transport's connections."""
        await self._transport.close()

    def _delay(self, name: str) -> float:
        """Give the seconds until a message to a domain may go; infinite until another ended."""
        now = self._clock()
        domain = self._domains.get(name, _Domain())
        at_once = self._limits.domain_at_once
        if at_once is not None and domain.under_way >= at_once:
            return math.inf
        return max(self._free_at, domain.free_at) - now

    async def _pause(self, seconds: float, stop: asyncio.Event) -> None:
        """Wait so long, but no longer than until a message ended or *stop* is set."""
        self._ended.clear()
        waits = [asyncio.create_task(event.wait()) for event in (self._ended, stop)]
        timeout = None if math.isinf(seconds) else seconds
        try:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _forget(self) -> None:
        """Drop domains that hold nobody up, once there are many."""
        if len(self._domains) > DOMAINS_KEPT:
            now = self._clock()
            self._domains = {
                name: domain
                for name, domain in self._domains.items()
                if domain.under_way or domain.free_at > now
            }


def _interval(per_second: float | None) -> float:
    return 1 / per_second if per_second else 0.0


def _domain_of(message: Message) -> str:
    return message.recipient.rpartition("@")[2].lower()
