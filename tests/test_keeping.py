"""What the service and the timer's round do besides the day: forget, and say who stays away."""

import asyncio
import logging
import os
import signal
from datetime import timedelta

import pytest

from digest import operations
from digest.app import App, ignore_progress, utc_now
from digest.config import Settings
from digest.errors import ConfigError
from digest.model import SubscriberStatus
from digest.store.membership import leave
from digest.store.subscribers import add_subscriber, find_subscriber
from tests.store.makers import make_subscriber

ADA, EVE = "ada@example.org", "eve@example.org"
A_WHILE = timedelta(days=9)


def opened(url, folder, *addresses, key="k" * 40):
    settings = Settings(
        database={"url": url},
        deliver={"to": "files", "folder": folder},
        web={"secret_key": key} if key else {},
        subscribers=[{"email": one} for one in addresses],
    )
    app = App(settings)
    app.open()
    return app


@pytest.fixture
def app(sqlite_url, tmp_path):
    """An installation with a sign-up that nobody confirmed in a week."""
    made = opened(sqlite_url, tmp_path / "outbox")
    eve = make_subscriber("eve", status=SubscriberStatus.UNCONFIRMED)
    with made.database.write() as connection:
        add_subscriber(connection, eve, utc_now() - A_WHILE)
    yield made
    made.database.close()


def is_known(app, address=EVE):
    with app.database.read() as connection:
        return find_subscriber(connection, address) is not None


def test_a_round_forgets_sign_ups_that_nobody_confirmed(app):
    asyncio.run(app.run_round(progress=ignore_progress))

    assert not is_known(app)


def test_the_service_forgets_sign_ups_that_nobody_confirmed(app):
    async def serve_until_forgotten():
        serving = asyncio.create_task(app.serve())
        async with asyncio.timeout(60):
            while await asyncio.to_thread(is_known, app):  # noqa: ASYNC110 - a job of another's
                await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        await serving

    asyncio.run(serve_until_forgotten())

    assert not is_known(app)


def test_whom_the_settings_file_cannot_bring_back_is_told(sqlite_url, tmp_path, caplog):
    first = opened(sqlite_url, tmp_path, ADA)
    with first.database.write() as connection:
        ada = find_subscriber(connection, ADA)
        leave(connection, ada, first.hashes(ADA)[0], utc_now())
    first.database.close()

    again = opened(sqlite_url, tmp_path, ADA)
    with caplog.at_level(logging.WARNING):
        asyncio.run(again.run_round(progress=ignore_progress))

    [told] = operations.status(again).kept_away
    assert (told.address, told.reason) == (ADA, "unsubscribed")
    assert "kept away, they left or bounced: count=1" in caplog.text
    assert "@" not in caplog.text
    again.database.close()


def test_an_operator_erases_from_the_disk_too(sqlite_url, tmp_path):
    app = opened(sqlite_url, tmp_path, key="")
    operations.add_subscriber(app, {"email": ADA})

    operations.erase_subscriber(app, ADA)

    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert [path.name for path in files if ADA.encode() in path.read_bytes()] == []
    app.database.close()


def test_an_operator_is_told_where_the_settings_file_stands_against_erasing(sqlite_url, tmp_path):
    app = opened(sqlite_url, tmp_path, ADA)

    with pytest.raises(ConfigError, match="take it out there first"):
        operations.erase_subscriber(app, ADA)
    app.database.close()
