"""Processes that write and send: the same mails as ours, whatever becomes of a process."""

import asyncio
import os
import pickle
import signal
from datetime import timedelta

import pytest

from digest.compose.message import MessageBuilder
from digest.config import Settings
from digest.errors import FetchError, StoreError, TransportError
from digest.pipeline.claiming import Claiming
from digest.pipeline.crew import SenderDiedError
from digest.pipeline.delivering import deliver_due
from digest.pipeline.writing import Desk
from digest.render import Templates
from digest.senders.processes import Senders
from digest.senders.work import builder_of
from digest.store import outbox
from tests.deliver.smtpd import SILENCE, FaultySmtp
from tests.test_pipeline import World, ignore, paper

READERS = 60
BATCH = 20
CONNECTIONS = 4


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
async def relay():
    async with FaultySmtp() as relay:
        yield relay


@pytest.fixture
def settings(database_url, relay):
    smtp = {"host": "127.0.0.1", "port": relay.port, "security": "none"}
    return Settings.model_validate(
        {
            "database": {"url": database_url},
            "deliver": {"senders": 2, "batch": BATCH},
            "smtp": smtp | {"connections": CONNECTIONS},
        }
    )


@pytest.fixture
def senders(settings):
    senders = Senders(settings)
    yield senders
    senders.close()


async def deliver(world, settings, senders, stop=None):
    return await deliver_due(
        *(world.database, MessageBuilder(settings.mail, Templates(None)), world),
        settings.deliver,
        clock=world.clock,
        stop=stop or asyncio.Event(),
        crew=senders.at_work,
        progress=ignore,
    )


def pids(senders):
    return [one._process.pid for one in senders._processes if one._process]


def statuses(world):
    with world.database.read() as connection:
        return outbox.outbox_counts(connection, world.now)


def addresses():
    return {f"reader{number}@example.org" for number in range(READERS)}


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process's doing sets no event of ours
            await asyncio.sleep(0.01)


async def test_each_is_sent_once_just_as_we_would_have_written_it(world, settings, senders, relay):
    with world.database.write() as connection:
        due = outbox.claim_due_deliveries(connection, world.now, timedelta(minutes=15), READERS)
        outbox.release_deliveries(connection, [one.id for one in due], world.now)
    desk = Desk(world.database, builder_of(settings))
    ours = {message.recipient: message.content for message in desk.write(desk.load(due))}

    handover = await deliver(world, settings, senders)

    assert handover.sent == READERS
    assert {one.rcpt: one.content for one in relay.received} == ours
    assert len(relay.received) == READERS
    assert relay.connections <= CONNECTIONS
    assert statuses(world)["sent"] == READERS


async def test_a_second_run_finds_the_processes_at_hand(world, settings, senders, relay):
    await deliver(world, settings, senders)
    first = pids(senders)
    world.now += timedelta(days=1)
    world.listing = [paper(2)]
    await asyncio.to_thread(world.check)
    world.compose()

    await deliver(world, settings, senders)

    assert pids(senders) == first
    assert len(relay.received) == 2 * READERS


async def test_a_killed_process_loses_nothing(world, settings, senders, relay):
    relay.fault("body", SILENCE, times=None, about="")
    running = asyncio.create_task(deliver(world, settings, senders))
    await until(lambda: relay.is_silent.is_set())
    for pid in pids(senders):
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(SenderDiedError, match="the next run starts another") as raised:
        await running

    assert not raised.value.permanent
    relay.faults.clear()
    world.now += timedelta(hours=1)
    await deliver(world, settings, senders)
    assert set(relay.recipients) == addresses()
    assert statuses(world)["sent"] == READERS


async def test_told_to_stop_they_finish_what_is_in_flight_and_double_nothing(
    world, settings, senders, relay
):
    stop = asyncio.Event()
    running = asyncio.create_task(deliver(world, settings, senders, stop))
    await until(lambda: relay.received)
    for pid in pids(senders):
        os.kill(pid, signal.SIGTERM)  # as a service's manager does
    stop.set()
    first = await running

    assert first.sent == len(relay.received)
    second = await deliver(world, settings, senders)
    assert first.sent + second.sent == READERS
    assert sorted(relay.recipients) == sorted(addresses())


async def test_an_unusable_relay_leaves_everything_due(world, settings, senders, relay):
    relay.fault("MAIL", "530 5.7.0 log in first", times=None)

    with pytest.raises(TransportError, match="530"):
        await deliver(world, settings, senders)

    assert statuses(world)["due"] == READERS
    relay.faults.clear()
    assert (await deliver(world, settings, senders)).sent == READERS


async def test_where_no_more_can_be_claimed_what_is_in_flight_ends_and_is_recorded(
    world, settings, senders, relay, monkeypatch
):
    take, calls = Claiming.take, []

    def take_twice(*asked):
        calls.append(asked)
        if len(calls) == 3:
            raise StoreError("database: disk full", permanent=True)
        return take(*asked)

    monkeypatch.setattr(Claiming, "take", take_twice)

    with pytest.raises(StoreError, match="disk full"):
        await deliver(world, settings, senders)

    assert statuses(world)["sent"] == 2 * BATCH
    await deliver(world, settings, senders)
    assert sorted(relay.recipients) == sorted(addresses())


async def test_what_a_process_may_be_sending_is_not_given_back(
    world, settings, senders, monkeypatch
):
    def refuse(*_):
        raise StoreError("database: disk full", permanent=True)

    monkeypatch.setattr("digest.pipeline.claiming._record_attempts", refuse)

    with pytest.raises(StoreError, match="disk full"):
        await deliver(world, settings, senders)

    assert statuses(world)["due"] <= READERS - BATCH


async def test_without_us_a_process_sends_no_more(world, settings, senders, relay):
    relay.fault("body", SILENCE, times=None)
    running = asyncio.create_task(deliver(world, settings, senders))
    await until(lambda: relay.is_silent.is_set())
    processes = [one._process for one in senders._processes]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    codes = [await asyncio.to_thread(one.wait, 10) for one in processes]

    assert all(codes)
    assert len(relay.received) == 0


async def test_orphans_end_by_themselves(world, settings, senders, relay):
    relay.fault("body", SILENCE, times=None)
    running = asyncio.create_task(deliver(world, settings, senders))
    await until(lambda: relay.is_silent.is_set())
    for one in senders._processes:
        one.kill = lambda: None  # as if we had died ourselves
        one._connection.close()
    processes = [one._process for one in senders._processes]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert [await asyncio.to_thread(one.wait, 10) for one in processes] == [1, 1]


async def test_waiting_processes_end_with_us(world, settings, senders):
    await deliver(world, settings, senders)
    processes = [one._process for one in senders._processes]

    await asyncio.to_thread(senders.close)

    assert [one.returncode for one in processes] == [0, 0]


async def test_what_cannot_be_written_stays_claimed_and_holds_nothing_up(
    world, settings, senders, relay
):
    world.add_subscriber("häns@example.org")
    world.compose()

    handover = await deliver(world, settings, senders)

    assert handover.sent == READERS
    assert statuses(world) | {"oldest_due_at": None} == {
        "pending": 1,
        "sent": READERS,
        "failed": 0,
        "cancelled": 0,
        "due": 0,
        "oldest_due_at": None,
    }


async def test_what_cannot_begin_in_time_comes_back_and_holds_nothing_up(
    world, settings, senders, relay
):
    hasty = {"deliver": settings.deliver.model_copy(update={"lease": timedelta(milliseconds=1)})}

    async with asyncio.timeout(60):
        handover = await deliver(world, settings.model_copy(update=hasty), senders)

    assert handover.sent == 0
    assert statuses(world)["pending"] == READERS
    world.now += timedelta(hours=1)
    assert (await deliver(world, settings, senders)).sent == READERS
    assert len(relay.received) == READERS


async def test_told_to_stop_before_they_begin_they_send_nothing(world, settings, senders, relay):
    stop = asyncio.Event()

    def told_meanwhile(unrecorded):
        stop.set()
        return senders.at_work(unrecorded)

    handover = await deliver_due(
        *(world.database, MessageBuilder(settings.mail, Templates(None)), world),
        settings.deliver,
        clock=world.clock,
        stop=stop,
        crew=told_meanwhile,
        progress=ignore,
    )

    assert (handover.sent, relay.received) == (0, [])
    assert statuses(world)["due"] == READERS


async def test_fewer_than_a_batch_are_sent_by_ourselves(world, settings, senders):
    settings = settings.model_copy(
        update={"deliver": settings.deliver.model_copy(update={"batch": READERS + 1})}
    )

    assert (await deliver(world, settings, senders)).sent == READERS

    assert not pids(senders)
    assert len(world.sent) == READERS


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(StoreError("locked", permanent=False), id="store"),
        pytest.param(FetchError("gone", source="papers", permanent=True), id="fetch"),
        pytest.param(TransportError("smtp: down"), id="transport"),
    ],
)
def test_errors_travel_between_processes(error):
    arrived = pickle.loads(pickle.dumps(error))

    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
