"""A site with a few items, a clock of its own, and a visitor."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import httpx
import pytest

from digest.app import App, ignore_progress
from digest.config import Settings, admin_token
from digest.fetch.sandbox import Sandbox
from digest.model import AttemptOutcome
from digest.model import Links as ItemLinks
from digest.pipeline.composing import compose_due
from digest.store.digests import digests_of
from digest.store.outbox import insert_deliveries, list_deliveries, record_attempts
from digest.store.subscribers import find_subscriber
from digest.web.app import make_app
from digest.web.site import Site
from tests.store.makers import (
    make_attempt,
    make_delivery,
    make_digest,
    make_item,
    store_items,
)

BASE = "https://digest.example.org"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ADMIN = "a" * 40


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


class World:
    """One installation with its pages; `get` and `post` are a visitor's browser."""

    def __init__(self, database_url: str, mail: object = None, **web: object) -> None:
        self.clock = Clock()
        self.pictures, self.fetched = {}, []
        given = {"base_url": BASE, "secret_key": "k" * 40, "admin_token": ADMIN} | web
        settings = Settings(database={"url": database_url}, web=given, mail=mail or {})
        self.app = App(settings, clock=self.clock)
        self.app.open()
        self.database, self.links = self.app.database, self.app.links
        self.site = Site(
            settings=self.app.settings,
            database=self.database,
            links=self.links,
            templates=self.app.templates,
            clock=self.clock,
            preview=self.app.digest_now,
            ranker=self.app.composer.ranker,
            read_library=self.read_library,
            fetch_picture=self.fetch_picture,
            admin_token=admin_token(self.app.settings.web),
        )
        self.web = make_app(self.site)
        self.runner = asyncio.Runner()

    async def fetch_picture(self, url):
        self.fetched.append(url)
        found = self.pictures.get(url, b"")
        if isinstance(found, Exception):
            raise found
        return found

    async def read_library(self, content):
        async with Sandbox() as sandbox:
            return await self.app._examples(sandbox, content)

    def request(self, method: str, url: str, **given: object) -> httpx.Response:
        """Send one request, and let the desk deal with what it took."""

        async def send() -> httpx.Response:
            async with self.web.router.lifespan_context(self.web):
                transport = httpx.ASGITransport(self.web, raise_app_exceptions=False)
                async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                    return await client.request(method, url, **given)

        return self.runner.run(send())

    def get(self, url: str, **given: object) -> httpx.Response:
        return self.request("GET", url, **given)

    def post(self, url: str, **given: object) -> httpx.Response:
        return self.request("POST", url, **{"headers": {"Sec-Fetch-Site": "same-origin"}} | given)

    def sign_up(self, email: str, files: object = None, **fields: object) -> httpx.Response:
        stamp = self.links.form_stamp(self.clock())
        self.clock.move(seconds=5)
        sent = {"email": email, "stamp": stamp, "website": ""} | fields
        return self.post("/subscribe", data=sent, files=files)

    def deliveries(self):
        with self.database.read() as connection:
            return list_deliveries(connection, limit=99)

    def subscriber(self, email: str = "ada@example.org"):
        with self.database.read() as connection:
            return find_subscriber(connection, email)

    def mail(self, delivery):
        """Render a delivery as it would be sent."""
        reader = self.subscriber(delivery.recipient)
        return message_from_bytes(self.app.builder.notice(delivery, reader).content, policy=default)

    def joined(self, email: str = "ada@example.org", **fields: object):
        """Sign up and confirm."""
        self.sign_up(email, **fields)
        reader = self.subscriber(email)
        self.post(self.links.confirm(reader.id, reader.link_epoch, self.clock()))
        return self.subscriber(email)

    def composed(self, email: str = "ada@example.org"):
        """Compose what is due; give a reader's digests, the newest first."""
        compose_due(self.database, self.app.composer, clock=self.clock, progress=ignore_progress)
        with self.database.read() as connection:
            return digests_of(connection, self.subscriber(email).id, 9)

    def attempted(self, reader):
        """Let deliveries to a reader end just now, one in each way."""
        now = self.clock()
        made = [
            make_delivery(
                make_digest(reader, []), digest_id=None, created_at=now, next_attempt_at=now
            )
            for _ in AttemptOutcome
        ]
        tried = [
            make_attempt(one, out, at=now) for one, out in zip(made, AttemptOutcome, strict=True)
        ]
        with self.database.write() as connection:
            insert_deliveries(connection, made)
            record_attempts(connection, tried)

    def preferences(self, reader) -> str:
        return self.links.preferences(reader.id, reader.link_epoch)


@pytest.fixture
def world(sqlite_url) -> Iterator[World]:
    made = World(sqlite_url)
    store_items(made.database, ITEMS)
    yield made
    made.runner.close()
    made.database.close()


TOPICS = ("graph neural networks", "protein folding", "dense retrieval")
ITEMS = [
    make_item(
        number,
        title=f"{TOPICS[number % 3].capitalize()}, study {number}",
        summary=f"We look into {TOPICS[number % 3]} once more, and find {number} things.",
        authors=(f"Author {number}", "Ada Example"),
        upvotes=number,
        links=ItemLinks(page=f"https://arxiv.org/abs/2603.{number:05d}"),
        first_seen_at=NOW - timedelta(hours=2),
        eligible_at=NOW - timedelta(hours=2),
    )
    for number in range(1, 13)
]
