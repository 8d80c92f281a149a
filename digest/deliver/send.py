"""Hands a batch of messages over, several at once, and judges each reply.

Knows no protocol and no database: a transport takes the messages, the caller records the
attempts.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from digest.deliver.retry import Cause, cause_of, decide
from digest.model import Attempt, AttemptOutcome, Delivery, Message
from digest.protocols import Transport

logger = logging.getLogger(__name__)

CANCEL_AGAIN_SECONDS = 0.5


class Supply(Protocol):
    """Messages, one after another, for several takers."""

    def at_hand(self) -> Message | None:
        """Give the next message if nobody has to wait for it."""

    async def next(self) -> Message | None:
        """Give the next message, None after the last; asked by one taker at a time."""

    def may_begin(self, message: Message, /) -> bool:
        """Say whether a message that was given a while ago may be begun still."""

    def end(self) -> None:
        """Let nobody wait for a message any more: the run breaks off."""


async def send_all(
    transport: Transport,
    messages: Supply | AsyncIterable[Message] | Iterable[Message],
    deliveries: Mapping[str, Delivery],
    *,
    give_up_after: timedelta,
    clock: Callable[[], datetime],
    random: Callable[[], float],
    stop: asyncio.Event,
    begin_before: datetime | None = None,
    retries_uncertain: bool = True,
) -> AsyncGenerator[Attempt, None]:
    """Hand messages over as `send_each` does, and yield attempts as they finish.

    At most `transport.connections` are at any time begun but not yet yielded.  A caller that
    leaves early must close the iterator and release nothing: what was in flight may have been
    taken, and comes back when its lease ends.

    Raises:
        TransportError: as `send_each`, after the last attempt was yielded.
    """
    finished: asyncio.Queue[Attempt | None] = asyncio.Queue()
    # A place is free again once its attempt is with the caller: a slow recorder slows us down.
    places = asyncio.Semaphore(transport.connections)
    sending = asyncio.create_task(
        send_each(
            transport,
            messages,
            deliveries,
            finished.put_nowait,
            places,
            give_up_after=give_up_after,
            clock=clock,
            random=random,
            stop=stop,
            begin_before=begin_before,
            retries_uncertain=retries_uncertain,
        )
    )
    sending.add_done_callback(lambda _: finished.put_nowait(None))
    try:
        while attempt := await finished.get():
            places.release()
            yield attempt
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        error = None if sending.cancelled() else sending.exception()
    if error:
        raise error


async def send_each(
    transport: Transport,
    messages: Supply | AsyncIterable[Message] | Iterable[Message],
    deliveries: Mapping[str, Delivery],
    finished: Callable[[Attempt], None],
    places: asyncio.Semaphore,
    *,
    give_up_after: timedelta,
    clock: Callable[[], datetime],
    random: Callable[[], float],
    stop: asyncio.Event,
    begin_before: datetime | None = None,
    retries_uncertain: bool = True,
) -> None:
    """Hand messages over, `transport.connections` at once, and tell of each attempt.

    The caller records every attempt.  When this has ended, by itself or by an error that it
    raised, the caller *releases* every delivery of the batch that got no attempt (makes it
    due again, the claimed try not counted): those were not begun, because *stop* was set or the
    run broke off.  Where it was cancelled, nothing is released: what was in flight may have been
    taken, and comes back when its lease ends.

    As many messages as connections may be taken from *messages* before their turn, where they
    are at hand: a relay can be told of them ahead.

    Args:
        deliveries: by id, for every message by the time it is given.
        finished: is told of every attempt.
        places: one is acquired for each message that is begun, of no fewer than connections;
            the caller releases it when it will.
        clock: the instant of now, aware.
        random: 0.0 to 1.0, spreads the next attempts.
        stop: once set, nothing new is begun; what is in flight is finished.
        begin_before: nothing is begun from then on: the claim would not outlast it.
        retries_uncertain: as `decide` has it.

    Raises:
        TransportError: the relay as a whole is unusable.  It, and any error of *messages*, is
            raised after the last attempt of the messages in flight was told of.
    """
    supply = _supply_of(messages)
    pulling = asyncio.Lock()
    broken = asyncio.Event()

    def is_over() -> bool:
        too_late = begin_before is not None and clock() >= begin_before
        return too_late or stop.is_set() or broken.is_set()

    async def next_message() -> Message | None:
        async with pulling:
            message = None if is_over() else await supply.next()
        # Pulling takes time, in which the run may have ended.
        return None if is_over() else message

    async def send_in_turn() -> None:
        following: Message | None = None
        try:
            while True:
                await places.acquire()
                if following and (is_over() or not supply.may_begin(following)):
                    transport.withdraw(following)
                    following = None
                message = following or await next_message()
                if message is None:
                    return
                delivery, following = deliveries[message.delivery_id], supply.at_hand()
                reply = await transport.send(message, following)
                attempt = decide(
                    delivery,
                    reply,
                    now=clock(),
                    give_up_after=give_up_after,
                    jitter=random(),
                    retries_uncertain=retries_uncertain,
                )
                _log(attempt)
                finished(attempt)
        except BaseException:
            broken.set()
            # It may wait for attempts that there will not be.
            supply.end()
            raise
        finally:
            if following:
                transport.withdraw(following)

    await _all_of([asyncio.create_task(send_in_turn()) for _ in range(transport.connections)])


async def _all_of(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for tasks; an error of theirs is raised when all have ended."""
    try:
        await asyncio.wait(tasks)
    finally:
        while pending := [task for task in tasks if not task.done()]:
            for task in pending:
                task.cancel()
            # Told again: asyncio.wait_for of Python 3.11 may swallow it, in who connects.
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
        endings = await asyncio.gather(*tasks, return_exceptions=True)
    for ending in endings:
        if ending:
            raise ending


def _supply_of(messages: Supply | AsyncIterable[Message] | Iterable[Message]) -> Supply:
    if isinstance(messages, AsyncIterable):
        return _Awaited(messages)
    return _Ready(messages) if isinstance(messages, Iterable) else messages


class _Ready:
    """Messages that are waited for by nobody; an error of theirs is raised by `next`."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = iter(messages)
        self._error: Exception | None = None

    def at_hand(self) -> Message | None:
        try:
            return next(self._messages, None)
        except Exception as error:  # noqa: BLE001 - raised as soon as nothing is in flight
            self._error = error
            return None

    async def next(self) -> Message | None:
        message = self.at_hand()
        if self._error:
            raise self._error
        return message

    def may_begin(self, _message: Message, /) -> bool:
        return True

    def end(self) -> None:
        pass


class _Awaited:
    """Messages each of which comes at its own time."""

    def __init__(self, messages: AsyncIterable[Message]) -> None:
        self._messages = aiter(messages)

    def at_hand(self) -> Message | None:
        return None

    async def next(self) -> Message | None:
        return await anext(self._messages, None)

    def may_begin(self, _message: Message, /) -> bool:
        return True

    def end(self) -> None:
        pass


def _log(attempt: Attempt) -> None:
    if attempt.outcome is AttemptOutcome.SENT:
        return
    cause = cause_of(attempt.reply)
    level = logging.INFO
    if attempt.outcome is AttemptOutcome.FAILED:
        # A policy refusal is ours to mend (SPF, DKIM, reputation) and will meet other readers.
        level = logging.ERROR if cause is Cause.POLICY else logging.WARNING
    # Without the reply's text: servers like to repeat the address in it.
    logger.log(
        level,
        "delivery %s: delivery=%s code=%d cause=%s relay=%s",
        attempt.outcome.value,
        attempt.delivery_id,
        attempt.reply.code,
        cause.value,
        attempt.reply.relay,
    )
