import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta

import pytest

from digest.schedule.in_process import InProcessScheduler

OFTEN = timedelta(milliseconds=5)
PATIENCE = timedelta(seconds=30)


@pytest.fixture
async def scheduler():
    scheduler = InProcessScheduler()
    yield scheduler
    await scheduler.stop(timedelta(0))


class Counted:
    """A job that counts its runs; `reached` waits for so many, in all or from now on."""

    def __init__(self):
        self.runs = 0
        self._ran = asyncio.Condition()

    async def __call__(self):
        async with self._ran:
            self.runs += 1
            self._ran.notify_all()

    async def reached(self, runs):
        async with asyncio.timeout(PATIENCE.total_seconds()), self._ran:
            await self._ran.wait_for(lambda: self.runs >= runs)

    async def goes_on(self):
        await self.reached(self.runs + 3)


async def test_job_runs_at_once_then_at_its_interval(scheduler):
    hourly, often = Counted(), Counted()
    scheduler.add("hourly", hourly, timedelta(hours=1))
    scheduler.add("often", often, OFTEN)

    scheduler.start()

    await hourly.reached(1)
    await often.reached(5)
    assert hourly.runs == 1


async def test_two_runs_of_one_name_never_overlap_and_the_next_follows(scheduler):
    begun, may_end, other = Counted(), asyncio.Event(), Counted()

    async def slow():
        await begun()
        await may_end.wait()

    scheduler.add("slow", slow, OFTEN)
    scheduler.add("other", other, OFTEN)
    scheduler.start()

    await other.reached(10)
    assert begun.runs == 1
    assert "slow" in scheduler.running
    may_end.set()
    await begun.goes_on()


async def test_failing_job_is_logged_with_its_traceback_and_runs_again(scheduler, caplog):
    failed, other = Counted(), Counted()

    async def failing():
        await failed()
        raise ZeroDivisionError("no such number")

    scheduler.add("failing", failing, OFTEN)
    scheduler.add("other", other, OFTEN)
    scheduler.start()

    await failed.reached(3)
    await other.goes_on()
    record = caplog.records[0]
    assert record.getMessage() == "job failed: job=failing"
    assert record.levelno == logging.ERROR
    assert record.exc_info[0] is ZeroDivisionError


async def test_skipped_and_ordinary_runs_leave_no_line_in_the_log(scheduler, caplog):
    caplog.set_level(logging.INFO)
    other = Counted()
    scheduler.add("endless", asyncio.Event().wait, OFTEN)
    scheduler.add("other", other, OFTEN)
    scheduler.start()

    await other.reached(10)

    assert caplog.messages == []


async def test_stop_waits_for_running_jobs_and_starts_no_more():
    scheduler, counts, begun, may_end = (
        InProcessScheduler(),
        Counter(),
        asyncio.Event(),
        asyncio.Event(),
    )

    async def slow():
        begun.set()
        await may_end.wait()
        counts["finished"] += 1

    async def other():
        counts["other"] += 1

    scheduler.add("slow", slow, OFTEN)
    scheduler.add("other", other, OFTEN)
    scheduler.start()
    await begun.wait()

    stopping = asyncio.create_task(scheduler.stop(PATIENCE))
    may_end.set()
    await stopping

    assert counts["finished"] == 1
    assert scheduler.running == ()
    ended_with = counts["other"]
    await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.05)
    assert counts["other"] == ended_with


async def test_stop_cancels_what_does_not_end_within_its_time(caplog):
    scheduler, begun, cleaned = InProcessScheduler(), asyncio.Event(), asyncio.Event()

    async def endless():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    scheduler.add("endless", endless, OFTEN)
    scheduler.start()
    await begun.wait()

    await scheduler.stop(timedelta(milliseconds=1))

    assert cleaned.is_set()
    assert caplog.messages == ["job cut off: job=endless"]


@pytest.mark.parametrize(
    "jump",
    [
        pytest.param(timedelta(hours=-1), id="an hour back"),
        pytest.param(timedelta(days=-365), id="a year back"),
        pytest.param(timedelta(hours=1), id="an hour forward"),
        pytest.param(timedelta(days=56 * 365), id="from 1970 to NTP's answer"),
    ],
)
async def test_jobs_keep_their_interval_through_a_clock_jump(scheduler, monkeypatch, jump):
    """APScheduler takes no clock, so the one its modules read is exchanged."""

    class JumpyDatetime(datetime):
        jumped = timedelta(0)

        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + cls.jumped

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", JumpyDatetime)
    monkeypatch.setattr("digest.schedule.in_process.datetime", JumpyDatetime)
    often, hourly = Counted(), Counted()
    scheduler.add("often", often, OFTEN)
    scheduler.add("hourly", hourly, timedelta(hours=1))
    scheduler.start()
    await often.reached(3)

    JumpyDatetime.jumped = jump
    await often.goes_on()

    # The hourly job may ask once more on each side of the jump, which costs a query.
    assert hourly.runs <= 2


async def test_quiet_time_counts_from_the_last_begin_or_end(scheduler):
    often = Counted()
    scheduler.add("endless", asyncio.Event().wait, OFTEN)
    scheduler.add("often", often, OFTEN)
    scheduler.start()

    await often.reached(10)

    assert scheduler.quiet_for("endless") > OFTEN
    assert timedelta(0) <= scheduler.quiet_for("often") < scheduler.quiet_for("endless")
