"""Deliver by several processes: claimed here, written and sent there, recorded here again.

One process alone claims and records, as one writer to SQLite is the rule.  What the others may
have sent and not yet seen recorded is bounded, so a kill doubles no more than it does with one.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import timedelta
from typing import NamedTuple, Protocol

from digest.errors import DigestError, TransportError
from digest.model import Attempt, Delivery
from digest.pipeline.claiming import Records


class SenderDiedError(TransportError):
    """A sender's process ended; nobody knows what it sent after its last report."""


class Report(NamedTuple):
    """What a sender did since its last report.

    Attributes:
        left_out: deliveries whose message cannot be written; they stay claimed.
    """

    attempts: Sequence[Attempt]
    left_out: Collection[str] = ()


class Sender(Protocol):
    """One process that writes messages and hands them over."""

    async def give(self, deliveries: Sequence[Delivery], begin_within: timedelta) -> None:
        """Give it deliveries; it begins none of them later than so long from now."""

    def reports(self) -> AsyncIterator[Report]:
        """Give its reports, until it has ended.

        Raises:
            SenderDiedError: its process ended.
            DigestError: why it ended early; the reports before it hold all that it sent.
        """

    async def acknowledge(self, attempts: int) -> None:
        """Tell that so many more of its attempts are recorded."""

    async def finish(self, *, at_once: bool) -> None:
        """Tell it to end when it has sent what it was given; or, *at_once*, to begin no more."""


Crew = Callable[[int], AbstractAsyncContextManager[Sequence[Sender]]]
"""Puts senders to work: so many attempts, and one a connection, may be begun and not recorded."""

Claim = Callable[[int], Awaitable[Sequence[Delivery]]]
"""Claims at most so many deliveries."""


class Shift:
    """One run by several senders.

    Args:
        claim: gives what else is due; nothing once it is all.
        share: deliveries given to a sender at a time.
        begin_within: from its claim a delivery may wait so long for its turn.
    """

    def __init__(
        self,
        senders: Sequence[Sender],
        claim: Claim,
        records: Records,
        *,
        share: int,
        begin_within: timedelta,
    ) -> None:
        self.untried: set[str] = set()
        self._held: dict[Sender, set[str]] = {sender: set() for sender in senders}
        self._claim = claim
        self._records = records
        self._share = share
        self._begin_within = begin_within
        self._claiming = asyncio.Lock()
        self._reports: asyncio.Queue[tuple[Sender, Report]] = asyncio.Queue()
        self._failure: DigestError | None = None

    async def deliver(self, first: Sequence[Delivery], stop: asyncio.Event) -> None:
        """Deliver what is claimed already, then what else is due.

        Afterwards `untried` holds what was claimed and not begun.

        Raises:
            DigestError: the relay is unusable, or a sender died; what could be recorded is.
            StoreError: attempts could not be recorded.
        """
        waiting = [first[at : at + self._share] for at in range(0, len(first), self._share)]
        try:
            async with asyncio.TaskGroup() as tasks:
                recording = tasks.create_task(self._record())
                stopping = tasks.create_task(self._stop_with(stop))
                following = [
                    tasks.create_task(self._follow(sender, waiting)) for sender in self._held
                ]
                await asyncio.wait(following)
                stopping.cancel()
                await self._reports.join()
                recording.cancel()
        except* DigestError as group:
            raise group.exceptions[0] from group
        finally:
            self.untried |= {one.id for share in waiting for one in share}
        if self._failure:
            raise self._failure

    async def _follow(self, sender: Sender, waiting: list[Sequence[Delivery]]) -> None:
        """Keep a sender busy, and take its reports in."""
        held = self._held[sender]
        is_supplied = await self._supply(sender, waiting)
        has_died = False
        try:
            async for report in sender.reports():
                held.difference_update([one.delivery_id for one in report.attempts])
                held.difference_update(report.left_out)
                self._reports.put_nowait((sender, report))
                if is_supplied and len(held) <= self._share // 2:
                    is_supplied = await self._supply(sender, waiting)
        except DigestError as error:
            self._failure = self._failure or error
            has_died = isinstance(error, SenderDiedError)
            await self._finish_all()
        # Only of a sender that has ended by itself do we know: what another one holds it may be
        # sending at this moment, so that comes back when its lease ends.
        if not has_died:
            self.untried |= held

    async def _supply(self, sender: Sender, waiting: list[Sequence[Delivery]]) -> bool:
        """Give a sender its next share, or tell it that there is no more.

        Where nothing more can be claimed, what it holds is sent and recorded all the same.

        Returns:
            False once it was told: it takes no more, so nothing is to be claimed for it.
        """
        share: Sequence[Delivery] = ()
        async with self._claiming:
            with self._noted():
                if not self._failure:
                    share = waiting.pop(0) if waiting else await self._claim(self._share)
        if share:
            self._held[sender].update(one.id for one in share)
            await sender.give(share, self._begin_within)
        else:
            await sender.finish(at_once=False)
        return bool(share)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Remember a failure, to raise it when everybody has ended."""
        try:
            yield
        except DigestError as error:
            self._failure = self._failure or error

    async def _record(self) -> None:
        """Record what is reported, all that waits in one transaction."""
        while True:
            taken = [await self._reports.get()]
            taken += [self._reports.get_nowait() for _ in range(self._reports.qsize())]
            for _, one in taken:
                for attempt in one.attempts:
                    self._records.add(attempt)
            await self._records.write()
            for sender, one in taken:
                self._reports.task_done()
                await sender.acknowledge(len(one.attempts))

    async def _stop_with(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await self._finish_all()

    async def _finish_all(self) -> None:
        for sender in self._held:
            await sender.finish(at_once=True)
