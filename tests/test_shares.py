"""Shares become messages one after another: none too late, none left out without a word."""

import asyncio
import time

import pytest

from digest.senders.shares import Shares
from tests.deliver.conftest import make_delivery, make_message

LATER = float("inf")


class Desk:
    """Writes a message for each delivery but those that cannot be written."""

    def __init__(self):
        self.written = []

    def load(self, deliveries):
        return deliveries

    def write(self, deliveries):
        for one in deliveries:
            if "broken" not in one.id:
                self.written.append(one.id)
                yield make_message(one.id)


@pytest.fixture
def left_out():
    return []


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def shares(desk, left_out):
    return Shares(desk, left_out.extend)


def share(*names):
    return [make_delivery(name) for name in names]


async def all_of(shares):
    return [one.delivery_id async for one in following(shares)]


async def following(shares):
    while message := await shares.next():
        yield message


async def test_messages_come_share_after_share_until_the_end(shares, left_out):
    shares.add(share("a", "b"), LATER)
    shares.add(share("c"), LATER)
    shares.end()

    assert await all_of(shares) == ["a", "b", "c"]
    assert await shares.next() is None  # whoever asks
    assert (shares.at_hand(), left_out) == (None, [])


async def test_at_hand_is_what_nobody_has_to_wait_for(shares):
    before = shares.at_hand()
    shares.add(share("a"), LATER)
    shares.add(share("b"), LATER)

    given = [shares.at_hand() for _ in range(3)]

    assert before is None
    assert [one and one.delivery_id for one in given] == ["a", "b", None]


async def test_a_share_that_comes_later_is_waited_for(shares):
    waiting = asyncio.create_task(shares.next())
    await asyncio.sleep(0)
    shares.add(share("a"), LATER)

    assert (await waiting).delivery_id == "a"


async def test_whoever_waits_is_not_confused_by_who_takes_what_is_at_hand(shares):
    waiting = asyncio.create_task(shares.next())
    await asyncio.sleep(0)
    shares.add(share("a"), LATER)
    taken = shares.at_hand()
    shares.end()

    assert (taken.delivery_id, await waiting) == ("a", None)


async def test_what_cannot_be_written_is_left_out(shares, left_out):
    shares.add(share("a", "broken", "b"), LATER)
    shares.end()

    assert await all_of(shares) == ["a", "b"]
    assert left_out == ["broken"]


async def test_what_is_too_late_is_left_out_unwritten(shares, desk, left_out):
    shares.add(share("a", "b"), time.monotonic())
    shares.add(share("c"), LATER)
    shares.end()

    assert await all_of(shares) == ["c"]
    assert sorted(left_out) == ["a", "b"]
    assert desk.written == ["c"]


async def test_what_was_at_hand_and_is_too_late_by_its_turn_is_left_out(shares, left_out):
    shares.add(share("a", "b"), until := time.monotonic() + 0.05)
    shares.add(share("c"), LATER)
    early = shares.at_hand()
    await asyncio.sleep(until - time.monotonic() + 0.001)
    other = shares.at_hand()

    assert shares.may_begin(other)
    assert not shares.may_begin(early)
    assert (early.delivery_id, other.delivery_id) == ("a", "c")
    assert sorted(left_out) == ["a", "b"]
