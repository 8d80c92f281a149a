"""Deliver what is due: render, hand over, record, a batch of deliveries at a time.

Many at once go through several processes where there are any: see `crew`.
"""

import asyncio
import threading
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from random import random
from typing import NamedTuple

from digest.compose.message import MessageBuilder
from digest.config import DeliverSettings
from digest.deliver.pace import Pace
from digest.deliver.send import send_all
from digest.errors import DigestError, TransportError
from digest.model import Delivery, Message
from digest.pipeline.claiming import Aftermath, Claiming, Handover, Records
from digest.pipeline.crew import Crew, Shift
from digest.pipeline.writing import Desk
from digest.protocols import Clock, Progress, Transport
from digest.store.database import Database

# From the final dot to its answer a message may take 10 minutes: RFC 5321 section 4.5.3.2.6.
LONGEST_HANDOVER = timedelta(minutes=11)


class Claimed(NamedTuple):
    """Deliveries by id, and when they were claimed."""

    at: datetime
    deliveries: Mapping[str, Delivery]


class Batch(NamedTuple):
    """Claimed deliveries by id, and their messages, some of which may still have to be built."""

    claimed_at: datetime
    deliveries: Mapping[str, Delivery]
    messages: Iterable[Message]


class Given:
    """The messages of a batch as they are asked for, and which deliveries got no attempt yet.

    What could not be rendered is passed over in the end and stays claimed: given back, it
    would be due for ever.
    """

    def __init__(self, batch: Batch) -> None:
        self.untried = set(batch.deliveries)
        self._messages = batch.messages

    def __iter__(self) -> Iterator[Message]:
        left = set(self.untried)
        for message in self._messages:
            left.discard(message.delivery_id)
            yield message
        self.untried -= left


async def deliver_due(
    database: Database,
    builder: MessageBuilder,
    transport: Transport,
    settings: DeliverSettings,
    *,
    clock: Clock,
    stop: asyncio.Event,
    subscriber_id: str | None = None,
    crew: Crew | None = None,
    aftermath: Aftermath | None = None,
    progress: Progress,
) -> Handover:
    """Hand over every delivery that is due; while one batch goes out, the next is prepared.

    Args:
        crew: processes that write and send where more than a batch is due; None = all is done
            here.  A pace and a day's allowance are kept by one process alone.
        aftermath: acts on recorded attempts, in their transaction.

    Raises:
        DigestError: the relay is unusable; what was claimed and not tried is due again.
    """
    # Held to a pace or to a day's allowance, what is claimed ahead would only grow old.
    is_ahead = settings.warmup is None and not isinstance(transport, Pace)
    claiming = Claiming(database, settings, clock, subscriber_id)
    is_cut = threading.Event()
    records = Records(database, aftermath, lambda: stop.is_set() or is_cut.is_set(), progress)
    desk = Desk(database, builder)

    def claim(most: int | None = None) -> Claimed:
        at = clock()
        return Claimed(at, {} if stop.is_set() else claiming.take(at, most))

    async def prepare() -> Batch | None:
        at, deliveries = waiting.pop() if waiting else await asyncio.to_thread(claim)
        if not deliveries:
            return None
        loaded = await asyncio.to_thread(desk.load, list(deliveries.values()))
        return Batch(at, deliveries, desk.write(loaded))

    waiting = [await asyncio.to_thread(claim)]
    is_many = len(waiting[0].deliveries) >= settings.batch
    if crew and is_ahead and is_many:
        await _by_crew(crew, waiting.pop(), claim, claiming, records, settings, stop, is_cut)
        return records.handover

    def is_fast(since: datetime) -> bool:
        return clock() - since < settings.lease / 60

    batches = _one_ahead(prepare, claiming, is_fast) if is_ahead else _one_by_one(prepare)
    try:
        async with aclosing(batches):
            async for batch in batches:
                await _hand_over(batch, transport, settings, claiming, records, clock, stop)
                if is_ahead:
                    records.begin()
                else:
                    await records.write()
    finally:
        await records.write()
    return records.handover


async def _by_crew(
    crew: Crew,
    first: Claimed,
    claim: Callable[[int], Claimed],
    claiming: Claiming,
    records: Records,
    settings: DeliverSettings,
    stop: asyncio.Event,
    is_cut: threading.Event,
) -> None:
    """Deliver by several processes, led by a thread; give back what was not tried."""
    untried: set[str] = set()

    def lead() -> None:
        with crew(settings.record_every) as senders:
            shift = Shift(
                senders,
                lambda most: list(claim(most).deliveries.values()),
                records.store,
                share=settings.batch,
                begin_within=_begin_within(settings),
                is_stopping=stop.is_set,
                is_cut=is_cut.is_set,
            )
            try:
                shift.deliver(list(first.deliveries.values()))
            finally:
                untried.update(shift.untried)

    leading = asyncio.ensure_future(asyncio.to_thread(lead))
    try:
        await asyncio.shield(leading)
    except asyncio.CancelledError:
        is_cut.set()
        with suppress(Exception):
            await leading
        raise
    finally:
        await claiming.give_back(untried)


def _begin_within(settings: DeliverSettings) -> timedelta:
    """Say how long after its claim a delivery may still be begun: the claim must outlast it."""
    return max(settings.lease - LONGEST_HANDOVER, settings.lease / 4)


async def _hand_over(
    batch: Batch,
    transport: Transport,
    settings: DeliverSettings,
    claiming: Claiming,
    records: Records,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Send a batch and record it, but for the last few attempts; give back what was not tried."""
    given = Given(batch)
    sending = send_all(
        transport,
        transport.in_turn(given, stop) if isinstance(transport, Pace) else given,
        batch.deliveries,
        give_up_after=settings.give_up_after,
        clock=clock,
        random=random,
        stop=stop,
        begin_before=batch.claimed_at + _begin_within(settings),
        retries_uncertain=settings.uncertain == "retry",
    )
    async with aclosing(sending):
        try:
            async for attempt in sending:
                records.add(attempt)
                given.untried.discard(attempt.delivery_id)
                if records.waiting >= settings.record_every:
                    await records.write()
        except TransportError:
            await records.write()
            await claiming.give_back(given.untried)
            raise
    # Only now, as nothing is in flight: what is given back may be claimed at once.
    await claiming.give_back(given.untried)


async def _one_by_one(prepare: Callable[[], Awaitable[Batch | None]]) -> AsyncGenerator[Batch]:
    while batch := await prepare():
        yield batch


async def _one_ahead(
    prepare: Callable[[], Coroutine[None, None, Batch | None]],
    claiming: Claiming,
    is_fast: Callable[[datetime], bool],
) -> AsyncGenerator[Batch]:
    """Give batches, the next one under way; what nobody takes any more is given back.

    Args:
        is_fast: says whether an eighth of a batch went out soon after its claim; where the
            relay is slow, what is claimed ahead would grow old.
    """
    following: asyncio.Task[Batch | None] | None = None

    def watched(batch: Batch) -> Iterator[Message]:
        nonlocal following
        an_eighth = max(1, len(batch.deliveries) // 8)
        for place, message in enumerate(batch.messages):
            if place == an_eighth and is_fast(batch.claimed_at):
                following = asyncio.create_task(prepare())
            yield message

    try:
        while batch := (following and await following) or await prepare():
            following = None
            yield batch._replace(messages=watched(batch))
    finally:
        # Its failure was raised above, or will come again.
        with suppress(DigestError):
            if following and (batch := await following):
                await claiming.give_back(batch.deliveries)
