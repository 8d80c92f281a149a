"""Several relays: shares are kept, what is broken is passed by, nothing is handed over twice."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from digest.deliver.relays import Relays
from digest.errors import TransportError
from digest.model import Reply
from tests.deliver.conftest import make_message
from tests.deliver.smtpd import FaultySmtp

TAKEN = Reply(code=250, text="ok")
CLOSING = Reply(code=421, text="4.3.2 closing", relay="a")
BROKEN = Reply(code=0, text="connection lost")
UNCERTAIN = Reply(code=0, text="connection lost", uncertain=True)
REFUSED = Reply(code=550, text="5.1.1 no such user")
DOWN = TransportError("a is down")
WRONG = TransportError("a has another's certificate", permanent=True)


class Answering:
    """A transport that always answers alike."""

    def __init__(self, answer=TAKEN, *, connections=1):
        self.answer = answer
        self.connections = connections
        self.asked = 0
        self.closed = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message):
        self.asked += 1
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self):
        self.closed = True


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def relays(*shares, clock=None):
    return Relays(shares, clock=clock or Clock(), set_aside=timedelta(seconds=60))


@pytest.mark.parametrize(
    ("weights", "asked"),
    [
        pytest.param((1, 1), (6, 6), id="equal"),
        pytest.param((2, 1), (8, 4), id="two to one"),
        pytest.param((1, 0), (12, 0), id="one in reserve"),
        pytest.param((5, 1), (10, 2), id="five to one"),
    ],
)
async def test_messages_are_shared_out_by_weight(weights, asked):
    transports = [Answering() for _ in weights]
    several = relays(*zip(transports, weights, strict=True))

    for _ in range(12):
        await several.send(make_message())

    assert tuple(one.asked for one in transports) == asked


async def test_shares_are_mixed_not_in_blocks():
    first, second = Answering(), Answering()
    several = relays((first, 1), (second, 1))

    for _ in range(2):
        await several.send(make_message())

    assert (first.asked, second.asked) == (1, 1)


@pytest.mark.parametrize("answer", [DOWN, WRONG, CLOSING], ids=["down", "wrong", "421"])
async def test_failing_relay_is_set_aside_and_the_message_goes_to_the_next(answer):
    clock = Clock()
    failing, healthy = Answering(answer), Answering()
    several = relays((failing, 1), (healthy, 0), clock=clock)

    replies = [await several.send(make_message()) for _ in range(5)]

    assert {reply.code for reply in replies} == {250}
    assert failing.asked == 1


async def test_relay_is_asked_again_after_its_time_aside():
    clock = Clock()
    recovering, reserve = Answering(DOWN), Answering()
    several = relays((recovering, 1), (reserve, 0), clock=clock)
    await several.send(make_message())
    recovering.answer = TAKEN
    clock.seconds = 60.0

    await several.send(make_message())

    assert (recovering.asked, reserve.asked) == (2, 1)


async def test_broken_connection_tries_the_next_without_setting_aside():
    broken, healthy = Answering(BROKEN), Answering()
    several = relays((broken, 1), (healthy, 0))

    for _ in range(2):
        assert (await several.send(make_message())).code == 250

    assert broken.asked == 2


@pytest.mark.parametrize("answer", [UNCERTAIN, REFUSED], ids=["uncertain", "refused"])
async def test_what_another_relay_could_only_double_stays_where_it_is(answer):
    first, second = Answering(answer), Answering()

    reply = await relays((first, 1), (second, 0)).send(make_message())

    assert reply is answer
    assert second.asked == 0


@pytest.mark.parametrize(
    ("errors", "permanent"),
    [
        pytest.param((WRONG, WRONG), True, id="every one for good"),
        pytest.param((WRONG, DOWN), False, id="one of them for now"),
    ],
)
async def test_no_usable_relay_is_an_error(errors, permanent):
    several = relays(*((Answering(error), 1) for error in errors))

    with pytest.raises(TransportError) as caught:
        await several.send(make_message())

    assert caught.value.permanent is permanent


async def test_while_all_are_set_aside_nobody_is_asked():
    down = Answering(DOWN)
    several = relays((down, 1))
    with pytest.raises(TransportError):
        await several.send(make_message())

    with pytest.raises(TransportError, match="set aside"):
        await several.send(make_message())

    assert down.asked == 1


async def test_if_each_relay_only_breaks_the_last_reply_counts():
    several = relays((Answering(CLOSING), 1), (Answering(BROKEN), 1))

    assert (await several.send(make_message())).code == 0


async def test_slow_relay_does_not_hold_up_the_others():
    slow, quick = Answering(connections=1), Answering(connections=1)
    slow.gate.clear()
    several = relays((slow, 1), (quick, 1))
    stuck = asyncio.create_task(several.send(make_message()))
    await asyncio.sleep(0)

    for _ in range(4):
        await several.send(make_message())

    assert (slow.asked, quick.asked) == (1, 4)
    slow.gate.set()
    await stuck


async def test_connections_are_those_of_the_relays_that_share():
    shares = ((Answering(connections=4), 2), (Answering(connections=3), 1), (Answering(), 0))

    assert relays(*shares).connections == 7


async def test_closing_closes_every_relay():
    transports = [Answering(), Answering()]

    await relays(*((one, 1) for one in transports)).close()

    assert all(one.closed for one in transports)


async def test_mail_flows_through_the_second_real_relay_while_the_first_is_down(connect):
    async with FaultySmtp() as down, FaultySmtp() as healthy:
        down.fault("connect", "554 5.3.2 no service", times=None)
        several = relays((connect(down), 1), (connect(healthy), 1))
        recipients = [f"reader{number}@example.org" for number in range(20)]

        await asyncio.gather(*(several.send(make_message(one)) for one in recipients))

        assert Counter(healthy.recipients) == Counter(recipients)
        assert down.received == []
