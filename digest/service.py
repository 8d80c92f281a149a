"""The long-running process: jobs by the clock, signals, and what systemd is told of it.

No library stands between us and systemd: its protocol is one datagram of text a message.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from digest.schedule.in_process import InProcessScheduler

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
MICROSECOND = timedelta(microseconds=1)

# How often the jobs' progress is looked at where no watchdog asks for it.
CHECK_EVERY = timedelta(seconds=30)

# What the process needs beyond its jobs to end: closing connections and the database.
ENDING = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A coroutine function with a schedule.

    Attributes:
        every: from one start to the next, unless a run lasts longer.
        limit: longest that a healthy run can last; beyond it the watchdog is no longer fed.
    """

    run: Callable[[], Awaitable[None]]
    every: timedelta
    limit: timedelta = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Notifier:
    """Tells the service manager how the process is; silent where none listens.

    Attributes:
        address: the manager's datagram socket: a path, or "@" and an abstract name.
        watchdog: the manager kills a process that is silent for so long; None = it does not.

    Source: sd_notify(3), sd_watchdog_enabled(3).
    """

    address: str | None = None
    watchdog: timedelta | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read what the service manager set for this very process."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watches = is_ours and microseconds.isdecimal() and int(microseconds) > 0
        return cls(
            environment.get("NOTIFY_SOCKET") or None,
            int(microseconds) * MICROSECOND if watches else None,
        )

    def send(self, *assignments: str) -> None:
        """Send one message such as `READY=1`; a manager that cannot be reached is logged."""
        if self.address is None:
            return
        # The kernel spells an abstract name with a leading zero byte.  unix(7)
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.settimeout(0)  # a manager that does not read must not hold up the mail
                manager.sendto("\n".join(assignments).encode(), address)
        except OSError as error:
            logger.warning("service manager out of reach: message=%s: %s", assignments[0], error)


@contextmanager
def stop_on_signals(stop: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
    """Let SIGTERM and SIGINT set an event; a second signal ends the process at once.

    Args:
        stop: the event; None = a new one.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()

    def let_go() -> None:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    def ask_to_stop() -> None:
        stop.set()
        let_go()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, ask_to_stop)
    try:
        yield stop
    finally:
        let_go()


async def run_service(
    jobs: Mapping[str, Job], *, stop: asyncio.Event, stop_within: timedelta, notifier: Notifier
) -> None:
    """Run the jobs until *stop* is set, by a signal or by the caller; then let them finish.

    Args:
        jobs: by name; each begins at once.
        stop_within: what running jobs get to finish; then they are cancelled.
    """
    scheduler = InProcessScheduler()
    for name, job in jobs.items():
        scheduler.add(name, job.run, job.every)

    with stop_on_signals(stop):
        async with asyncio.TaskGroup() as tasks:
            scheduler.start()
            notifier.send("READY=1")
            logger.info("service ready: jobs=%s", ",".join(jobs))
            heart = tasks.create_task(_beat(jobs, scheduler, notifier))

            await stop.wait()

            running = ", ".join(scheduler.running) or "nothing"
            # The unit's TimeoutStopSec may be shorter than what the settings grant the jobs.
            patience = f"EXTEND_TIMEOUT_USEC={(stop_within + ENDING) // MICROSECOND}"
            notifier.send("STOPPING=1", f"STATUS=finishing {running}", patience)
            logger.info("service stopping: running=%s", running)
            await scheduler.stop(stop_within)
            heart.cancel()
    logger.info("service stopped")


async def _beat(jobs: Mapping[str, Job], scheduler: InProcessScheduler, notifier: Notifier) -> None:
    """Feed the watchdog while every job makes progress; a hung event loop ends this as well."""
    every = notifier.watchdog / 2 if notifier.watchdog else CHECK_EVERY
    known_stuck: list[str] = []
    while True:
        stuck = [
            name for name, job in jobs.items() if scheduler.quiet_for(name) > job.every + job.limit
        ]
        if stuck:
            notifier.send(f"STATUS=stuck: {', '.join(stuck)}")
        else:
            notifier.send("WATCHDOG=1", f"STATUS=running: {', '.join(scheduler.running) or '-'}")
        if stuck and stuck != known_stuck:
            logger.error("job stuck, watchdog no longer fed: jobs=%s", ",".join(stuck))
        known_stuck = stuck
        await asyncio.sleep(every.total_seconds())
