"""The pace: no limit is broken, nobody waits for another's limit, nothing is forgotten."""

import asyncio
from datetime import timedelta

import pytest

from digest.deliver.pace import DOMAINS_KEPT, Limits, Pace
from digest.deliver.send import send_all
from digest.errors import TransportError
from digest.model import Reply
from tests.deliver.conftest import NOW, make_delivery, make_message


class Recorder:
    """A transport that notes when each message began and how many were under way."""

    def __init__(self, *, connections=8):
        self.connections = connections
        self.began: list[tuple[float, str]] = []
        self.under_way: dict[str, int] = {}
        self.most_under_way: dict[str, int] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.error = None
        self.closed = False

    async def send(self, message):
        domain = message.recipient.rpartition("@")[2].lower()
        self.began.append((asyncio.get_running_loop().time(), message.recipient))
        self.under_way[domain] = self.under_way.get(domain, 0) + 1
        self.most_under_way[domain] = max(
            self.most_under_way.get(domain, 0), self.under_way[domain]
        )
        await self.gate.wait()
        await asyncio.sleep(0)
        self.under_way[domain] -= 1
        if self.error is not None:
            raise self.error
        return Reply(code=250, text="ok")

    async def close(self):
        self.closed = True


async def send_paced(recorder, recipients, *, stop=None, **limits):
    stop = stop or asyncio.Event()
    pace = Pace(recorder, Limits(**limits), clock=asyncio.get_running_loop().time)
    messages = [make_message(one) for one in recipients]
    attempts = send_all(
        pace,
        pace.in_turn(messages, stop),
        {one: make_delivery(one) for one in recipients},
        give_up_after=timedelta(hours=24),
        clock=lambda: NOW,
        random=lambda: 0.0,
        stop=stop,
    )
    return [attempt.delivery_id async for attempt in attempts]


def readers(count, domain="example.org"):
    return [f"reader{number}@{domain}" for number in range(count)]


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({}, id="no limit"),
        pytest.param({"per_second": 2000.0}, id="rate"),
        pytest.param({"domain_per_second": 1000.0}, id="rate of a domain"),
        pytest.param({"domain_at_once": 1}, id="one at once to a domain"),
        pytest.param(
            {"per_second": 5000.0, "domain_per_second": 2000.0, "domain_at_once": 2}, id="all"
        ),
    ],
)
async def test_every_message_is_sent_once_whatever_the_limits(limits):
    recipients = readers(30, "a.test") + readers(30, "b.test") + readers(30, "c.test")
    recorder = Recorder()

    attempts = await send_paced(recorder, recipients, **limits)

    assert sorted(attempts) == sorted(recipients)
    assert sorted(recipient for _, recipient in recorder.began) == sorted(recipients)


async def test_rate_over_all_is_kept():
    recorder = Recorder()

    await send_paced(recorder, readers(20), per_second=200.0)

    assert recorder.began[-1][0] - recorder.began[0][0] >= 19 / 200.0 - 1e-3


async def test_rate_of_a_domain_is_kept_whatever_its_spelling():
    recorder = Recorder()
    recipients = [f"r{n}@{'Slow' if n % 2 else 'slow'}.test" for n in range(10)]

    await send_paced(recorder, recipients, domain_per_second=100.0)

    assert recorder.began[-1][0] - recorder.began[0][0] >= 9 / 100.0 - 1e-3


async def test_domain_that_must_wait_lets_others_by():
    recorder = Recorder()
    slow, other = readers(2, "slow.test"), [f"r@{n}.test" for n in range(20)]

    await send_paced(recorder, slow + other, domain_per_second=2.0)

    order = [recipient for _, recipient in recorder.began]
    assert set(order[:21]) == {slow[0], *other}


async def test_no_more_at_once_to_a_domain_than_allowed():
    recorder = Recorder(connections=8)

    await send_paced(recorder, readers(40, "a.test") + readers(40, "b.test"), domain_at_once=2)

    assert recorder.most_under_way == {"a.test": 2, "b.test": 2}


async def test_stop_does_not_wait_for_anybodys_turn():
    """What waits for its turn was not begun; it gets no attempt, and stays the caller's."""
    recorder = Recorder()
    stop = asyncio.Event()
    sending = asyncio.create_task(
        send_paced(recorder, readers(5), stop=stop, domain_per_second=0.001)
    )
    async with asyncio.timeout(5):
        while not recorder.began:  # noqa: ASYNC110 - one turn of the loop, not a wait
            await asyncio.sleep(0)

        stop.set()

        assert await sending == [readers(1)[0]]


async def test_unusable_relay_does_not_wait_for_anybodys_turn():
    """The error is raised at once, however long the next message would have to wait."""
    recorder = Recorder()
    recorder.error = TransportError("relay is down")

    async with asyncio.timeout(5):
        with pytest.raises(TransportError):
            await send_paced(recorder, readers(5), domain_per_second=0.001)

    assert len(recorder.began) == 1


async def test_waiting_messages_hold_no_more_than_the_room():
    made = []

    def messages():
        for recipient in readers(1000):
            made.append(recipient)
            yield make_message(recipient)

    pace = Pace(Recorder(), Limits(domain_at_once=1), clock=lambda: 0.0)
    turns = pace.in_turn(messages(), asyncio.Event())
    first = await anext(turns)
    sending = asyncio.create_task(pace.send(first))
    await anext(turns)

    assert len(made) <= 202
    await sending
    await turns.aclose()


async def test_domains_are_not_remembered_for_ever():
    pace = Pace(Recorder(), Limits(domain_per_second=1e9), clock=asyncio.get_running_loop().time)

    for number in range(DOMAINS_KEPT + 500):
        await pace.send(make_message(f"r@{number}.test"))

    assert len(pace._domains) <= DOMAINS_KEPT + 1


async def test_closing_closes_the_transport():
    recorder = Recorder()

    await Pace(recorder, Limits(), clock=lambda: 0.0).close()

    assert recorder.closed
