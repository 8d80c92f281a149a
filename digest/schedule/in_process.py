"""Jobs woken in this process: APScheduler on the running event loop.

It only wakes.  What is due stands in the tables, so a job that runs early, late, twice or not
at all for a while does no harm, and nothing is kept here between two processes.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

logger = logging.getLogger(__name__)

# A next run in the past: due now, whatever the wall clock says.
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


class InProcessScheduler:
    """Runs named jobs, each at once and then at its interval, never two of one name.

    A run that lasts beyond its interval makes the next ones fall away; it is followed at the
    first interval after its end.  A job that raises is logged and runs again next time.

    The wall clock may jump.  APScheduler compares it with each job's next run, so a clock set
    back would stop all jobs for as long, and one set forward by years (a board without a
    battery, before NTP) would list every missed run: `_Steadily` and `_Every` undo both, so
    that jobs keep their interval on the monotonic clock, a jump apart.
    """

    def __init__(self) -> None:
        # It writes two lines a run and warns at each tick that finds its job still running.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = _Steadily(timezone=UTC)
        self._last_sign: dict[str, float] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the jobs that run at this moment, longest first."""
        return tuple(self._tasks)

    def add(self, name: str, job: Callable[[], Awaitable[None]], every: timedelta) -> None:
        """Make a job known under a name of its own; *every* is above zero."""
        self._last_sign[name] = time.monotonic()
        self._scheduler.add_job(
            self._run,
            _Every(every),
            args=(name, job),
            id=name,
            next_run_time=AT_ONCE,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def quiet_for(self, name: str) -> timedelta:
        """Say how long ago a job last began or ended (or was added), on the monotonic clock."""
        return timedelta(seconds=time.monotonic() - self._last_sign[name])

    def start(self) -> None:
        """Run every job once now, and then at its interval, on the running event loop."""
        self._scheduler.start()

    async def stop(self, within: timedelta) -> None:
        """Start nothing more, let running jobs finish, and cancel those that take too long.

        A thread that a job waits for cannot be cancelled; it ends in its own time.
        """
        self._scheduler.pause()
        await asyncio.sleep(0)  # what was submitted in this very turn of the loop begins
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=within.total_seconds())
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        self._scheduler.shutdown()
        await asyncio.sleep(0)  # APScheduler shuts down in the loop's next turn

    async def _run(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        self._last_sign[name] = time.monotonic()
        self._tasks[name] = cast("asyncio.Task[None]", asyncio.current_task())
        try:
            await job()
        except asyncio.CancelledError:
            logger.warning("job cut off: job=%s", name)
        except Exception:  # the outermost loop of the service: each job goes on without the others
            logger.exception("job failed: job=%s", name)
        finally:
            del self._tasks[name]
            self._last_sign[name] = time.monotonic()


class _Every(BaseTrigger):  # type: ignore[misc]  # apscheduler has no type information
    """The next run is one interval from now, however many the clock jumped over."""

    def __init__(self, every: timedelta) -> None:
        self.every = every

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # noqa: ARG002 - BaseTrigger's signature
        return now + self.every


class _Steadily(AsyncIOScheduler):  # type: ignore[misc]  # apscheduler has no type information
    """Goes on at once where the wall clock was set back.

    Its timer runs on the monotonic clock and wakes it in time; a next run that then lies further
    off than one interval was set by a clock that has since gone back.
    """

    def wakeup(self) -> None:
        now = datetime.now(UTC)
        for job in self.get_jobs():
            if job.next_run_time > now + job.trigger.every:
                job.modify(next_run_time=AT_ONCE)
        super().wakeup()
