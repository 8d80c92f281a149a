"""Processes that write messages: the same mails as ours, whatever becomes of a process."""

import asyncio
import os
import signal
from datetime import timedelta

import pytest

from digest.config import Settings
from digest.errors import StoreError
from digest.pipeline.writing import Desk
from digest.store import outbox
from digest.writers import Writers, builder_of
from tests.test_pipeline import World, paper

READERS = 5


@pytest.fixture
def world(database, tmp_path):
    world = World(database, tmp_path)
    world.add_source()
    world.listing = [paper(1)]
    world.check()
    for number in range(READERS):
        world.add_subscriber(f"reader{number}@example.org")
    world.compose()
    return world


@pytest.fixture
def settings(database_url):
    return Settings.model_validate(
        {"database": {"url": database_url}, "deliver": {"writers": 2, "batch": READERS}}
    )


@pytest.fixture
def writers(settings):
    writers = Writers(settings)
    yield writers
    writers.close()


def due(world):
    with world.database.write() as connection:
        return outbox.claim_due_deliveries(connection, world.now, timedelta(minutes=15), 100)


async def test_processes_write_what_we_would_have_written(world, settings, writers):
    batch = due(world)
    desk = Desk(world.database, builder_of(settings))

    written = await writers.write(batch)

    assert len(written) == READERS
    assert written == list(desk.write(desk.load(batch)))


async def test_a_process_that_dies_is_replaced(world, writers):
    batch = due(world)
    await writers.write(batch)
    for writer in writers._writers:
        os.kill(writer._process.pid, signal.SIGKILL)

    with pytest.raises(StoreError, match="another takes over") as raised:
        await writers.write(batch)

    assert not raised.value.permanent
    assert len(await writers.write(batch)) == READERS


def test_processes_end_with_us(writers, world):
    batch = due(world)
    asyncio.run(writers.write(batch))
    processes = [writer._process for writer in writers._writers]

    writers.close()

    assert [process.returncode for process in processes] == [0, 0]


def test_a_run_whose_messages_others_write_sends_each_once(world, writers):
    world.deliver_settings = world.deliver_settings.model_copy(update={"batch": READERS})

    world.deliver(write=writers.write)

    assert len(world.sent) == len(set(world.sent)) == READERS
