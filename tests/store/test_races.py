"""What must hold whoever else works on the database, and whenever a process is killed."""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import select

from digest.model import Source
from digest.store.database import Database
from digest.store.digests import record_digests, sent_item_ids
from digest.store.items import lock_items, save_changes
from digest.store.outbox import insert_deliveries
from digest.store.schema import deliveries, digests, picks
from digest.store.sources import list_sources, save_sources
from digest.store.subscribers import add_subscriber, save_config_subscribers
from tests.store.makers import (
    LATER,
    NOW,
    make_change,
    make_delivery,
    make_digest,
    make_item,
    make_subscriber,
    store_items,
    store_subscribers,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start():
    """Start a command of `workers`; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start_one(command: str, url: str) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.store.workers", command, url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(worker)
        return worker

    yield start_one
    for worker in started:
        worker.kill()
        worker.communicate()


def run_together(workers: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Let workers begin at once, wait for their ends, and give all their lines."""
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    lines = [line for worker in workers for line in worker.communicate()[0].split()]
    assert [worker.returncode for worker in workers] == [0] * len(workers)
    return lines


def test_two_processes_of_four_threads_claim_every_row_once(database, database_url, start):
    ada = make_subscriber("ada", next_digest_at=None)
    due = [make_subscriber(f"reader-{number}") for number in range(2000)]
    waiting = [
        make_delivery(make_digest(ada, []), digest_id=None, subscriber_id=None) for _ in range(2000)
    ]
    with database.write() as connection:
        save_config_subscribers(connection, due, NOW)
        insert_deliveries(connection, waiting)

    claimed = run_together([start("claim", database_url) for _ in range(2)])

    assert Counter(claimed) == Counter(one.id for one in (*due, *waiting))


def test_processes_that_upgrade_at_once_do_no_harm(empty_url, start):
    workers = [start("upgrade", empty_url) for _ in range(2)]

    run_together(workers)

    database = Database(empty_url)
    database.check_schema()
    database.close()


def run_threads(*jobs) -> None:
    """Run jobs at once, and raise what any of them raised."""
    barrier = Barrier(len(jobs))

    def run(job) -> None:
        barrier.wait()
        job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        list(threads.map(run, jobs))


def test_services_that_start_at_once_bring_their_sources_in_once(database):
    given = [Source(name=f"s{n}", url=f"https://{n}.example.org") for n in range(200)]

    def bring_in() -> None:
        with database.write() as connection:
            save_sources(connection, given, NOW)

    run_threads(*[bring_in] * 4)

    with database.read() as connection:
        stored = [one.source for one in list_sources(connection)]
    assert stored == sorted(given, key=lambda one: one.name)


def record(database, subscribers, items, day: int) -> None:
    digests = [make_digest(one, items, edition=date(2026, 3, day)) for one in subscribers]
    deliveries = {digest.id: make_delivery(digest) for digest in digests}
    due_again = {subscriber.id: LATER for subscriber in subscribers}
    with database.write() as connection:
        record_digests(connection, digests, deliveries, due_again)


def test_digests_of_two_editions_recorded_at_once_bring_an_item_once(database):
    everyone = [make_subscriber(f"reader-{number}") for number in range(100)]
    items = [make_item(number) for number in range(5)]
    store_subscribers(database, everyone)
    store_items(database, items)

    run_threads(*(partial(record, database, everyone, items, day) for day in (1, 2, 3, 4)))

    with database.read() as connection:
        assert len(connection.scalars(select(picks.c.item_id)).all()) == 100 * 5
        assert len(connection.scalars(select(digests.c.id)).all()) == 100 * 4
        assert len(connection.scalars(select(deliveries.c.id)).all()) == 100


def test_items_may_change_and_merge_while_digests_are_recorded(database):
    """Neither waits for the other for ever, and nobody has the merged work twice."""
    everyone = [make_subscriber(f"reader-{number}") for number in range(12)]
    items = [make_item(number) for number in range(400)]
    pairs = list(zip(items[:40:2], items[1:40:2], strict=True))
    store_subscribers(database, everyone)
    source_id = store_items(database, items)

    def save(changes) -> None:
        with database.write() as connection:
            lock_items(connection)
            save_changes(connection, source_id, changes, LATER)

    def change() -> None:
        for votes in range(1, 11):
            save([make_change(replace(one, upvotes=votes), one) for one in reversed(items)])
        for survivor, merged in pairs:
            save([make_change(survivor, survivor, merged_ids=(merged.id,))])

    def record_all() -> None:
        for first in range(0, 12, 2):
            record(database, everyone[first : first + 2], items, 1)

    run_threads(change, record_all, record_all)

    with database.read() as connection:
        sent = sent_item_ids(connection, [one.id for one in everyone], NOW)
    survivors = {survivor.id for survivor, _ in pairs}
    assert all(had >= survivors for had in sent.values())


@pytest.mark.parametrize("lines", [1, 8, 30])
def test_killed_while_recording_digests_leaves_whole_ones(database, database_url, start, lines):
    everyone = [make_subscriber(f"reader-{number}") for number in range(5)]
    store_subscribers(database, everyone)
    store_items(database, [make_item(number) for number in range(400)])
    worker = start("record", database_url)

    reported = [worker.stdout.readline().strip() for _ in range(lines)]
    worker.kill()
    reported += worker.communicate()[0].split()

    with database.read() as connection:
        stored = set(connection.scalars(select(digests.c.id)))
        assert stored >= set(reported), "what was reported is stored"
        assert len(stored) <= len(reported) + 1
        assert set(connection.scalars(select(picks.c.digest_id))) == stored
        assert set(connection.scalars(select(deliveries.c.digest_id))) == stored


def test_killed_in_the_middle_of_a_transaction_leaves_nothing_of_it(database, database_url, start):
    worker = start("write_half", database_url)
    for _ in range(50):
        worker.stdout.readline()

    worker.kill()
    worker.wait()

    with database.read() as connection:
        assert list_sources(connection) == []
    with database.write() as connection:
        add_subscriber(connection, make_subscriber("ada"), NOW)
