"""Lets one thread of one process write to an SQLite file at a time.

Up to SQLite 3.51.2, two connections that write and checkpoint at the same moment may damage
the file.  Waiting here is also fair and wakes at once, where SQLite's busy handler polls.
"""

import fcntl
import os
import threading
import time
from pathlib import Path

POLL_SECONDS = 0.005


class WriterLock:
    """A lock between the threads of this process, and by a file between processes.

    The kernel lets go of it when a process dies, however it dies.

    Args:
        path: of the lock file; made when it is first wanted, never removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._file: int | None = None

    def acquire(self, seconds: float) -> bool:
        """Wait so long for the lock; False if others held it all the time."""
        until = time.monotonic() + seconds
        if not self._threads.acquire(timeout=seconds):
            return False
        is_ours = False
        try:
            while not (is_ours := self._lock_file()) and time.monotonic() < until:
                time.sleep(POLL_SECONDS)
        finally:
            if not is_ours:
                self._threads.release()
        return is_ours

    def release(self) -> None:
        """Let the next one write."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Close the lock file; nobody of this process may hold the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock_file(self) -> bool:
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # no such folder, or not writable: SQLite itself will say what is wrong
        return True
