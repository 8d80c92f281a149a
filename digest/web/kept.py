"""Keeps what many visitors ask for, so that none of them waits for it to be made anew."""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

# Public pages change when a source was read; so long nobody makes them anew.
FRESH_SECONDS = 20.0
# An older one is shown once more while it is made anew; not one of this age.
STALE_SECONDS = 120.0
MOST = 1024


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Value]):
    value: Value
    made_at: float


class Kept(Generic[Value]):
    """Holds values by key, each made in a thread, by one request for all that wait.

    Args:
        fresh: seconds for which a value is given as it is.
        stale: seconds for which it is given while another thread makes it anew.
        monotonic: what age is measured with, in seconds.
    """

    def __init__(
        self,
        *,
        fresh: float = FRESH_SECONDS,
        stale: float = STALE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fresh, self._stale = fresh, stale
        self._monotonic = monotonic
        self._kept: dict[Hashable, _Kept[Value]] = {}
        self._made: dict[Hashable, asyncio.Task[Value]] = {}

    async def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Give a value; it is made where there is none that is young enough.

        Raises:
            whatever *make* raises, if no older value stands in for it.
        """
        kept = self._kept.get(key)
        age = self._monotonic() - kept.made_at if kept else self._stale
        if kept and age < self._fresh:
            return kept.value
        making = self._made.get(key)
        if making is None:
            making = asyncio.create_task(self._make(key, make))
            self._made[key] = making
            making.add_done_callback(lambda _: self._made.pop(key, None))
        if kept and age < self._stale:
            # Looked at, so that nobody complains that a failure went unseen: it is met again.
            making.add_done_callback(lambda task: task.cancelled() or task.exception())
            return kept.value
        # Whoever goes away must not end what others wait for.
        return await asyncio.shield(making)

    async def _make(self, key: Hashable, make: Callable[[], Value]) -> Value:
        value = await asyncio.to_thread(make)
        self._kept.pop(key, None)
        if len(self._kept) >= MOST:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = _Kept(value, self._monotonic())
        return value
