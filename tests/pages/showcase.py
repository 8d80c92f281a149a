"""An installation whose pages have something to show, and the address of each of them.

A new page is one more line in `PAGES`.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from digest.app import App, ignore_progress
from digest.config_file import load_settings
from digest.demo.listings import arxiv_rss, daily_papers_json
from digest.model import Digest, Interest, Item, Schedule, Subscriber, Verdict, new_id
from digest.pipeline.composing import compose_due
from digest.pipeline.fetching import fetch_due
from digest.store.digests import digests_of
from digest.store.items import recent_items
from digest.store.subscribers import add_feedback, add_subscriber, get_subscribers
from digest.store.tallies import count_days

ROOT = Path(__file__).parents[2]
ADMIN = "a" * 40
SETTINGS = """
[service]
contact = "digest@example.org"

[mail]
from = "Daily Digest <digest@example.org>"
contact = "Department of Examples, digest@example.org"

[web]
base_url = "http://127.0.0.1:{port}"
listen = "127.0.0.1:{port}"
secret_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
admin_token = "{admin}"

[[sources]]
name = "daily-papers"
kind = "huggingface"
url = "papers.json"
every = "1h"
backlog = "include"

[[sources]]
name = "arxiv"
kind = "arxiv"
url = "arxiv.xml"
every = "1h"
backlog = "include"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the pages are about."""

    app: App
    reader: Subscriber
    newcomer: Subscriber
    leaver: Subscriber
    digest: Digest
    item: Item

    @property
    def preferences(self) -> str:
        return self.app.links.preferences(self.reader.id, self.reader.link_epoch)

    @property
    def copy(self) -> str:
        return self.app.links.digest(self.reader.id, self.digest.id, self.reader.link_epoch)

    def confirm(self, one: Subscriber) -> str:
        return self.app.links.confirm(one.id, one.link_epoch, datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: where it stands, with which fields it is asked for, and who asks.

    Attributes:
        path: below the site's address, or a whole address.
        fields: of a form; None = it is a GET.
        headers: what the browser says besides.
    """

    path: str | Callable[[Shown], str]
    fields: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def address(self, shown: Shown) -> str:
        path = self.path if isinstance(self.path, str) else self.path(shown)
        return path if path.startswith("http") else f"{shown.app.links.base_url}{path}"


PAGES: dict[str, Page] = {
    "home": Page(path="/"),
    "day": Page(path=lambda shown: f"/day/{datetime.now(UTC).date() - timedelta(days=1)}"),
    "search": Page(path="/search?q=retrieval"),
    "topic": Page(path="/search?topic=cs.IR"),
    "nothing-found": Page(path="/search?q=nothingatall"),
    "item": Page(path=lambda shown: f"/item/{shown.item.id}"),
    "subscribe": Page(path="/subscribe"),
    "preview": Page(path="/preview", fields={"topics": "retrieval augmented generation"}),
    "mailbox": Page(path="/subscribe", fields={"email": "somebody@example.org"}),
    "confirm": Page(path=lambda shown: shown.confirm(shown.newcomer)),
    "preferences": Page(path=lambda shown: shown.preferences),
    "digests": Page(path=lambda shown: f"{shown.preferences}/digests"),
    "next": Page(path=lambda shown: f"{shown.preferences}/next"),
    "feedback": Page(path=lambda shown: f"{shown.preferences}/feedback"),
    "erase": Page(path=lambda shown: f"{shown.preferences}/erase"),
    "web-copy": Page(path=lambda shown: shown.copy),
    "own-item": Page(path=lambda shown: f"{shown.copy}/1"),
    "more": Page(path=lambda shown: f"{shown.copy}/1/more"),
    "thanks": Page(path=lambda shown: f"{shown.copy}/1/more", fields={}),
    "unsubscribe": Page(path=lambda shown: shown.app.links.unsubscribe(shown.reader.id)),
    "unsubscribed": Page(
        path=lambda shown: shown.app.links.unsubscribe(shown.leaver.id), fields={"reason": "often"}
    ),
    "bad-request": Page(path="/search?page=0"),
    "not-found": Page(path="/nowhere"),
    "bad-link": Page(path="/p/forged"),
    "too-large": Page(path="/subscribe", fields={"topics": "x" * 300_000}),
    "admin-door": Page(path="/admin"),
    "admin": Page(path="/admin", headers={"Authorization": f"Bearer {ADMIN}"}),
}


@contextlib.contextmanager
def installation(folder: Path) -> Iterator[Shown]:
    """Serve the pages of a filled installation while the context lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = SETTINGS.format(port=port, admin=ADMIN)
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    with contextlib.chdir(folder):
        shown = asyncio.run(_filled(folder))
    (folder / "serve.py").write_text("from digest.cli import main\n\nmain()\n")
    process = subprocess.Popen(
        [sys.executable, "serve.py", "serve", "--only", "pages"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            time.sleep(0.1)
        yield shown
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        shown.app.database.close()


class _Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def _filled(folder: Path) -> Shown:
    today = datetime.now(UTC)
    clock = _Clock(today - timedelta(days=1))
    app = App(load_settings(folder / "config.toml"), clock=clock)
    app.open()
    ada, newcomer, leaver = (
        Subscriber(
            id=new_id(clock.now),
            email=f"{who}@example.org",
            schedule=Schedule(timezone="Europe/Berlin"),
            interests=WISHES,
            max_items=6,
            next_digest_at=clock.now + timedelta(hours=1),
        )
        for who in ("ada", "newcomer", "leaver")
    )
    with app.database.write() as connection:
        for one in (ada, newcomer, leaver):
            add_subscriber(connection, one, clock.now)
    for day in (1, 2):
        (folder / "papers.json").write_bytes(daily_papers_json(day, today.date()))
        (folder / "arxiv.xml").write_bytes(arxiv_rss(day, today.date()))
        async with app.fetcher() as fetcher:
            await fetch_due(app.database, fetcher, clock=clock, progress=ignore_progress)
        clock.now += timedelta(hours=2)
        compose_due(app.database, app.composer, clock=clock, progress=ignore_progress)
        count_days(app.database, clock.now)
        clock.now = today
    with app.database.write() as connection:
        [digest, *_] = [one for one in digests_of(connection, ada.id, 9) if one.picks]
        add_feedback(connection, ada.id, digest.picks[0].item.id, Verdict.MORE, today)
        add_feedback(connection, ada.id, digest.picks[-1].item.id, Verdict.LESS, today)
        item = recent_items(connection, 1)[0]
        by_id = get_subscribers(connection, [ada.id, newcomer.id, leaver.id])
    return Shown(
        app=app,
        reader=by_id[ada.id],
        newcomer=by_id[newcomer.id],
        leaver=by_id[leaver.id],
        digest=digest,
        item=item,
    )


WISHES = (
    Interest(
        name="Retrieval and long context",
        text="retrieval augmented generation and long context language models",
        keywords=("long context*", "retriev*"),
        authors=("Saskia van Oudtshoorn",),
        muted_words=("tokenizer",),
    ),
    Interest(name="Protein design", text="protein and enzyme design"),
)
