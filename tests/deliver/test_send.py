"""Handing a batch over: every attempt is told, and what was not tried is not told of."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import pytest

from digest.deliver.send import send_all, send_each
from digest.errors import TransportError
from digest.model import AttemptOutcome, Message, Reply
from tests.deliver.conftest import NOW, make_delivery, make_message

SENT, DEFERRED, FAILED = AttemptOutcome.SENT, AttemptOutcome.DEFERRED, AttemptOutcome.FAILED
TAKEN = Reply(code=250, text="ok")


class ScriptedTransport:
    """Answers as told by recipient, and watches how many messages are under way at once."""

    def __init__(self, replies=(), *, connections=1):
        self.connections = connections
        self.replies = dict(replies)
        self.begun: list[str] = []
        self.told: list[str | None] = []
        self.withdrawn: list[str] = []
        self.at_once = self.most_at_once = 0
        self.is_full = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message: Message, following: Message | None = None) -> Reply:
        self.begun.append(message.recipient)
        self.told.append(following and following.recipient)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once == self.connections:
            self.is_full.set()
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        reply = self.replies.get(message.recipient, TAKEN)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def withdraw(self, message: Message) -> None:
        self.withdrawn.append(message.recipient)

    async def close(self) -> None:
        pass


def batch(count):
    return [f"reader{number}@example.org" for number in range(count)]


def hand_over(transport, recipients, *into, stop=None, messages: Iterable | None = None):
    """Hand messages over; *into*: whom attempts are told, and the places."""
    return (send_each if into else send_all)(
        transport,
        messages if messages is not None else [make_message(one) for one in recipients],
        {one: make_delivery(one) for one in recipients},
        *into,
        give_up_after=timedelta(hours=24),
        clock=lambda: NOW,
        random=lambda: 0.0,
        stop=stop or asyncio.Event(),
    )


async def collected(attempts):
    """Give the attempts, and the error that ended them or None."""
    told = []
    try:
        async for attempt in attempts:
            told.append(attempt)  # noqa: PERF401 - what came before the error counts
    except (TransportError, ValueError) as error:
        return told, error
    return told, None


async def test_every_message_gets_one_attempt():
    recipients = batch(50)

    attempts, error = await collected(hand_over(ScriptedTransport(connections=4), recipients))

    assert error is None
    assert sorted(one.delivery_id for one in attempts) == sorted(recipients)
    assert {one.outcome for one in attempts} == {SENT}


async def test_nothing_to_send_ends_at_once():
    assert await collected(hand_over(ScriptedTransport(connections=4), [])) == ([], None)


async def test_refused_recipient_does_not_stop_the_batch(smtp_server, connect):
    smtp_server.fault("RCPT", "550 5.1.1 no such user", about="gone@")
    recipients = ["gone@example.org", "ada@example.org"]

    attempts, _ = await collected(hand_over(connect(smtp_server, connections=1), recipients))

    assert [one.outcome for one in attempts] == [FAILED, SENT]
    assert [one.bad_address for one in attempts] == [True, False]
    assert smtp_server.recipients == ["ada@example.org"]


async def test_as_many_at_once_as_the_transport_has_connections():
    transport = ScriptedTransport(connections=5)

    await collected(hand_over(transport, batch(40)))

    assert transport.most_at_once == 5


async def test_unusable_relay_ends_the_run_after_what_was_in_flight():
    """What got no attempt stays for the caller to release: here all but the first two."""
    recipients = batch(10)
    transport = ScriptedTransport({recipients[2]: TransportError("relay is down")})

    attempts, error = await collected(hand_over(transport, recipients))

    assert [one.delivery_id for one in attempts] == recipients[:2]
    assert "relay is down" in str(error)
    assert transport.begun == recipients[:3]


async def test_attempts_in_flight_are_told_before_the_error_is_raised():
    recipients = batch(50)
    broken = TransportError("relay is down", permanent=True)
    transport = ScriptedTransport({recipients[0]: broken}, connections=4)

    attempts, error = await collected(hand_over(transport, recipients))

    assert error is broken
    assert len(transport.begun) == 4
    assert sorted(one.delivery_id for one in attempts) == sorted(set(transport.begun[1:]))


async def test_stop_lets_what_is_in_flight_finish_and_begins_nothing_new():
    stop = asyncio.Event()
    transport = ScriptedTransport(connections=3)
    transport.gate.clear()
    telling = asyncio.create_task(collected(hand_over(transport, batch(20), stop=stop)))
    await transport.is_full.wait()

    stop.set()
    transport.gate.set()
    attempts, error = await telling

    assert error is None
    assert sorted(one.delivery_id for one in attempts) == sorted(transport.begun)
    assert sorted(transport.withdrawn) == sorted(transport.told)
    assert len(attempts) == len(transport.withdrawn) == 3


async def test_stop_before_the_start_begins_nothing():
    stop = asyncio.Event()
    stop.set()
    transport = ScriptedTransport(connections=3)

    assert await collected(hand_over(transport, batch(5), stop=stop)) == ([], None)
    assert transport.begun == []


async def test_message_that_comes_after_the_stop_is_not_begun():
    """Taking a message may take long; a stop that comes meanwhile still counts."""
    stop = asyncio.Event()

    async def messages():
        yield make_message(batch(2)[0])
        stop.set()
        yield make_message(batch(2)[1])

    transport = ScriptedTransport()
    attempts, _ = await collected(hand_over(transport, batch(2), messages=messages(), stop=stop))

    assert [one.delivery_id for one in attempts] == transport.begun == batch(2)[:1]


async def test_never_more_begun_than_told_plus_connections():
    """The bound of doubles after a kill: what the caller has not heard of is in flight."""
    transport = ScriptedTransport(connections=4)
    told = 0

    async for _ in hand_over(transport, batch(60)):
        told += 1
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(transport.begun) <= told + 4


async def test_messages_are_taken_only_as_they_are_begun():
    made = []

    def messages():
        for recipient in batch(10):
            made.append(recipient)
            yield make_message(recipient)

    transport = ScriptedTransport(connections=2)
    attempts = hand_over(transport, batch(10), messages=messages())
    await anext(attempts)

    assert len(made) <= 4
    await attempts.aclose()


async def test_messages_may_come_asynchronously():
    async def messages():
        for recipient in batch(10):
            await asyncio.sleep(0)
            yield make_message(recipient)

    transport = ScriptedTransport(connections=4)
    attempts, _ = await collected(hand_over(transport, batch(10), messages=messages()))

    assert len(attempts) == 10


async def test_error_of_the_messages_is_raised_after_the_attempts():
    def messages():
        yield make_message(batch(2)[0])
        raise ValueError("template broken")

    transport = ScriptedTransport(connections=2)
    attempts, error = await collected(hand_over(transport, batch(2), messages=messages()))

    assert [one.outcome for one in attempts] == [SENT]
    assert "template broken" in str(error)


async def test_closing_early_leaves_no_sender_behind():
    transport = ScriptedTransport(connections=4)
    attempts = hand_over(transport, batch(20))
    await anext(attempts)

    await attempts.aclose()

    assert transport.at_once == 0
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(
    ("reply", "level"),
    [
        pytest.param(Reply(code=550, text="5.7.1 SPF failed for ada@"), "ERROR", id="policy"),
        pytest.param(Reply(code=550, text="5.1.1 ada@ unknown"), "WARNING", id="final"),
        pytest.param(Reply(code=451, text="4.3.0 ada@ later"), "INFO", id="deferred"),
    ],
)
async def test_what_was_not_sent_is_logged_without_the_address(caplog, reply, level):
    caplog.set_level("INFO")
    delivery = make_delivery("ada@example.org", name="0193")
    message = make_message("ada@example.org", name="0193")

    attempts = send_all(
        ScriptedTransport({"ada@example.org": reply}),
        [message],
        {"0193": delivery},
        give_up_after=timedelta(hours=24),
        clock=lambda: NOW,
        random=lambda: 0.0,
        stop=asyncio.Event(),
    )
    await collected(attempts)

    [record] = caplog.records
    assert record.levelname == level
    assert "delivery=0193" in record.message
    assert "ada@" not in record.message


async def test_places_of_the_caller_bound_what_is_begun_and_not_released():
    """They are released when attempts are recorded, which may be long after they were given."""
    places, told = asyncio.Semaphore(4), asyncio.Queue()
    transport = ScriptedTransport(connections=2)
    sending = asyncio.create_task(hand_over(transport, batch(6), told.put_nowait, places))

    ids = [(await told.get()).delivery_id for _ in range(4)]
    begun_before = len(transport.begun)
    for _ in range(2):
        places.release()
        ids.append((await told.get()).delivery_id)
    for _ in range(2):  # what is left to see is that there is no more
        places.release()
    await sending

    assert begun_before == 4
    assert sorted(ids) == batch(6)
    assert told.empty()


async def test_the_relay_may_be_told_of_what_each_connection_takes_next():
    transport = ScriptedTransport(connections=2)

    await collected(hand_over(transport, batch(20)))

    told = [following for following in transport.told if following]
    assert len(told) == len(set(told)) == 18
    assert transport.withdrawn == []


async def test_what_the_relay_was_told_of_is_withdrawn_by_who_leaves_early():
    transport, told = ScriptedTransport(connections=4), asyncio.Queue()
    places = asyncio.Semaphore(4)
    sending = asyncio.create_task(hand_over(transport, batch(20), told.put_nowait, places))
    for _ in range(4):
        await told.get()

    sending.cancel()
    await asyncio.wait([sending])

    assert sending.cancelled()
    assert sorted(transport.withdrawn) == sorted(transport.told)


async def test_what_is_too_late_by_its_turn_is_withdrawn_and_another_is_sent():
    class Late:
        def __init__(self):
            self.left = [make_message(one) for one in batch(4)]

        def at_hand(self):
            return self.left.pop(0) if self.left else None

        async def next(self):
            return self.at_hand()

        def may_begin(self, message):
            return message.recipient != batch(4)[1]

    transport = ScriptedTransport()
    attempts, _ = await collected(hand_over(transport, batch(4), messages=Late()))

    assert transport.withdrawn == batch(4)[1:2]
    assert [one.delivery_id for one in attempts] == [batch(4)[n] for n in (0, 2, 3)]


async def test_who_leaves_early_is_not_held_by_a_cancellation_that_was_swallowed():
    class Deaf(ScriptedTransport):
        async def send(self, message, following=None):
            self.is_full.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return TAKEN

    transport = Deaf()
    telling = asyncio.create_task(collected(hand_over(transport, batch(3))))
    await transport.is_full.wait()

    telling.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([telling])

    assert telling.cancelled()
    assert len(transport.withdrawn) == 1


async def test_nobody_waits_for_another_message_once_the_relay_is_unusable():
    """The next ones may be claimed only after those have ended that failed now."""

    class Dry:
        def __init__(self):
            self.left = [make_message(one) for one in batch(2)]
            self.is_dry, self.has_ended = asyncio.Event(), asyncio.Event()

        def at_hand(self):
            return self.left.pop(0) if self.left else None

        async def next(self):
            if self.left:
                return self.left.pop(0)
            self.is_dry.set()
            await self.has_ended.wait()
            return None

        def may_begin(self, message):
            return True

        def end(self):
            self.has_ended.set()

    transport = ScriptedTransport({batch(1)[0]: TransportError("relay is down")}, connections=3)
    transport.gate.clear()
    supply = Dry()
    telling = asyncio.create_task(collected(hand_over(transport, batch(2), messages=supply)))
    await supply.is_dry.wait()

    transport.gate.set()
    async with asyncio.timeout(5):
        attempts, error = await telling

    assert (attempts, str(error)) == ([], "relay is down")
    assert transport.withdrawn == batch(2)[1:]


async def test_a_batch_through_a_real_relay_that_is_told_ahead(smtp_server, connect):
    recipients = batch(50)

    attempts, error = await collected(hand_over(connect(smtp_server, connections=3), recipients))

    assert error is None
    assert {one.outcome for one in attempts} == {SENT}
    assert sorted(smtp_server.recipients) == sorted(recipients)
    assert 40 <= smtp_server.ahead <= 47
