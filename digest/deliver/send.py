"""Hands a batch of messages over, several at once, and judges each reply.

Knows no protocol and no database: a transport takes the messages, the caller records the
attempts.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta

from digest.deliver.retry import Cause, cause_of, decide
from digest.model import Attempt, AttemptOutcome, Delivery, Message
from digest.protocols import Transport

logger = logging.getLogger(__name__)


async def send_all(
    transport: Transport,
    messages: AsyncIterable[Message] | Iterable[Message],
    deliveries: Mapping[str, Delivery],
    *,
    give_up_after: timedelta,
    clock: Callable[[], datetime],
    random: Callable[[], float],
    stop: asyncio.Event,
    begin_before: datetime | None = None,
    retries_uncertain: bool = True,
    places: asyncio.Semaphore | None = None,
) -> AsyncGenerator[Attempt, None]:
    """Hand messages over, `transport.connections` at once, and yield attempts as they finish.

    The caller records every attempt.  When the iterator has ended, by itself or by an error that
    it raised, the caller *releases* every delivery of the batch that got no attempt (makes it
    due again, the claimed try not counted): those were not begun, because *stop* was set or the
    run broke off.  A caller that leaves early must close the iterator and release nothing:
    what was in flight may have been taken, and comes back when its lease ends.

    Messages are taken from *messages* only as they are begun, and at most
    `transport.connections` are at any time begun but not yet yielded; or, where the caller
    gives *places*, begun and their place not yet released by the caller.

    Args:
        deliveries: by id, for every message by the time it is given.
        clock: the instant of now, aware.
        random: 0.0 to 1.0, spreads the next attempts.
        stop: once set, nothing new is begun; what is in flight is finished and yielded.
        begin_before: nothing is begun from then on: the claim would not outlast it.
        retries_uncertain: as `decide` has it.
        places: one is acquired for each message that is begun; None = as many as connections.

    Raises:
        TransportError: the relay as a whole is unusable.  It, and any error of *messages*, is
            raised after the last attempt of the messages in flight was yielded.
    """
    pull = _puller(messages)
    pulling = asyncio.Lock()
    # A place is free again once its attempt is with the caller: a slow recorder slows us down.
    free = places or asyncio.Semaphore(transport.connections)
    broken = asyncio.Event()

    def is_over() -> bool:
        too_late = begin_before is not None and clock() >= begin_before
        return too_late or stop.is_set() or broken.is_set()

    async def next_message() -> Message | None:
        await free.acquire()
        async with pulling:
            message = None if is_over() else await pull()
        # Pulling takes time, in which the run may have ended.
        return None if is_over() else message

    async def send_next() -> Attempt | None:
        message = await next_message()
        if message is None:
            return None
        delivery = deliveries[message.delivery_id]
        reply = await transport.send(message)
        return decide(
            delivery,
            reply,
            now=clock(),
            give_up_after=give_up_after,
            jitter=random(),
            retries_uncertain=retries_uncertain,
        )

    attempts = _until_none(send_next, workers=transport.connections, broken=broken)
    async with aclosing(attempts):
        async for attempt in attempts:
            _log(attempt)
            if places is None:
                free.release()
            yield attempt


async def _until_none(
    work: Callable[[], Awaitable[Attempt | None]], *, workers: int, broken: asyncio.Event
) -> AsyncGenerator[Attempt, None]:
    """Repeat a piece of work by several workers, each until it gives None or fails.

    Args:
        broken: set as soon as one fails; its error is raised after the others have ended.
    """
    finished: asyncio.Queue[Attempt | None] = asyncio.Queue()

    async def repeat() -> None:
        try:
            while (attempt := await work()) is not None:
                finished.put_nowait(attempt)
        except BaseException:
            broken.set()
            raise
        finally:
            finished.put_nowait(None)

    tasks = [asyncio.create_task(repeat()) for _ in range(workers)]
    try:
        running = workers
        while running:
            if (attempt := await finished.get()) is None:
                running -= 1
            else:
                yield attempt
    finally:
        for task in tasks:
            task.cancel()
        endings = await asyncio.gather(*tasks, return_exceptions=True)
    for ending in endings:
        if ending is not None:
            raise ending


def _puller(
    messages: AsyncIterable[Message] | Iterable[Message],
) -> Callable[[], Awaitable[Message | None]]:
    """Give a function that takes the next message, None after the last."""
    if isinstance(messages, AsyncIterable):
        waiting = aiter(messages)

        async def pull_waiting() -> Message | None:
            return await anext(waiting, None)

        return pull_waiting
    ready = iter(messages)

    async def pull_ready() -> Message | None:
        return next(ready, None)

    return pull_ready


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
