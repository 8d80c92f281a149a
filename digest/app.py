"""The composition root: settings in, working parts out.

With transports.py the only file that knows every concrete class and chooses between engines.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial, wraps
from zoneinfo import ZoneInfo

from digest.compose.message import MessageBuilder
from digest.config import (
    SOFT_LIMIT,
    Settings,
    SubscriberSettings,
    admin_token,
    web_keys,
)
from digest.errors import ConfigError, DigestError
from digest.fetch.bibliography import read_library
from digest.fetch.examples import example, wanted_keys
from digest.fetch.fetcher import ListingFetcher
from digest.fetch.http import Http
from digest.fetch.sandbox import Sandbox
from digest.links import Links
from digest.model import Digest, Subscriber, Validators, new_id
from digest.pipeline.claiming import Handover
from digest.pipeline.composing import (
    Composer,
    compose,
    compose_due,
    read_candidates,
    readers_by_id,
    record_digests,
)
from digest.pipeline.delivering import deliver_due
from digest.pipeline.fetching import Check, fetch_due, try_sources
from digest.pipeline.returning import ReturnDesk, Suppressor, read_returns
from digest.protocols import Clock, Fetcher, Progress, Transport
from digest.rankers import CurrentRanker
from digest.render import Templates
from digest.schedule.clock import first_digest_at
from digest.senders.processes import Senders
from digest.senders.work import collect_rarely
from digest.service import Job, Notifier, run_service, stop_on_signals
from digest.store import items, membership, outbox, recovery, sources, subscribers, tallies, words
from digest.store.database import Database
from digest.store.recovery import Claims
from digest.store.subscriber_rows import address_key
from digest.transports import leaving_of, mailbox_of, return_paths_of, transport_of

logger = logging.getLogger(__name__)

# How often a running service looks for claims of others that died.
RECOVER_EVERY = timedelta(minutes=10)
# Those who left are kept for weeks: an hour more or less is nothing.
FORGET_EVERY = timedelta(hours=1)

# While another process reads a source, it is asked again after so many seconds.
LOOK_AGAIN = 0.2
# Of a day that has passed, the last count stands for the whole.
TALLY_EVERY = timedelta(minutes=10)


# A visitor's library of 200 kB takes a tenth of it.
FORM_CPU_LIMIT = timedelta(seconds=3)
# A thumbnail that is larger, or slower, is not shown.
PICTURE_BYTES, PICTURE_TIME_LIMIT = 512 * 1024, timedelta(seconds=8)
# How long one thread of the service may keep others from running.
SWITCH_SECONDS = 0.0005


def utc_now() -> datetime:
    """Give the present instant, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did: for `digest run` and whoever reads its output."""

    checks: list[Check]
    digests: list[Digest]
    handover: Handover


class App:
    """One installation, its database open.

    Args:
        settings: checked settings.
        clock: gives the present instant; tests and the demo pass their own.

    Raises:
        ConfigError: a secret file cannot be read.
        StoreError: the database cannot be opened or is of another schema.
    """

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database.url)
        self.composer = Composer(
            ranker=CurrentRanker(
                self.database, settings, clock, partial(readers_by_id, self.database)
            ),
            digest=settings.digest,
            mail=settings.mail,
        )
        self.templates = Templates(settings.mail.templates)
        base_url, keys = settings.web.base_url, web_keys(settings.web)
        self.links = Links(base_url, keys) if base_url else None
        self._hasher = Links("", keys) if keys else None
        self.kept_away: list[str] = []
        self.builder = MessageBuilder(
            settings.mail, self.templates, self.links, leaving_of(settings)
        )
        self.senders = Senders(settings) if settings.deliver.senders else None
        self.suppressor = Suppressor(
            hashed=(lambda address: self.hashes(address)[0]) if keys else None,
            soft_limit=settings.bounces.soft_limit if settings.bounces else SOFT_LIMIT,
        )

    def open(self) -> None:
        """Make a new database ready, refuse an old one, and bring the settings file in.

        Raises:
            StoreError: out of reach, or of another schema version.
        """
        collect_rarely()
        if self.database.is_empty():
            self.database.upgrade()
        self.database.check_schema()
        self.store_settings()

    def store_settings(self) -> None:
        """Bring the sources and subscribers of the settings file into the store."""
        now = self.clock()
        with self.database.write() as connection:
            sources.save_sources(
                connection, [source.source() for source in self.settings.sources], now
            )
            self.kept_away = subscribers.save_config_subscribers(
                connection,
                [self._subscriber(one, now) for one in self.settings.subscribers],
                now,
                self.hashes if self.settings.has_key else None,
            )

    def _subscriber(self, one: SubscriberSettings, now: datetime) -> Subscriber:
        schedule = one.schedule(self.settings.digest)
        return one.subscriber(
            self.settings.digest,
            subscriber_id=new_id(now),
            next_digest_at=first_digest_at(schedule, now),
            config_owned=True,
        )

    @asynccontextmanager
    async def fetcher(self) -> AsyncIterator[Fetcher]:
        """Hold the HTTP client and the parsers' child process open."""
        limit_bytes = self.settings.fetch.body_limit_mb * 1024 * 1024
        contact = self.settings.service.contact
        async with (
            Http(contact=contact, body_limit_bytes=limit_bytes) as http,
            Sandbox() as sandbox,
        ):
            yield ListingFetcher(http, sandbox, self.clock)

    @asynccontextmanager
    async def transport(self) -> AsyncIterator[Transport]:
        """Hold what delivers open: the connections to the relay, the processes that send."""
        transport = transport_of(self.settings)
        try:
            yield transport
        finally:
            await transport.close()
            if self.senders:
                await asyncio.to_thread(self.senders.close)

    async def fetch(
        self, names: Sequence[str], *, dry_run: bool, progress: Progress
    ) -> list[Check]:
        """Check the named sources now; with *dry_run* nothing is stored."""
        async with self.fetcher() as fetcher:
            if dry_run:
                return await try_sources(
                    self.database, fetcher, names, clock=self.clock, progress=progress
                )
            return await fetch_due(
                self.database, fetcher, clock=self.clock, names=names, progress=progress
            )

    def recover(self) -> None:
        """Make due again what dead workers hold, and what a wrong clock put out of reach."""
        with self.database.write() as connection:
            freed = recovery.recover(connection, self.clock())
        if freed:
            logger.warning("claims of dead workers freed: rows=%d", freed)

    def index_words(self) -> None:
        """Let the search find what an older program stored."""
        while True:
            with self.database.write() as connection:
                if not words.index_missing(connection):
                    return

    def read_returns(self) -> None:
        """Act on the mail that came back, where a mailbox for it is set up."""
        bounces, paths = self.settings.bounces, return_paths_of(self.settings)
        if bounces and paths:
            desk = ReturnDesk(mailbox=mailbox_of(bounces), paths=paths, suppressor=self.suppressor)
            read_returns(self.database, desk, self.clock())

    def hashes(self, address: str) -> tuple[str, ...]:
        """Give the hashes under which an address is remembered, the newest key's first.

        Raises:
            ConfigError: there is no key.
        """
        if self._hasher is None:
            raise ConfigError(
                "web.secret_key: needed to remember addresses by their hash,"
                ' make one with "openssl rand -base64 32"'
            )
        return self._hasher.hashes(address_key(address))

    async def run_round(self, *, progress: Progress) -> Round:
        """Fetch, compose and deliver whatever is due, once; SIGTERM ends it in good order."""
        self.recover()
        self.warn_of_kept_away()
        with stop_on_signals() as stop:
            async with self.fetcher() as fetcher:
                checks = await fetch_due(
                    self.database, fetcher, clock=self.clock, progress=progress
                )
            await asyncio.to_thread(self.read_returns)
            await self._sources_read(stop)
            digests = await self._compose(stop, progress)
            async with self.transport() as transport:
                due = await asyncio.to_thread(self._due)
                handover = await self._deliver(
                    transport, stop, lambda stage, done, _: progress(stage, done, max(due, done))
                )
            await asyncio.to_thread(self.tally)
            await asyncio.to_thread(self.forget)
        return Round(checks=checks, digests=digests, handover=handover)

    async def send_now(
        self, subscriber: Subscriber, digest: Digest, *, progress: Progress
    ) -> Handover:
        """Record a digest and hand it over; nothing is sent if its edition already was.

        Raises:
            DigestError: the subscriber already had a digest of this edition.
        """
        now = self.clock()
        if not record_digests(self.database, self.composer, [digest], [subscriber], now):
            raise DigestError(f"digest {digest.edition}: already composed for this subscriber")
        with stop_on_signals() as stop:
            async with self.transport() as transport:
                return await self._deliver(transport, stop, progress, subscriber.id)

    def digest_now(self, subscriber: Subscriber) -> Digest:
        """Compose a subscriber's digest of this moment, whatever its hour; nothing is stored."""
        now = self.clock()
        candidates = read_candidates(self.database, self.composer, now)
        editions = {subscriber.id: self.today(subscriber)}
        [digest] = compose(self.database, self.composer, candidates, [subscriber], editions, now)
        return digest

    def today(self, subscriber: Subscriber) -> date:
        """Give the local day of a subscriber: the edition of a digest made by hand."""
        return self.clock().astimezone(ZoneInfo(subscriber.schedule.timezone)).date()

    async def serve_pages(self) -> None:
        """Answer readers until told to stop; the jobs run in a process of their own.

        Raises:
            ConfigError: there are no pages.
        """
        if self.links is None:
            raise ConfigError("web.base_url: there are no pages without one")
        self.templates.load_own()
        stop = asyncio.Event()
        async with self._web(stop):
            await run_service(
                {},
                stop=stop,
                stop_within=self.settings.service.stop_within,
                notifier=Notifier.from_environment(os.environ),
            )

    async def serve(self, *, has_pages: bool = True) -> None:
        """Run until told to stop: sources at their interval, digests at their hour."""
        stop, recovered, sources_read = asyncio.Event(), asyncio.Event(), asyncio.Event()
        is_first = True
        # A broken one is told at once, not when a mail needs it.
        self.templates.load_own()
        # Pages wait for the interpreter's lock behind the jobs: they get it ten times sooner.
        sys.setswitchinterval(SWITCH_SECONDS)
        web = self._web(stop) if has_pages else nullcontext()
        async with self.fetcher() as fetcher, self.transport() as transport, web:

            async def recover() -> None:
                try:
                    await asyncio.to_thread(self.recover)
                finally:
                    recovered.set()
                await asyncio.to_thread(self.index_words)

            async def fetch() -> None:
                await recovered.wait()
                try:
                    await fetch_due(
                        self.database, fetcher, clock=self.clock, progress=ignore_progress
                    )
                finally:
                    sources_read.set()

            async def compose() -> None:
                # After a start, digests wait for the first look at the sources: composed at
                # once, they would miss what came while the service was down.
                nonlocal is_first
                await sources_read.wait()
                if is_first:
                    await self._sources_read(stop)
                    is_first = False
                await self._compose(stop, ignore_progress)

            async def deliver() -> None:
                await recovered.wait()
                await self._deliver(transport, stop, ignore_progress)

            async def read_returns() -> None:
                await asyncio.to_thread(self.read_returns)

            async def tally() -> None:
                await asyncio.to_thread(self.tally)

            async def forget() -> None:
                await asyncio.to_thread(self.forget)

            tick = self.settings.service.tick
            intervals = {recover: RECOVER_EVERY, fetch: tick, compose: tick, deliver: tick}
            intervals |= {tally: TALLY_EVERY, forget: FORGET_EVERY}
            if self.settings.bounces:
                intervals[read_returns] = self.settings.bounces.every
            self.warn_of_kept_away()
            claims = {
                "fetch": Claims.SOURCES,
                "compose": Claims.SUBSCRIBERS,
                "deliver": Claims.DELIVERIES,
            }
            await run_service(
                {
                    job.__name__: Job(
                        run=isolated(job, partial(self._release_own, claims.get(job.__name__))),
                        every=every,
                    )
                    for job, every in intervals.items()
                },
                stop=stop,
                stop_within=self.settings.service.stop_within,
                notifier=Notifier.from_environment(os.environ),
            )

    def tally(self) -> None:
        """Count today for the figures of later days."""
        tallies.count_days(self.database, self.clock())

    def forget(self) -> None:
        """Erase sign-ups that nobody confirmed, and those who left long ago; scrub the disk."""
        web = self.settings.web
        with self.database.write() as connection:
            forgotten = membership.forget_old(
                connection,
                self.clock(),
                unconfirmed_for=web.unconfirmed_for,
                ended_for=web.unsubscribed_for,
                hashes=self.hashes if self.settings.has_key else None,
            )
        if forgotten:
            logger.info("old subscribers forgotten: count=%d", forgotten)
        # Each time, for an erasure may have met a reader of the database in its way.
        if not self.database.scrub():
            logger.info("the log of writes is in use: it is emptied the next time")

    def warn_of_kept_away(self) -> None:
        """Say that addresses of the settings file get no mail; `digest status` names them."""
        if self.kept_away:
            logger.warning(
                "subscribers of the settings file kept away, they left or bounced: count=%d",
                len(self.kept_away),
            )

    @asynccontextmanager
    async def _web(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Answer readers while the service runs, if there are pages."""
        if self.links is None:
            yield
            return
        # Half a second that no other command should pay for.
        from digest.web.server import serving
        from digest.web.site import Site

        # Apart from the sources': a visitor's file must not hold them up.
        sandbox = Sandbox(cpu_limit=FORM_CPU_LIMIT)
        pictures = Http(
            contact=self.settings.service.contact,
            time_limit=PICTURE_TIME_LIMIT,
            body_limit_bytes=PICTURE_BYTES,
        )
        site = Site(
            settings=self.settings,
            database=self.database,
            links=self.links,
            templates=self.templates,
            clock=self.clock,
            preview=self.digest_now,
            ranker=self.composer.ranker,
            read_library=partial(self._examples, sandbox),
            fetch_picture=partial(_picture, pictures),
            admin_token=admin_token(self.settings.web),
            is_stopping=stop.is_set,
        )
        async with sandbox, pictures, serving(site) as port:
            logger.info("pages served: at=%s port=%d", self.links.base_url, port)
            yield

    async def _examples(self, sandbox: Sandbox, content: bytes) -> Sequence[str]:
        """Name the works of a library that a visitor sent, as examples of an interest."""
        library = await sandbox.run(read_library, content)
        with self.database.read() as connection:
            stored = items.find_by_keys(connection, wanted_keys(library))
        return [example(work, stored) for work in library.works]

    async def _sources_read(self, stop: asyncio.Event) -> None:
        """Wait until nobody reads a source: digests of this moment would miss what it brings.

        A claim ends by itself, so nobody waits for ever.
        """
        while not stop.is_set() and await asyncio.to_thread(self._is_being_read):
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_AGAIN)

    def _is_being_read(self) -> bool:
        with self.database.read() as connection:
            return sources.is_being_read(connection, self.clock())

    def _due(self) -> int:
        with self.database.read() as connection:
            return outbox.outbox_counts(connection, self.clock())["due"]

    def _release_own(self, claims: Claims | None) -> None:
        """Make due what a job of this process claimed and left when it broke off."""
        if claims is None:
            return
        with self.database.write() as connection:
            freed = recovery.release_own(connection, claims, self.clock())
        if freed:
            logger.warning("left by a run that broke off: %s=%d", claims, freed)

    async def _compose(self, stop: asyncio.Event, progress: Progress) -> list[Digest]:
        return await asyncio.to_thread(
            compose_due,
            *(self.database, self.composer),
            clock=self.clock,
            is_stopping=stop.is_set,
            progress=progress,
        )

    async def _deliver(
        self,
        transport: Transport,
        stop: asyncio.Event,
        progress: Progress,
        subscriber_id: str | None = None,
    ) -> Handover:
        return await deliver_due(
            *(self.database, self.builder, transport, self.settings.deliver),
            clock=self.clock,
            stop=stop,
            subscriber_id=subscriber_id,
            crew=self.senders.at_work if self.senders else None,
            aftermath=self.suppressor.note,
            progress=progress,
        )


async def _picture(http: Http, url: str) -> bytes:
    return (await http.get(url, Validators())).content or b""


def isolated(
    job: Callable[[], Awaitable[None]], release: Callable[[], None]
) -> Callable[[], Awaitable[None]]:
    """Turn a job's known failures into a line of the log: the next tick tries again.

    Args:
        release: gives back what a run claimed and left; called before the next one.
    """
    is_broken_off = False

    @wraps(job)
    async def run() -> None:
        nonlocal is_broken_off
        try:
            if is_broken_off:
                await asyncio.to_thread(release)
            is_broken_off = True
            await job()
            is_broken_off = False
        except DigestError as error:
            logger.log(logging.ERROR if error.permanent else logging.WARNING, "%s", error)

    return run


def ignore_progress(stage: str, done: int, total: int | None) -> None:
    """Watch nothing."""
