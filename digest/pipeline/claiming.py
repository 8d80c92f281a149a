"""What a run takes out of the outbox, and what it writes back."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential

from digest.config import DeliverSettings
from digest.deliver.warmup import WarmUp
from digest.errors import StoreError
from digest.model import Attempt, AttemptOutcome, Delivery
from digest.protocols import Clock, Progress
from digest.store import attempts as attempt_store
from digest.store import outbox
from digest.store.database import Database, Transaction

logger = logging.getLogger(__name__)

Aftermath = Callable[[Transaction, Sequence[Attempt]], None]

# What the relay took and we cannot record would come again: better wait for the database, for as
# long as it takes.  Told to stop, or where waiting seems to mend nothing, we wait so long.
RECORD_PATIENCE = timedelta(minutes=5)
STOP_PATIENCE = timedelta(seconds=30)
LOOK_SECONDS = 0.1


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


class Claiming:
    """What this run takes out of the outbox, and what it gives back."""

    def __init__(
        self,
        database: Database,
        settings: DeliverSettings,
        clock: Clock,
        subscriber_id: str | None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._subscriber_id = subscriber_id

    def take(self, now: datetime, most: int | None = None) -> dict[str, Delivery]:
        """Claim a batch, or *most* deliveries."""
        limit = most or self._limit(now)
        if not limit:
            return {}
        with self._database.write() as connection:
            claimed = outbox.claim_due_deliveries(
                *(connection, now, self._settings.lease, limit), subscriber_id=self._subscriber_id
            )
        return {delivery.id: delivery for delivery in claimed}

    async def give_back(self, untried: Collection[str]) -> None:
        """Make due again what was claimed and is not in flight."""
        if untried:
            await asyncio.to_thread(self._release, untried)

    def _release(self, delivery_ids: Collection[str]) -> None:
        with self._database.write() as connection:
            outbox.release_deliveries(connection, delivery_ids, self._clock())

    def _limit(self, now: datetime) -> int:
        """Say how many deliveries may be claimed: a batch, or what a warm-up leaves of the day."""
        settings = self._settings
        if settings.warmup is None:
            return settings.batch
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        with self._database.read() as connection:
            first_sent_at = attempt_store.first_sent_at(connection) or now
            ended_today = attempt_store.count_attempts(connection, today)
        began_on = settings.warmup_from or first_sent_at.astimezone(UTC).date()
        allowance = WarmUp(*settings.warmup).allowance(
            day=max(0, (today.date() - began_on).days), sent_today=ended_today[AttemptOutcome.SENT]
        )
        return min(settings.batch, allowance)


class Records:
    """Finished attempts on their way into the store."""

    def __init__(
        self,
        database: Database,
        aftermath: Aftermath | None,
        is_stopping: Callable[[], bool],
        progress: Progress,
    ) -> None:
        self.handover = Handover()
        self._database = database
        self._aftermath = aftermath
        self._is_stopping = is_stopping
        self._progress = progress
        self._finished: list[Attempt] = []
        self._writing: asyncio.Task[None] | None = None
        self._under_way = 0

    @property
    def waiting(self) -> int:
        """How many are not stored yet."""
        return len(self._finished) + self._under_way

    def add(self, attempt: Attempt) -> None:
        """Take an attempt in, to be stored with others."""
        self._finished.append(attempt)

    def begin(self) -> None:
        """Begin to store what waits; `write` waits for it."""
        if self._finished and self._writing is None:
            attempts, self._finished = self._finished, []
            self._under_way = len(attempts)
            self._writing = asyncio.create_task(self._store(attempts))
            self._writing.add_done_callback(lambda _: self._forget())

    async def write(self) -> None:
        """Store what waits.

        Raises:
            StoreError: the database refused for as long as we wait; nothing waits any more.
        """
        begun, self._writing = self._writing, None
        attempts, self._finished = self._finished, []
        try:
            if begun:
                await begun
        finally:
            if attempts:
                await self._store(attempts)

    def _forget(self) -> None:
        self._under_way = 0

    async def _store(self, attempts: list[Attempt]) -> None:
        await asyncio.to_thread(self.store, attempts)

    def store(
        self, attempts: Sequence[Attempt], meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Store attempts; used by one thread at a time.

        Args:
            meanwhile: is called again and again where we wait for the database.

        Raises:
            StoreError: the database refused for as long as we wait.
        """
        _record_attempts(self._database, attempts, self._aftermath, self._is_stopping, meanwhile)
        self.handover.count(attempts)
        done = self.handover.sent + self.handover.deferred + self.handover.failed
        self._progress("deliver", done, None)


def _record_attempts(
    database: Database,
    attempts: Sequence[Attempt],
    aftermath: Aftermath | None,
    is_stopping: Callable[[], bool],
    meanwhile: Callable[[], None],
) -> None:
    """Record attempts, and try again while the database refuses."""

    def record() -> None:
        with database.write() as connection:
            outbox.record_attempts(connection, attempts)
            if aftermath:
                aftermath(connection, attempts)

    def is_enough(state: RetryCallState) -> bool:
        error = state.outcome and state.outcome.exception()
        heals = isinstance(error, StoreError) and not error.permanent
        limits = [RECORD_PATIENCE] * (not heals) + [STOP_PATIENCE] * is_stopping()
        waited = timedelta(seconds=state.seconds_since_start or 0)
        return any(waited >= limit for limit in limits)

    def wait(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            meanwhile()
            time.sleep(min(left, LOOK_SECONDS))

    try:
        record()
    except StoreError as error:
        logger.warning("attempts not recorded, trying again: %s", error)
        wait(LOOK_SECONDS)
        # Only here: what tries again takes as long to make as the attempts to store.
        trying = Retrying(
            sleep=wait,
            retry=retry_if_exception_type(StoreError),
            wait=wait_exponential(multiplier=0.1, max=10),
            stop=is_enough,
            before_sleep=_warn,
            reraise=True,
        )
        trying(record)


def _warn(state: RetryCallState) -> None:
    error = state.outcome and state.outcome.exception()
    logger.warning("attempts not recorded, trying again: tries=%d: %s", state.attempt_number, error)
