"""Deliver what is due: render, hand over, record, a batch of deliveries at a time."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import random

from tenacity import RetryCallState, retry, retry_if_exception_type, wait_exponential

from digest.compose.message import MessageBuilder
from digest.config import DeliverSettings
from digest.deliver.pace import Pace
from digest.deliver.send import send_all
from digest.deliver.warmup import WarmUp
from digest.errors import RenderError, StoreError, TransportError
from digest.model import (
    Attempt,
    AttemptOutcome,
    Delivery,
    Message,
)
from digest.protocols import Clock, Progress, Transport
from digest.store import attempts as attempt_store
from digest.store import digests as digest_store
from digest.store import outbox, subscribers
from digest.store.database import Database, Transaction

logger = logging.getLogger(__name__)

Aftermath = Callable[[Transaction, Sequence[Attempt]], None]

# What the relay took and we cannot record would come again: better wait for the database, for as
# long as it takes.  Told to stop, or where waiting seems to mend nothing, we wait so long.
RECORD_PATIENCE = timedelta(minutes=5)
STOP_PATIENCE = timedelta(seconds=30)
# From the final dot to its answer a message may take 10 minutes: RFC 5321 section 4.5.3.2.6.
LONGEST_HANDOVER = timedelta(minutes=11)


@dataclass(slots=True)
class Handover:
    """How a round of deliveries went."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0

    def count(self, attempts: Sequence[Attempt]) -> None:
        """Add finished attempts."""
        self.sent += sum(one.outcome is AttemptOutcome.SENT for one in attempts)
        self.deferred += sum(one.outcome is AttemptOutcome.DEFERRED for one in attempts)
        self.failed += sum(one.outcome is AttemptOutcome.FAILED for one in attempts)


async def deliver_due(
    database: Database,
    builder: MessageBuilder,
    transport: Transport,
    settings: DeliverSettings,
    *,
    clock: Clock,
    stop: asyncio.Event,
    subscriber_id: str | None = None,
    aftermath: Aftermath | None = None,
    progress: Progress,
) -> Handover:
    """Hand over every delivery that is due, a claimed batch at a time.

    Args:
        aftermath: acts on recorded attempts, in their transaction.

    Raises:
        TransportError: the relay is unusable; what was claimed and not tried is due again.
    """
    handover = Handover()

    async def record(attempts: list[Attempt]) -> None:
        await asyncio.to_thread(_record_attempts, database, attempts, aftermath, stop.is_set)
        handover.count(attempts)
        progress("deliver", handover.sent + handover.deferred + handover.failed, None)

    async def settle(finished: list[Attempt], untried: set[str]) -> None:
        # Only once nothing is in flight: what is given back may be claimed at once.
        await record(finished)
        given_back = untried - {attempt.delivery_id for attempt in finished}
        await asyncio.to_thread(_release, database, given_back, clock())

    while not stop.is_set():
        claimed_at = clock()
        batch = await asyncio.to_thread(
            _claim_deliveries, database, settings, claimed_at, subscriber_id
        )
        if not batch:
            break
        messages = await asyncio.to_thread(_messages, database, builder, batch)
        paced = transport.in_turn(messages, stop) if isinstance(transport, Pace) else messages
        sending = send_all(
            *(transport, paced, batch),
            give_up_after=settings.give_up_after,
            clock=clock,
            random=random,
            stop=stop,
            begin_before=claimed_at + max(settings.lease - LONGEST_HANDOVER, settings.lease / 4),
            retries_uncertain=settings.uncertain == "retry",
        )
        # What could not be rendered stays claimed: given back, it would be due for ever.
        untried = {message.delivery_id for message in messages}
        finished: list[Attempt] = []
        async with aclosing(sending):
            try:
                async for attempt in sending:
                    finished.append(attempt)
                    if len(finished) >= settings.record_every:
                        await record(finished)
                        untried -= {one.delivery_id for one in finished}
                        finished = []
            except TransportError:
                await settle(finished, untried)
                raise
        await settle(finished, untried)
    return handover


def _claim_deliveries(
    database: Database, settings: DeliverSettings, now: datetime, subscriber_id: str | None
) -> dict[str, Delivery]:
    limit = _limit(database, settings, now)
    if not limit:
        return {}
    with database.write() as connection:
        claimed = outbox.claim_due_deliveries(
            connection, now, settings.lease, limit, subscriber_id=subscriber_id
        )
    return {delivery.id: delivery for delivery in claimed}


def _limit(database: Database, settings: DeliverSettings, now: datetime) -> int:
    """Say how many deliveries may be claimed: a batch, or what a warm-up leaves of the day."""
    if settings.warmup is None:
        return settings.batch
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with database.read() as connection:
        first_sent_at = attempt_store.first_sent_at(connection) or now
        ended_today = attempt_store.count_attempts(connection, today)
    began_on = settings.warmup_from or first_sent_at.astimezone(UTC).date()
    allowance = WarmUp(*settings.warmup).allowance(
        day=max(0, (today.date() - began_on).days), sent_today=ended_today[AttemptOutcome.SENT]
    )
    return min(settings.batch, allowance)


def _messages(
    database: Database, builder: MessageBuilder, batch: Mapping[str, Delivery]
) -> list[Message]:
    """Render a claimed batch; what cannot be rendered stays claimed and is due again later."""
    digest_ids = [one.digest_id for one in batch.values() if one.digest_id]
    subscriber_ids = [one.subscriber_id for one in batch.values() if one.subscriber_id]
    with database.read() as connection:
        digests = digest_store.load_digests(connection, digest_ids)
        readers = subscribers.get_subscribers(connection, subscriber_ids)
    messages = []
    for delivery in batch.values():
        digest, reader = (
            digests.get(delivery.digest_id or ""),
            readers.get(delivery.subscriber_id or ""),
        )
        if reader is None:  # erased since the claim, and the delivery with it
            continue
        try:
            messages.append(
                builder.build(delivery, digest, reader)
                if digest
                else builder.notice(delivery, reader)
            )
        except RenderError:
            logger.exception("message not rendered: delivery=%s", delivery.id)
    return messages


def _record_attempts(
    database: Database,
    attempts: Sequence[Attempt],
    aftermath: Aftermath | None,
    is_stopping: Callable[[], bool],
) -> None:
    """Record attempts, and try again while the database refuses."""

    def is_enough(state: RetryCallState) -> bool:
        error = state.outcome and state.outcome.exception()
        heals = isinstance(error, StoreError) and not error.permanent
        limits = [RECORD_PATIENCE] * (not heals) + [STOP_PATIENCE] * is_stopping()
        waited = timedelta(seconds=state.seconds_since_start or 0)
        return any(waited >= limit for limit in limits)

    @retry(
        retry=retry_if_exception_type(StoreError),
        wait=wait_exponential(multiplier=0.1, max=10),
        stop=is_enough,
        before_sleep=_warn,
        reraise=True,
    )
    def record() -> None:
        with database.write() as connection:
            outbox.record_attempts(connection, attempts)
            if aftermath:
                aftermath(connection, attempts)

    if attempts:
        record()


def _warn(state: RetryCallState) -> None:
    error = state.outcome and state.outcome.exception()
    logger.warning("attempts not recorded, trying again: tries=%d: %s", state.attempt_number, error)


def _release(database: Database, delivery_ids: Collection[str], now: datetime) -> None:
    if not delivery_ids:
        return
    with database.write() as connection:
        outbox.release_deliveries(connection, delivery_ids, now)
