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


async def test_at_hand_is_what_is_left_of_the_share_that_was_begun(shares):
    shares.add(share("a", "b"), LATER)
    shares.add(share("c"), LATER)

    before, begun = shares.at_hand(), await shares.next()
    given = [shares.at_hand() for _ in range(2)]

    assert (before, begun.delivery_id) == (None, "a")
    assert [one and one.delivery_id for one in given] == ["b", None]
    assert (await shares.next()).delivery_id == "c"


async def test_a_share_that_comes_later_is_waited_for(shares):
    waiting = asyncio.create_task(shares.next())
    await asyncio.sleep(0)
    shares.add(share("a"), LATER)

    assert (await waiting).delivery_id == "a"


async def test_what_comes_while_one_waits_is_not_taken_from_under_it(shares):
    """It would begin the share after that instead, and nobody would send the rest of this one."""
    waiting = asyncio.create_task(shares.next())
    await asyncio.sleep(0)
    shares.add(share("a", "b"), LATER)
    taken = shares.at_hand()
    shares.add(share("c"), LATER)
    shares.end()

    assert (taken, (await waiting).delivery_id) == (None, "a")
    assert await all_of(shares) == ["b", "c"]


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
    shares.add(share("a", "b", "c"), until := time.monotonic() + 0.05)
    shares.add(share("d", "e"), LATER)
    await shares.next()
    early = shares.at_hand()
    await asyncio.sleep(until - time.monotonic() + 0.001)
    await shares.next()
    other = shares.at_hand()

    assert shares.may_begin(other)
    assert not shares.may_begin(early)
    assert (early.delivery_id, other.delivery_id) == ("b", "e")
    assert sorted(left_out) == ["b", "c"]


async def test_what_comes_again_while_it_is_ahead_is_begun_once(shares, left_out):
    """Its lane may be held up for so long that its claim ends and it is claimed again."""
    shares.add(share("x", "a"), LATER)
    shares.add(share("y", "a"), LATER)
    ahead = []
    for _ in range(2):
        await shares.next()
        ahead.append(shares.at_hand())

    assert [shares.may_begin(one) for one in ahead] == [True, False]
    assert left_out == ["a"]
