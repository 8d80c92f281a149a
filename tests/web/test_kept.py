"""What is kept for many visitors: made once, never awaited while an older one will do."""

import asyncio
import threading

import pytest

from digest.web import kept
from digest.web.kept import Kept


class Watch:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def pages(watch):
    return Kept(fresh=10, stale=60, monotonic=watch)


async def test_a_crowd_that_waits_has_it_made_once(pages):
    made = []

    found = await asyncio.gather(*(pages.get("k", lambda: made.append(1) or "v") for _ in range(9)))

    assert (found, made) == (["v"] * 9, [1])


async def test_while_it_is_made_anew_the_older_one_is_given(pages, watch):
    await pages.get("k", lambda: "old")
    watch.seconds = 11
    may_end = threading.Event()

    def make():
        may_end.wait(10)
        return "new"

    assert await pages.get("k", make) == "old"
    may_end.set()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert await pages.get("k", make) == "new"


async def test_one_that_is_too_old_is_not_given(pages, watch):
    await pages.get("k", lambda: "old")
    watch.seconds = 60

    assert await pages.get("k", lambda: "new") == "new"


async def test_a_failure_is_everybodys_and_not_kept(pages):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await pages.get("k", fail)

    assert await pages.get("k", lambda: "v") == "v"


async def test_who_goes_away_does_not_end_what_others_wait_for(pages):
    may_end = threading.Event()

    def make():
        may_end.wait(10)
        return "v"

    first = asyncio.create_task(pages.get("k", make))
    second = asyncio.create_task(pages.get("k", make))
    await asyncio.sleep(0)
    first.cancel()
    may_end.set()

    assert await second == "v"


async def test_no_more_is_kept_than_there_is_room_for(pages, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 2)
    for key in "abc":
        await pages.get(key, lambda: "old")

    assert await pages.get("a", lambda: "new") == "new"
    assert await pages.get("c", lambda: "new") == "old"
