import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from digest.model import Source
from digest.store import sources
from digest.store.recovery import FARTHEST, is_gone, recover, this_worker
from digest.store.schema import sources as table

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def worker_of_a_dead_process():
    """Let another process name itself, and end."""
    code = (
        "import os; from digest.store.recovery import this_worker; print(this_worker(os.getpid()))"
    )
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def due(database, now):
    with database.write() as connection:
        return sources.claim_due_sources(connection, now, HOUR, 10)


@pytest.fixture
def claimed(database):
    """A database whose one source is claimed by this process."""
    with database.write() as connection:
        sources.save_sources(connection, [Source(name="one", url="https://example.org")], NOW)
    assert due(database, NOW)
    return database


def claim_as(database, worker):
    with database.write() as connection:
        connection.execute(update(table).values(claimed_by=worker))


def test_claim_of_a_dead_worker_is_due_at_once(claimed):
    claim_as(claimed, worker_of_a_dead_process())

    with claimed.write() as connection:
        assert recover(connection, NOW) == 1

    assert due(claimed, NOW)


def test_claim_of_a_living_worker_stays(claimed):
    with claimed.write() as connection:
        assert recover(connection, NOW) == 0

    assert not due(claimed, NOW)


def test_claim_from_before_a_restart_is_freed_where_nobody_else_can_be(claimed, database_url):
    """A file of SQLite has workers of one machine; on PostgreSQL it may be another machine's."""
    _, *rest = this_worker(os.getpid()).split(" ")
    claim_as(claimed, " ".join(("another-boot", *rest)))

    with claimed.write() as connection:
        assert recover(connection, NOW) == int(database_url.startswith("sqlite"))


def test_number_of_a_process_that_was_given_again_is_not_taken_for_the_old_one():
    *rest, started = this_worker(os.getpid()).split(" ")

    assert is_gone(" ".join((*rest, f"{int(started) - 1}")), is_local=False)
    assert not is_gone(" ".join((*rest, started)), is_local=False)


def test_worker_in_another_container_is_never_taken_for_dead():
    boot, _, pid, started = this_worker(os.getpid()).split(" ")

    assert not is_gone(f"{boot} pid:[1] {int(pid) + 1} {started}", is_local=True)


def test_living_process_whose_start_is_hidden_is_not_taken_for_dead():
    boot, namespace, pid, _ = this_worker(os.getpid()).split(" ")

    assert not is_gone(f"{boot} {namespace} {pid} -", is_local=True)


def test_recording_ends_a_claim(claimed):
    with claimed.write() as connection:
        [state] = sources.list_sources(connection)
        sources.record_check(connection, state, "empty", at=NOW, next_check_at=NOW + HOUR)
        assert connection.scalar(table.select().with_only_columns(table.c.claimed_by)) is None


def test_due_time_from_a_wrong_clock_is_due_at_once(claimed):
    with claimed.write() as connection:
        connection.execute(update(table).values(next_check_at=NOW + FARTHEST + HOUR))
        assert recover(connection, NOW) == 1

    assert due(claimed, NOW)
