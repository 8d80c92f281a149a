"""The demo: two days of an invented listing through the real pipeline, all on loopback.

A real HTTP server shows the listings, a real SMTP server takes the mails; only the clock is
ours, so that two days pass in seconds.
"""

import asyncio
import email
import email.policy
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from digest import operations
from digest.app import App, ignore_progress
from digest.cli import console
from digest.config import ENVIRONMENT_PREFIX
from digest.config_file import load_settings
from digest.demo.listings import arxiv_rss, daily_papers_json
from digest.errors import ConfigError
from digest.model import Digest, DigestState, Pick, Subscriber
from digest.pipeline.composing import compose_due
from digest.pipeline.delivering import deliver_due
from digest.pipeline.fetching import fetch_due

LOOPBACK = "127.0.0.1"
DAYS = 2
# The clock goes on by this; each subscriber's hour is met within it.
STEP = timedelta(hours=1)
MARKER = "made-by-digest-demo"

SETTINGS = """\
# Made by "digest demo": three readers of two invented listings, everything on loopback.

[smtp]
host = "{host}"
port = {smtp_port}
security = "none"

[mail]
from = "Daily Digest <digest@example.org>"
contact = "This is a demo; every paper in it is invented."

[digest]
minimum_score = 0.2

[[sources]]
name = "daily-papers"
kind = "huggingface"
url = "http://{host}:{http_port}/api/daily_papers"
every = "6h"
private_network = true

[[sources]]
name = "arxiv"
kind = "arxiv"
url = "http://{host}:{http_port}/rss/all"
every = "6h"
private_network = true

[[subscribers]]
email = "berta@example.org"
name = "Berta"
timezone = "Europe/Berlin"
at = "07:30"
max_items = 6

[[subscribers.interests]]
name = "Retrieval and long context"
text = "retrieval augmented generation and long context language models"
keywords = ["long context*", "retriev*", "key-value cache", "late interaction"]
authors = ["Saskia van Oudtshoorn", "Wilhelmina Brandt"]
categories = ["cs.IR"]
examples = ["arxiv:2611.90012"]
muted_words = ["tokenizer"]

[[subscribers]]
email = "luis@example.org"
name = "Luis"
timezone = "America/Los_Angeles"
at = "06:00"
max_items = 6

[[subscribers.interests]]
name = "Exoplanets"
text = "exoplanets, their atmospheres and how they are found"
keywords = ["exoplanet*", "transiting", "radial velocities", "debris disc*"]
authors = ["Suresh Pillai"]
organisations = ["Ariel Ridge Observatory"]
categories = ["astro-ph.EP", "astro-ph.IM"]

[[subscribers]]
email = "yuki@example.org"
name = "Yuki"
timezone = "Asia/Tokyo"
at = "08:00"
max_items = 8

[[subscribers.interests]]
name = "Protein design"
text = "protein and enzyme design"
keywords = ["protein*", "enzyme design", "antibod*", "binders"]
categories = ["q-bio.BM"]

[[subscribers.interests]]
name = "Medical imaging"
text = "medical imaging and microscopy"
keywords = ["medical imaging", "MRI", "ultrasound", "microscopy", "tomography"]
categories = ["eess.IV", "physics.med-ph"]
weight = 0.8
"""


@dataclass(slots=True)
class SteppedClock:
    """A clock that goes on when it is told to."""

    now: datetime

    def __call__(self) -> datetime:
        """Give the demo's present instant."""
        return self.now


@dataclass(slots=True)
class Mailbox:
    """Takes what the SMTP server receives, and files it."""

    folder: Path
    clock: SteppedClock
    pages: list[Path] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self,
        server: SMTP,  # noqa: ARG002 - likewise its arguments
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        """File one received message as it came, and its HTML beside it."""
        content = envelope.original_content or b""
        reader = envelope.rcpt_tos[0].partition("@")[0]
        path = self.folder / f"{reader}-{self.clock.now:%Y-%m-%d}.eml"
        path.write_bytes(content)
        message = email.message_from_bytes(content, policy=email.policy.default)
        page = message.get_body(("html",))
        if page is not None:
            path.with_suffix(".html").write_text(page.get_content(), encoding="utf-8")
            self.pages.append(path.with_suffix(".html"))
        return "250 2.0.0 filed"


async def run_demo(folder: Path) -> None:
    """Run two days and leave mails, pages, settings and database in *folder*.

    Raises:
        ConfigError: the folder holds something that no demo made.
    """
    _clear(folder)
    _forget_environment()
    today = datetime.now(UTC).date()
    clock = SteppedClock(datetime.combine(today - timedelta(days=1), time(), UTC))
    mailbox = Mailbox(folder, clock)
    async with _listing_server(clock, today) as http_port, _mail_server(mailbox) as smtp_port:
        path = folder / "config.toml"
        path.write_text(
            SETTINGS.format(host=LOOPBACK, http_port=http_port, smtp_port=smtp_port),
            encoding="utf-8",
        )
        app = App(load_settings(path), clock=clock)
        app.open()
        await _run_days(app, clock)
        _show(app, mailbox)


async def _run_days(app: App, clock: SteppedClock) -> None:
    stop = asyncio.Event()
    steps = DAYS * (timedelta(days=1) // STEP)
    with console.bars() as progress:
        async with app.fetcher() as fetcher, app.transport() as transport:
            for step in range(steps):
                await fetch_due(app.database, fetcher, clock=clock, progress=ignore_progress)
                compose_due(app.database, app.composer, clock=clock, progress=ignore_progress)
                await deliver_due(
                    *(app.database, app.builder, transport, app.settings.deliver),
                    clock=clock,
                    stop=stop,
                    progress=ignore_progress,
                )
                progress("two days, hour by hour", step + 1, steps)
                clock.now += STEP


def _show(app: App, mailbox: Mailbox) -> None:
    state = operations.status(app)
    console.lines(
        f"{state.items} items from {len(state.sources)} sources in {DAYS} days; "
        f"{len(mailbox.pages)} mails for {sum(state.subscribers.values())} readers",
        "",
    )
    for subscriber in operations.all_subscribers(app):
        for digest in reversed(operations.digests_of(app, subscriber)):
            _show_digest(subscriber, digest)
    folder = mailbox.folder
    console.lines(
        f"mails: {folder}/*.eml   pages: {folder}/*.html   database: {folder}/digest.db",
        f"look around: digest --config {folder}/config.toml subscribers list",
        f"open: {mailbox.pages[-1]}",
    )


def _show_digest(subscriber: Subscriber, digest: Digest) -> None:
    schedule = subscriber.schedule
    heading = (
        f"{subscriber.email}, {digest.edition:%a %d %b}, {schedule.at:%H:%M} in {schedule.timezone}"
    )
    if digest.state is DigestState.HELD:
        console.lines(f"{heading}: too little was new, no mail", "")
        return
    console.table(
        heading,
        ("", "score", "item", "why"),
        [(pick.place, f"{pick.score:.2f}", pick.item.title, _why(pick)) for pick in digest.picks],
    )


def _why(pick: Pick) -> str:
    strongest = sorted(pick.reasons, key=lambda reason: -reason.share)[:3]
    return "; ".join(f"{reason.kind}: {reason.value}" for reason in strongest)


@asynccontextmanager
async def _listing_server(clock: SteppedClock, today: date) -> AsyncIterator[int]:
    """Serve the listings of the clock's day; give the port."""

    def day() -> int:
        return DAYS - (today - clock.now.date()).days

    async def papers(_: web.Request) -> web.Response:
        return web.Response(body=daily_papers_json(day(), today), content_type="application/json")

    async def rss(_: web.Request) -> web.Response:
        return web.Response(body=arxiv_rss(day(), today), content_type="text/xml")

    server = web.Application()
    server.router.add_get("/api/daily_papers", papers)
    server.router.add_get("/rss/all", rss)
    runner = web.AppRunner(server)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _mail_server(mailbox: Mailbox) -> AsyncIterator[int]:
    """Serve SMTP into the mailbox; give the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, loop=loop), LOOPBACK, 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


def _clear(folder: Path) -> None:
    """Empty the folder of the last demo; refuse one that is somebody's own."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise ConfigError(f"demo {folder}: holds other files: give --folder another name")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()


def _forget_environment() -> None:
    """Keep the operator's settings out: a demo must never write to real readers."""
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]
