"""What is due again although nobody recorded it: claims of dead workers, times of wrong clocks.

A claim comes back by itself when its lease ends.  Where a worker of this very machine died, or
a clock stood far ahead for a while, nobody needs to wait that long.
"""

import os
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, select, update

from digest.store.schema import PENDING, deliveries, sources, subscribers

FARTHEST = timedelta(days=32)
"""No due time lies further ahead: schedules reach 15 days, intervals of sources 30."""


class Claims(StrEnum):
    """What a job claims."""

    SOURCES = "sources"
    SUBSCRIBERS = "subscribers"
    DELIVERIES = "deliveries"


DUE_TIMES = {
    Claims.SOURCES: sources.c.next_check_at,
    Claims.SUBSCRIBERS: subscribers.c.next_digest_at,
    Claims.DELIVERIES: deliveries.c.next_attempt_at,
}


PROC = Path("/proc")


@lru_cache(maxsize=1)
def this_worker(pid: int) -> str:
    """Name a process so that no other, on any machine, ever has the name.

    Args:
        pid: of this process; an argument so that a forked child gets a name of its own.

    Returns:
        boot of the machine, pid namespace, pid and start time, apart by spaces; "-" where the
        system does not say.
    """
    boot = _read(PROC / "sys/kernel/random/boot_id")
    return " ".join((boot, _namespace(), str(pid), _started(pid)))


def is_gone(worker: str, *, is_local: bool) -> bool:
    """True if a worker is certainly dead.

    Args:
        is_local: only processes of this machine can be workers, as with a file of SQLite.
    """
    boot, namespace, pid, started = worker.split(" ")
    own_boot, own_namespace, *_ = this_worker(os.getpid()).split(" ")
    if "-" in (boot, own_boot, started):
        return False
    if boot != own_boot:
        return is_local
    return namespace == own_namespace and not _is_alive(int(pid), started)


def recover(connection: Connection, now: datetime) -> int:
    """Make due what only a dead worker holds, and what a wrong clock put out of reach.

    Returns:
        how many rows were freed.
    """
    is_local = connection.dialect.name == "sqlite"
    freed = 0
    for due_at in DUE_TIMES.values():
        table = due_at.table
        holders = connection.scalars(
            select(table.c.claimed_by).where(table.c.claimed_by.is_not(None)).distinct()
        )
        gone = [holder for holder in holders if is_gone(holder, is_local=is_local)]
        for lost in (table.c.claimed_by.in_(gone), due_at > now + FARTHEST):
            freed += connection.execute(
                update(table).where(lost).values({due_at.name: now, "claimed_by": None})
            ).rowcount
    return freed


def release_own(connection: Connection, claims: Claims, now: datetime) -> int:
    """Make due what this very process holds; none of its jobs may be working on them.

    Returns:
        how many rows were freed.
    """
    due_at = DUE_TIMES[claims]
    held = due_at.table.c.claimed_by == this_worker(os.getpid())
    if claims is Claims.DELIVERIES:
        held &= PENDING
    freed = update(due_at.table).where(held, due_at > now)
    return connection.execute(freed.values({due_at.name: now, "claimed_by": None})).rowcount


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip() or "-"
    except (OSError, UnicodeDecodeError):
        return "-"


def _namespace() -> str:
    try:
        return str((PROC / "self/ns/pid").readlink())
    except OSError:
        return "-"


def _is_alive(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's; what /proc says of it may be hidden from us (hidepid).
        return _started(pid) in (started, "-")
    return _started(pid) == started


def _started(pid: int) -> str:
    # The name in brackets may hold spaces; state is field 3, start time 22.  proc_pid_stat(5)
    state, *fields = _read(PROC / str(pid) / "stat").rpartition(")")[2].split()
    is_there = len(fields) > 18 and state not in ("Z", "X")
    return fields[18] if is_there else "-"
