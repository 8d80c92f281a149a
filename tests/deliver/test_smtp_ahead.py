"""The next message's commands go with the end of a message; RFC 2920 section 3.1.

Whatever happens then must not differ from what happens where they go by themselves.
"""

import asyncio
from datetime import timedelta

import pytest

from digest.deliver.returns import ReturningTransport, ReturnPaths
from digest.deliver.send import send_all
from digest.errors import TransportError
from digest.model import new_id
from tests.deliver.conftest import CONTENT, NOW, SHORT, make_delivery, make_message
from tests.deliver.smtpd import (
    DRIP,
    DROP,
    LOCKSTEP,
    SILENCE,
    STALL,
    TAKE_AND_DROP,
    TIMEOUTS,
    FaultySmtp,
)

ONE = make_message("one@example.org", sender="first@example.org")
TWO = make_message("two@example.org", sender="second@example.org")
THREE = make_message("three@example.org")


async def test_next_message_is_told_of_with_the_end_of_this_one(smtp_server, connect):
    transport = connect(smtp_server, connections=1)

    replies = [await transport.send(ONE, TWO), await transport.send(TWO)]

    assert [reply.code for reply in replies] == [250, 250]
    assert [one.rcpt for one in smtp_server.received] == ["one@example.org", "two@example.org"]
    assert smtp_server.received[1].mail.startswith("<second@example.org>")
    assert [one.content for one in smtp_server.received] == [CONTENT, CONTENT]
    assert (smtp_server.connections, smtp_server.ahead) == (1, 1)


async def test_a_server_that_wants_lockstep_is_told_nothing_ahead(connect):
    async with FaultySmtp(extensions=LOCKSTEP) as server:
        transport = connect(server, connections=1)

        replies = [await transport.send(ONE, TWO), await transport.send(TWO)]

    assert [reply.code for reply in replies] == [250, 250]
    assert (server.connections, server.ahead, server.violations) == (1, 0, [])


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "body"])
@pytest.mark.parametrize(
    "act",
    [
        pytest.param("451 4.3.0 not now", id="451"),
        pytest.param("552 5.3.4 too big", id="552"),
        pytest.param("421 4.3.2 shutting down", id="421"),
        pytest.param(DROP, id="drop"),
        pytest.param(SILENCE, id="silence"),
        pytest.param(DRIP, id="drip"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="garbage"),
        pytest.param(b"250-one\r\n550 two\r\n", id="two codes"),
    ],
)
async def test_what_befalls_a_message_is_the_same_told_ahead_or_not(connect, at, act):
    outcomes = []
    for told in (None, TWO):
        async with FaultySmtp() as server:
            strike_second(server, at, act)
            timeout = TIMEOUTS.get(act, 5.0)
            transport = connect(server, connections=1, timeout=timeout, patience=SHORT)
            replies = [await transport.send(*one) for one in ((ONE, told), (TWO,), (THREE,))]
            said = [(one.code, one.uncertain, one.text) for one in replies]
            outcomes.append((said, server.recipients, server.connections))
            assert server.ahead == bool(told)

    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0][0][0] == outcomes[0][0][2][0] == 250


@pytest.mark.parametrize(
    ("act", "reply", "arrived"),
    [
        pytest.param("451 4.3.0 not now", (451, False), ["two"], id="451"),
        pytest.param("550 5.1.1 no such user", (550, False), ["two"], id="550"),
        pytest.param("421 4.3.2 shutting down", (421, False), ["two"], id="421"),
        pytest.param(DROP, (0, True), ["two"], id="drop"),
        pytest.param(TAKE_AND_DROP, (0, True), ["one", "two"], id="taken, then dropped"),
        pytest.param(SILENCE, (0, True), ["two"], id="silence"),
        pytest.param(DRIP, (0, True), ["two"], id="drip"),
        pytest.param(b"354 go on\r\n", (0, True), ["two"], id="no last answer"),
    ],
)
async def test_what_befalls_a_message_is_not_the_next_ones_fate(
    smtp_server, connect, act, reply, arrived
):
    smtp_server.fault("body", act)
    transport = connect(smtp_server, connections=1, patience=SHORT)

    first = await transport.send(ONE, TWO)
    second = await transport.send(TWO)

    assert (first.code, first.uncertain) == reply
    assert (second.code, second.uncertain) == (250, False)
    assert smtp_server.recipients == [f"{name}@example.org" for name in arrived]


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
async def test_nothing_is_told_ahead_where_the_first_is_refused(smtp_server, connect, at):
    smtp_server.fault(at, "451 4.3.0 not now")
    transport = connect(smtp_server, connections=1)

    replies = [await transport.send(ONE, TWO), await transport.send(TWO)]

    assert [reply.code for reply in replies] == [451, 250]
    assert smtp_server.recipients == ["two@example.org"]
    assert (smtp_server.connections, smtp_server.ahead) == (1, 0)


async def test_a_message_that_was_withdrawn_never_arrives_and_holds_no_connection(
    smtp_server, connect
):
    transport = connect(smtp_server, connections=1)
    await transport.send(ONE, TWO)

    transport.withdraw(TWO)
    async with asyncio.timeout(5):
        reply = await transport.send(THREE)

    assert reply.code == 250
    assert smtp_server.recipients == ["one@example.org", "three@example.org"]
    assert smtp_server.connections == 2


async def test_closing_leaves_no_connection_that_was_told_ahead(smtp_server, connect):
    transport = connect(smtp_server, connections=1)
    await transport.send(ONE, TWO)

    async with asyncio.timeout(5):
        await transport.close()
        await smtp_server.is_deserted()

    assert smtp_server.recipients == ["one@example.org"]


async def test_a_connection_that_dies_meanwhile_costs_no_attempt(smtp_server, connect):
    """So long may the next message wait for its turn that the server gives up on it."""
    strike_second(smtp_server, "DATA", "421 4.4.2 waited too long")
    transport = connect(smtp_server, connections=1)
    await transport.send(ONE, TWO)
    async with asyncio.timeout(5):
        await smtp_server.is_deserted()

    reply = await transport.send(TWO)

    assert reply.code == 250
    assert smtp_server.recipients == ["one@example.org", "two@example.org"]
    assert smtp_server.connections == 2


async def test_a_relay_that_does_not_bear_to_be_told_ahead_is_told_no_more(smtp_server, connect):
    smtp_server.fault("MAIL", "503 5.5.1 out of step", about="second@")
    transport = connect(smtp_server, connections=1)

    replies = [await transport.send(*one) for one in ((ONE, TWO), (TWO, THREE), (THREE,))]

    assert [reply.code for reply in replies] == [250, 250, 250]
    assert (smtp_server.connections, smtp_server.ahead) == (1, 1)


async def test_a_sender_that_is_refused_when_said_alone_too_ends_the_run(smtp_server, connect):
    smtp_server.fault("MAIL", "550 5.7.1 not yours", about="second@", times=None)
    transport = connect(smtp_server, connections=1)
    await transport.send(ONE, TWO)

    with pytest.raises(TransportError, match="not yours at MAIL"):
        await transport.send(TWO)


async def test_connection_is_replaced_after_as_many_messages_as_ever(smtp_server, connect):
    transport = connect(smtp_server, connections=1, per_connection=2)
    messages = [make_message(f"r{n}@example.org") for n in range(5)]

    for message, following in zip(messages, [*messages[1:], None], strict=True):
        await transport.send(message, following)
    await transport.close()

    assert (smtp_server.connections, len(smtp_server.received)) == (3, 5)
    assert (smtp_server.commands["QUIT"], smtp_server.ahead) == (3, 2)


async def test_a_message_cut_off_half_way_is_certainly_not_sent(connect):
    """What was said after it does not hide that bytes of it are still here."""
    async with FaultySmtp(extensions=("PIPELINING",)) as server:
        server.fault("DATA", STALL)
        transport = connect(server, patience=SHORT)
        content = b"\r\n\r\n" + (b"x" * 900 + b"\r\n") * 20_000

        reply = await transport.send(make_message(content=content), TWO)

        assert (reply.code, reply.uncertain) == (0, False)


async def test_what_cannot_be_sent_is_not_told_of_but_refused_in_its_turn(smtp_server, connect):
    broken = make_message("x y@example.org")
    transport = connect(smtp_server, connections=1)

    replies = [await transport.send(ONE, broken), await transport.send(broken)]

    assert [reply.code for reply in replies] == [250, 553]
    assert smtp_server.ahead == 0


async def test_it_is_told_of_by_its_own_return_path(smtp_server, connect):
    paths = ReturnPaths("bounces@example.org", ["long-enough-to-be-a-key"])
    transport = ReturningTransport(connect(smtp_server, connections=1), paths)
    one, two = (make_message(name=new_id(NOW)) for _ in range(2))

    replies = [await transport.send(one, two), await transport.send(two)]

    assert [reply.code for reply in replies] == [250, 250]
    returned = [paths.read(got.mail[1:].partition(">")[0]) for got in smtp_server.received]
    assert returned == [one.delivery_id, two.delivery_id]
    assert smtp_server.ahead == 1


async def test_where_connections_are_few_nobody_keeps_one(smtp_server, connect):
    """Else a message would wait for as long as another lane finds the next one at hand."""
    transport = connect(smtp_server, connections=4)
    await transport.send(THREE)
    smtp_server.fault("connect", "421 4.7.0 too many connections", times=None)
    names = [f"r{n:02}@example.org" for n in range(40)]
    attempts = send_all(
        transport,
        map(make_message, names),
        {name: make_delivery(name) for name in names},
        give_up_after=timedelta(hours=24),
        clock=lambda: NOW,
        random=lambda: 0.0,
        stop=asyncio.Event(),
    )

    async for _ in attempts:
        pass

    arrived = smtp_server.recipients[1:]
    assert sorted(arrived) == names
    assert all(abs(place - names.index(name)) < 12 for place, name in enumerate(arrived))


def strike_second(server, at, act):
    """Let a fault befall the second message."""
    if at == "DATA":
        server.fault(at, "354 go on")
        server.fault(at, act)
    else:
        server.fault(at, act, about="second@" if at == "MAIL" else "two@")
