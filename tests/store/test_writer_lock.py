"""One writer to an SQLite file, over threads and processes."""

import signal
import subprocess
import sys
import threading

import pytest

from digest.store.writer_lock import WriterLock

HOLDER = """
import sys, pathlib
from digest.store.writer_lock import WriterLock
lock = WriterLock(pathlib.Path(sys.argv[1]))
assert lock.acquire(5)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "digest.db.lock"


@pytest.fixture
def holder(path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_another_process_keeps_us_waiting(path, holder):
    lock = WriterLock(path)

    assert not lock.acquire(0.05)

    holder.communicate()
    assert lock.acquire(5)
    lock.release()
    lock.close()


def test_a_killed_process_holds_nothing(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    lock = WriterLock(path)

    assert lock.acquire(5)
    lock.release()
    lock.close()


def test_another_thread_keeps_us_waiting(path):
    lock = WriterLock(path)
    assert lock.acquire(1)
    got = []

    thread = threading.Thread(target=lambda: got.append(lock.acquire(0.05)))
    thread.start()
    thread.join()

    assert got == [False]
    lock.release()
    lock.close()


def test_a_folder_that_is_not_there_is_left_to_the_database(tmp_path):
    lock = WriterLock(tmp_path / "nowhere" / "digest.db.lock")

    assert lock.acquire(1)
    lock.release()
