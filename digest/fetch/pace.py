"""Turns at a host: one request at a time, and as far apart as the host asks for."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta


class Pace:
    """Gives out the turns.

    Args:
        spacing: shortest time between the starts of two requests, by domain; it holds for
            all hosts of the domain together.  Hosts elsewhere only wait for each other.
        sleep: how waits are spent.
        monotonic: what time is measured with, in seconds.
    """

    def __init__(
        self,
        spacing: Mapping[str, timedelta],
        *,
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._spacing = spacing
        self._sleep = sleep
        self._monotonic = monotonic
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait until this host may be asked, and keep others from asking meanwhile."""
        domain = next((d for d in self._spacing if host == d or host.endswith(f".{d}")), None)
        state = self._hosts[domain or host]
        async with state.lock:
            wait = state.free_at - self._monotonic()
            if wait > 0:
                await self._sleep(wait)
            if domain:
                state.free_at = self._monotonic() + self._spacing[domain].total_seconds()
            yield


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
