"""What a run claims: held while it works, and never longer than it must be."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from digest.app import App, isolated
from digest.config import DatabaseSettings, DeliverSettings, Settings
from digest.errors import StoreError
from digest.model import Reply, Source
from digest.pipeline import claiming
from digest.store import outbox, recovery, sources
from digest.store.recovery import Claims
from tests.test_pipeline import World, paper

LEASE = timedelta(minutes=15)


@pytest.fixture
def world(database, tmp_path):
    return World(database, tmp_path)


@pytest.fixture
def due(world):
    """A world with five digests that are due."""
    world.add_source()
    world.listing = [paper(1)]
    world.check()
    for number in range(5):
        world.add_subscriber(f"reader{number}@example.org")
    world.compose()
    return world


def outbox_of(world):
    with world.database.read() as connection:
        return outbox.outbox_counts(connection, world.now)


def test_what_a_broken_run_held_is_due_before_the_next_one(due):
    """The database fails between claim and message: nobody waits for the lease to end."""
    with due.database.write() as connection:
        assert len(outbox.claim_due_deliveries(connection, due.now, LEASE, 10)) == 5
    assert outbox_of(due)["due"] == 0

    with due.database.write() as connection:
        assert recovery.release_own(connection, Claims.DELIVERIES, due.now) == 5

    assert outbox_of(due)["due"] == 5
    due.deliver()
    assert len(due.sent) == 5


async def test_job_that_broke_off_gives_back_before_it_runs_again():
    told = []

    async def job():
        told.append("run")
        if told.count("run") == 1:
            raise StoreError("database: gone", permanent=False)

    run = isolated(job, lambda: told.append("give back"))
    for _ in range(3):
        await run()

    assert told == ["run", "give back", "run", "run"]


def test_claim_of_another_worker_is_not_given_back(due):
    with due.database.write() as connection:
        [first, *_] = outbox.claim_due_deliveries(connection, due.now, LEASE, 10)
        connection.execute(outbox.update(outbox.deliveries).values(claimed_by="other - 1 1"))

        outbox.release_deliveries(connection, [first.id], due.now)
        assert recovery.release_own(connection, Claims.DELIVERIES, due.now) == 0

    assert outbox_of(due)["due"] == 0


def test_nothing_is_begun_that_might_outlast_its_claim(due):
    """At a slow pace a batch lasts longer than its lease: the rest is claimed anew."""
    # Recorded before the next is begun: on this clock a write in the background takes hours.
    due.deliver_settings = DeliverSettings(lease=LEASE, record_every=1)
    due.connections = 1
    begun = []

    async def send(message, following):
        begun.append((due.now, message.delivery_id))
        due.now += timedelta(minutes=3)
        return Reply(code=250, text="ok")

    claims = []
    due.send = send
    claim = claiming.outbox.claim_due_deliveries

    def watched(connection, now, *rest, **also):
        found = claim(connection, now, *rest, **also)
        claims.append((now, len(found)))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claiming.outbox, "claim_due_deliveries", watched)
        due.deliver()

    assert [count for _, count in claims if count] == [5, 3, 1]
    assert len({one for _, one in begun}) == len(begun) == 5


def test_attempts_are_recorded_however_long_the_database_is_away(due, monkeypatch):
    """They were taken: given up, all of them would come again."""
    record, tries = outbox.record_attempts, []

    def refuse(connection, attempts):
        tries.append(len(attempts))
        if len(tries) < 20:
            raise StoreError("database: gone", permanent=False)
        record(connection, attempts)

    monkeypatch.setattr(claiming.outbox, "record_attempts", refuse)
    monkeypatch.setattr(claiming, "RECORD_PATIENCE", timedelta(0))
    monkeypatch.setattr(claiming, "wait_exponential", lambda **_: lambda state: 0)

    due.deliver()

    assert len(due.sent) == 5
    assert outbox_of(due)["sent"] == 5


def test_what_waiting_does_not_mend_is_given_up(due, monkeypatch):
    def refuse(connection, attempts):
        raise StoreError("database: damaged", permanent=True)

    monkeypatch.setattr(claiming.outbox, "record_attempts", refuse)
    monkeypatch.setattr(claiming, "RECORD_PATIENCE", timedelta(0))

    with pytest.raises(StoreError, match="damaged"):
        due.deliver()


def test_digests_wait_while_another_process_reads_a_source(database, database_url, tmp_path):
    """On an empty store they would find nothing, be held, and the day would be gone."""
    now = datetime.now(UTC)
    app = App(Settings(database=DatabaseSettings(url=database_url)))
    with database.write() as connection:
        sources.save_sources(connection, [Source(name="one", url="https://example.org")], now)
        [state] = sources.claim_due_sources(connection, now, LEASE, 10)
    waiting = threading.Event()

    async def wait():
        stop = asyncio.Event()
        task = asyncio.create_task(app._sources_read(stop))
        await asyncio.to_thread(waiting.wait)
        was_waiting = not task.done()
        await task
        return was_waiting

    look = app._is_being_read

    def watched():
        found = look()
        if not found or waiting.is_set():
            return found
        waiting.set()
        with database.write() as connection:
            sources.record_check(
                connection, state, "empty", at=now, next_check_at=now + timedelta(hours=1)
            )
        return found

    app._is_being_read = watched
    assert asyncio.run(wait())
    assert not look()
    app.database.close()
