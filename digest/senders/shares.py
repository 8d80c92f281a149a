"""What a sender is given, share after share, written to messages a few at a time."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

from digest.model import Delivery, Message
from digest.pipeline.writing import Desk

WRITTEN_AT_ONCE = 8


class Shares:
    """The messages of all shares: a `digest.deliver.send.Supply`.

    Args:
        leave_out: learns which deliveries cannot be written, or not in time; they stay claimed.
    """

    def __init__(self, desk: Desk, leave_out: Callable[[Collection[str]], None]) -> None:
        self._desk = desk
        self._leave_out = leave_out
        self._waiting: asyncio.Queue[tuple[Sequence[Delivery], float] | None] = asyncio.Queue()
        self._messages: Iterator[Message] = iter(())
        self._unwritten: set[str] = set()
        self._begin_before = 0.0
        self._is_all = False
        # Of messages that were given before their turn.
        self._ahead: dict[str, float] = {}

    def add(self, deliveries: Sequence[Delivery], begin_before: float) -> None:
        """Take a share in, nothing of which may be begun after an instant of the clock."""
        self._waiting.put_nowait((deliveries, begin_before))

    def end(self) -> None:
        """Let the shares that were added be the last ones; may be said again."""
        self._waiting.put_nowait(None)

    def at_hand(self) -> Message | None:
        """Give the next message of the share that was begun."""
        # `next` alone begins a share: what it waits for may not be taken from under it.
        message = self._written()
        if message:
            self._ahead[message.delivery_id] = self._begin_before
        return message

    async def next(self) -> Message | None:
        """Give the next message, None after the last one of the last share."""
        while (message := self._written()) is None and not self._is_all:
            self._begin(await self._waiting.get())
        return message

    def may_begin(self, message: Message) -> bool:
        """Say whether the claim of a message that was at hand before outlasts its turn."""
        # Once its claim has ended it may have come again, and gone since.
        is_in_time = time.monotonic() < self._ahead.pop(message.delivery_id, 0.0)
        if not is_in_time:
            self._leave_out([message.delivery_id])
        return is_in_time

    def _begin(self, share: tuple[Sequence[Delivery], float] | None) -> None:
        if share is None:
            self._is_all = True
            return
        deliveries, self._begin_before = share
        self._unwritten = {one.id for one in deliveries}
        self._messages = _by_a_few(self._desk.write(self._desk.load(deliveries)))

    def _written(self) -> Message | None:
        is_late = time.monotonic() >= self._begin_before
        message = None if is_late else next(self._messages, None)
        if message:
            self._unwritten.discard(message.delivery_id)
        elif self._unwritten:
            self._leave_out(self._unwritten)
            self._unwritten, self._messages = set(), iter(())
        return message


def _by_a_few(messages: Iterator[Message]) -> Iterator[Message]:
    """Give messages that are written a few at a time.

    What writing needs is then still at hand in the processor's caches, which sending clears.
    """
    while few := tuple(islice(messages, WRITTEN_AT_ONCE)):
        yield from few
