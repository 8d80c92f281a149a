"""What is due again although nobody recorded it: claims of dead workers, times of wrong clocks.

A claim comes back by itself when its lease ends.  Where a worker of this very machine died, or
a clock stood far ahead for a while, nobody needs to wait that long.
"""

import os
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, select, update

from digest.store.schema import deliveries, sources, subscribers

FARTHEST = timedelta(days=32)
"""No due time lies further ahead: schedules reach 15 days, intervals of sources 30."""

DUE_TIMES = (sources.c.next_check_at, subscribers.c.next_digest_at, deliveries.c.next_attempt_at)

PROC = Path("/proc")


@lru_cache(maxsize=1)
def this_worker(pid: int) -> str:
    """Name a process of this machine so that nobody else ever has the name.

    Args:
        pid: of this process; an argument so that a forked child gets a name of its own.

    Returns:
        machine, boot, pid namespace, pid and start time, apart by spaces; "-" where the
        system does not say.
    """
    boot = _read(PROC / "sys/kernel/random/boot_id")
    return " ".join((_read(Path("/etc/machine-id")), boot, _namespace(), str(pid), _started(pid)))


def is_gone(worker: str) -> bool:
    """True if a worker is certainly dead; one of another machine or container never is."""
    machine, boot, namespace, pid, started = worker.split(" ")
    own_machine, own_boot, own_namespace, *_ = this_worker(os.getpid()).split(" ")
    if "-" in (boot, own_boot):
        return False
    if boot != own_boot:
        return machine == own_machine != "-"
    return namespace == own_namespace and _started(int(pid)) != started


def recover(connection: Connection, now: datetime) -> int:
    """Make due what only a dead worker holds, and what a wrong clock put out of reach.

    Returns:
        how many rows were freed.
    """
    freed = 0
    for due_at in DUE_TIMES:
        table = due_at.table
        holders = connection.scalars(
            select(table.c.claimed_by).where(table.c.claimed_by.is_not(None)).distinct()
        )
        gone = [holder for holder in holders if is_gone(holder)]
        for lost in (table.c.claimed_by.in_(gone), due_at > now + FARTHEST):
            freed += connection.execute(
                update(table).where(lost).values({due_at.name: now, "claimed_by": None})
            ).rowcount
    return freed


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


def _started(pid: int) -> str:
    # The name in brackets may hold spaces; state is field 3, start time 22.  proc_pid_stat(5)
    state, *fields = _read(PROC / str(pid) / "stat").rpartition(")")[2].split()
    is_there = len(fields) > 18 and state not in ("Z", "X")
    return fields[18] if is_there else "-"
