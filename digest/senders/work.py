"""Their side: run after run, write what is given, send it, and say how it went."""

import asyncio
import contextlib
import gc
import logging
import os
import socket
import time
from collections.abc import Collection
from datetime import UTC, datetime
from random import random

from digest.compose.message import MessageBuilder
from digest.config import Settings, web_keys
from digest.deliver.send import send_each
from digest.errors import DigestError
from digest.links import Links
from digest.model import Attempt, Delivery
from digest.pipeline.crew import Report
from digest.pipeline.writing import Desk
from digest.protocols import Transport
from digest.render import Templates
from digest.senders.frames import Begin, Ended, Finish, Give, Order, Recorded, frame, get
from digest.senders.shares import Shares
from digest.store.database import Database
from digest.transports import leaving_of, transport_of

logger = logging.getLogger(__name__)

# What waits for others to be reported with it waits no longer than this: each report costs us a
# transaction.
REPORT_SECONDS = 0.25


def builder_of(settings: Settings) -> MessageBuilder:
    """Make what writes the messages of an installation.

    Raises:
        ConfigError: a key cannot be read, or the subject pattern is none.
    """
    web = settings.web
    links = Links(web.base_url, web_keys(web)) if web.base_url else None
    templates = Templates(settings.mail.templates)
    return MessageBuilder(settings.mail, templates, links, leaving_of(settings))


def collect_rarely() -> None:
    """Let Python look for cycles a hundred times less often.

    A run keeps what its mails share and drops the rest by reference count; looking through
    all of it for cycles, of which there are few, took a third of its time.
    """
    gc.set_threshold(70_000, 20, 20)


def work(descriptor: str) -> None:
    """Be the process: run after run, until the other end of the connection is closed."""
    collect_rarely()
    asyncio.run(_work(socket.socket(fileno=int(descriptor))))


async def _work(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    settings: Settings = await get(reader)
    desk: Desk | None = None
    run: _Run | None = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            order: Order = await get(reader)
            if isinstance(order, Begin):
                desk = desk or Desk(Database(settings.database.url), builder_of(settings))
                run = _Run(settings, desk, writer, order.unrecorded)
            elif run:
                run.take(order)
    if run and not run.has_ended:
        # Nobody is there to record: what goes on now would be sent again.
        os._exit(1)


class _Run:
    """One run in a sender's own process."""

    def __init__(
        self, settings: Settings, desk: Desk, writer: asyncio.StreamWriter, unrecorded: int
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._most = unrecorded
        self._places = asyncio.Semaphore(unrecorded)
        self._attempts: list[Attempt] = []
        self._left_out: list[str] = []
        self._deliveries: dict[str, Delivery] = {}
        self._shares = Shares(desk, self._leave_out)
        self._stop = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task = asyncio.create_task(self._send())

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    def take(self, order: Order) -> None:
        """Do as told."""
        match order:
            case Give(deliveries, seconds):
                self._deliveries |= {one.id: one for one in deliveries}
                self._shares.add(deliveries, time.monotonic() + seconds)
            case Recorded(attempts):
                for _ in range(attempts):
                    self._places.release()
            case Finish(at_once):
                if at_once:
                    self._stop.set()
                self._shares.end()

    async def _send(self) -> None:
        try:
            transport = transport_of(self._settings)
            try:
                await self._send_all(transport)
            finally:
                await transport.close()
            error = None
        except DigestError as raised:
            error = raised
        except Exception:
            logger.exception("sender: error of ours")
            os._exit(1)  # its end is noticed, and what it holds comes back
        self._report()
        self._writer.write(frame(Ended(error)))

    async def _send_all(self, transport: Transport) -> None:
        deliver = self._settings.deliver
        # What is in flight, and what was and is not recorded, share one bound.  Half of it is
        # reported at a time: with the other half they go on while that is recorded.
        for _ in range(transport.connections):
            self._places.release()
        enough = max(1, (self._most + transport.connections) // 2)

        def finished(attempt: Attempt) -> None:
            del self._deliveries[attempt.delivery_id]
            self._attempts.append(attempt)
            if len(self._attempts) >= enough:
                self._report()
            else:
                self._report_soon()

        try:
            await send_each(
                transport,
                self._shares,
                self._deliveries,
                finished,
                self._places,
                give_up_after=deliver.give_up_after,
                clock=_now,
                random=random,
                stop=self._stop,
                retries_uncertain=deliver.uncertain == "retry",
            )
        finally:
            self._report()

    def _leave_out(self, delivery_ids: Collection[str]) -> None:
        self._left_out += delivery_ids
        self._report_soon()

    def _report_soon(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(REPORT_SECONDS, self._report)

    def _report(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._attempts or self._left_out:
            self._writer.write(frame(Report(self._attempts, self._left_out)))
            self._attempts, self._left_out = [], []


def _now() -> datetime:
    return datetime.now(UTC)
