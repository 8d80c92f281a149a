"""The transport against a server that misbehaves: right reply, nothing lost, reuse counted."""

import asyncio

import pytest

from digest.deliver.smtp import Patience
from digest.errors import TransportError
from tests.deliver.conftest import SHORT, make_message
from tests.deliver.smtpd import (
    DRIP,
    DROP,
    SILENCE,
    STALL,
    TAKE_AND_DROP,
    TIMEOUTS,
    FaultySmtp,
)

GARBAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"
ENDLESS = b"250-and so on\r\n" * 20_000


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "body"])
@pytest.mark.parametrize(
    "reply", ["451 4.3.0 not now", "452 4.2.2 full", "552 5.3.4 too big", "555 what"]
)
async def test_refusal_reaches_the_caller_and_leaves_the_connection(any_server, connect, at, reply):
    any_server.fault(at, reply)
    transport = connect(any_server, connections=1)

    refused = await transport.send(make_message("gone@example.org"))
    following = await transport.send(make_message("ada@example.org"))

    assert f"{refused.code} {refused.text}" == reply
    assert following.code == 250
    assert any_server.recipients == ["ada@example.org"]
    assert any_server.connections == 1


@pytest.mark.parametrize("at", ["RCPT", "DATA", "body"])
async def test_final_refusal_leaves_the_connection(any_server, connect, at):
    any_server.fault(at, "550 5.1.1 no such user")
    transport = connect(any_server, connections=1)

    refused = await transport.send(make_message("gone@example.org"))
    following = await transport.send(make_message("ada@example.org"))

    assert (refused.code, following.code) == (550, 250)
    assert any_server.recipients == ["ada@example.org"]
    assert any_server.connections == 1


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        pytest.param("MAIL", "550 5.7.1 sender not allowed", id="our sender is refused"),
        pytest.param("MAIL", "530 5.7.0 log in first", id="no login, told at MAIL"),
        pytest.param("RCPT", "530 5.7.0 encrypt first", id="no encryption, told at RCPT"),
    ],
)
async def test_refusal_of_ourselves_stops_everything(any_server, connect, at, reply):
    """Every other message would meet it too: no reader's delivery may fail for it."""
    any_server.fault(at, reply, times=None)

    with pytest.raises(TransportError, match=reply[4:9]) as caught:
        await connect(any_server).send(make_message())

    assert caught.value.permanent


async def test_data_let_through_without_a_recipient_is_ended_by_one_dot(smtp_server, connect):
    """RFC 2920 section 3.1; smtpd.py answers 354 although it took no recipient."""
    smtp_server.fault("RCPT", "550 5.1.1 no such user")
    smtp_server.fault("DATA", "354 go on")
    transport = connect(smtp_server, connections=1)

    refused = await transport.send(make_message("gone@example.org"))
    following = await transport.send(make_message("ada@example.org"))

    assert (refused.code, following.code) == (550, 250)
    assert smtp_server.recipients == ["ada@example.org"]
    assert smtp_server.connections == 1


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "body"])
async def test_421_ends_the_connection_not_the_message(any_server, connect, at):
    any_server.fault(at, "421 4.3.2 shutting down")
    transport = connect(any_server, connections=1)

    refused = await transport.send(make_message())
    following = await transport.send(make_message())

    assert (refused.code, refused.text) == (421, "4.3.2 shutting down")
    assert following.code == 250
    assert (any_server.connections, len(any_server.received)) == (2, 1)


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(DROP, id="drop"),
        pytest.param(SILENCE, id="silence"),
        pytest.param(DRIP, id="drip"),
        pytest.param(GARBAGE, id="garbage"),
        pytest.param(ENDLESS, id="endless"),
        pytest.param(b"250-one\r\n550 two\r\n", id="two codes"),
        pytest.param(b"399 what\r\n", id="unknown 3yz"),
        pytest.param(b"2\xff0 \xfe\r\n", id="not ascii"),
    ],
)
async def test_broken_answer_before_the_body_is_certainly_not_sent(any_server, connect, at, act):
    any_server.fault(at, act)
    transport = connect(any_server, connections=1, timeout=TIMEOUTS.get(act, 5.0))

    broken = await transport.send(make_message())
    following = await transport.send(make_message())

    assert (broken.code, broken.uncertain) == (0, False)
    assert following.code == 250
    assert (any_server.connections, len(any_server.received)) == (2, 1)


@pytest.mark.parametrize(
    ("act", "taken"),
    [
        pytest.param(TAKE_AND_DROP, 1, id="taken, then dropped"),
        pytest.param(DROP, 0, id="dropped"),
        pytest.param(SILENCE, 0, id="silence"),
        pytest.param(DRIP, 0, id="drip"),
        pytest.param(GARBAGE, 0, id="garbage"),
        pytest.param(b"354 go on\r\n", 0, id="no last answer"),
    ],
)
async def test_broken_answer_after_the_final_dot_is_uncertain(any_server, connect, act, taken):
    any_server.fault("body", act)
    transport = connect(any_server, connections=1, patience=SHORT)

    broken = await transport.send(make_message("ada@example.org"))

    assert (broken.code, broken.uncertain) == (0, True)
    assert len(any_server.received) == taken


async def test_a_message_cut_off_half_way_is_certainly_not_sent(connect):
    """The server stops reading: bytes that are still here prove that the dot never left."""
    async with FaultySmtp(extensions=("PIPELINING",)) as server:
        server.fault("DATA", STALL)
        transport = connect(server, patience=SHORT)
        content = b"\r\n\r\n" + (b"x" * 900 + b"\r\n") * 20_000

        reply = await transport.send(make_message(content=content))

        assert (reply.code, reply.uncertain) == (0, False)


async def test_final_answer_may_take_longer_than_others(smtp_server, connect):
    """RFC 5321 section 4.5.3.2.6: ten minutes after the dot, for who gives up sooner doubles."""
    smtp_server.fault("body", SILENCE)
    transport = connect(smtp_server, timeout=0.25, patience=Patience(last_answer=0.5))

    reply = await transport.send(make_message())

    assert "0.5 s" in reply.text


@pytest.mark.parametrize("at", ["connect", "EHLO"])
@pytest.mark.parametrize(
    ("act", "permanent"),
    [
        pytest.param("421 4.3.2 too busy", False, id="421"),
        pytest.param("450 4.3.2 not now", False, id="450"),
        pytest.param("554 5.3.2 no service", True, id="554"),
        pytest.param(DROP, False, id="drop"),
        pytest.param(SILENCE, False, id="silence"),
        pytest.param(DRIP, False, id="drip"),
        pytest.param(GARBAGE, True, id="garbage"),
        pytest.param(b"220-welcome to the relay\r\n" * 5_000, True, id="endless"),
    ],
)
async def test_relay_that_does_not_greet_is_unusable(smtp_server, connect, at, act, permanent):
    smtp_server.fault(at, act, times=None)
    transport = connect(smtp_server, timeout=TIMEOUTS.get(act, 5.0))

    with pytest.raises(TransportError) as caught:
        await transport.send(make_message())

    assert caught.value.permanent is permanent
    assert smtp_server.commands["MAIL"] == 0


async def test_relay_that_nobody_runs_is_unusable(connect):
    async with FaultySmtp() as server:
        transport = connect(server)

    with pytest.raises(TransportError) as caught:
        await transport.send(make_message())

    assert not caught.value.permanent
    assert f"127.0.0.1:{server.port}" in str(caught.value)


async def test_unknown_host_is_an_error_that_names_it(connect, smtp_server):
    transport = connect(smtp_server, host="nowhere.invalid")

    with pytest.raises(TransportError, match=r"nowhere\.invalid"):
        await transport.send(make_message())


async def test_thousand_lines_of_greeting_are_read_and_forgotten(smtp_server, connect):
    smtp_server.fault("connect", b"220-hello\r\n" * 1_000 + b"220 at last\r\n")

    assert (await connect(smtp_server).send(make_message())).code == 250


async def test_connecting_is_tried_again(smtp_server, connect):
    smtp_server.fault("connect", "421 4.3.2 too busy", times=2)

    assert (await connect(smtp_server).send(make_message())).code == 250
    assert smtp_server.connections == 3


async def test_what_only_the_operator_can_mend_is_not_tried_again(smtp_server, connect):
    smtp_server.fault("connect", "554 5.3.2 no service for you", times=None)

    with pytest.raises(TransportError):
        await connect(smtp_server).send(make_message())

    assert smtp_server.connections == 1


async def test_relay_that_is_down_meets_one_caller_not_a_crowd(smtp_server, connect):
    smtp_server.fault("connect", "554 5.3.2 no service", times=None)
    transport = connect(smtp_server, connections=16, patience=Patience(set_aside=60.0))

    async with asyncio.timeout(5):
        replies = await asyncio.gather(
            *(transport.send(make_message()) for _ in range(50)), return_exceptions=True
        )

    assert all(isinstance(reply, TransportError) and reply.permanent for reply in replies)
    assert smtp_server.connections == 1


async def test_relay_is_used_again_after_it_was_set_aside(smtp_server, connect):
    smtp_server.fault("connect", "554 5.3.2 no service")
    transport = connect(smtp_server, patience=Patience(set_aside=0.0))
    with pytest.raises(TransportError):
        await transport.send(make_message())

    assert (await transport.send(make_message())).code == 250


async def test_relay_that_grants_fewer_connections_still_gets_everything(smtp_server, connect):
    """The first connection stands; every other is refused, so one carries all the mail."""
    transport = connect(smtp_server, connections=8)
    await transport.send(make_message("first@example.org"))
    smtp_server.fault("connect", "421 4.7.0 too many connections", times=None)

    replies = await asyncio.gather(
        *(transport.send(make_message(f"r{n}@example.org")) for n in range(40))
    )

    assert {reply.code for reply in replies} == {250}
    assert len(set(smtp_server.recipients)) == 41
    assert smtp_server.connections <= 1 + 7 * 3  # each of the others was tried in one go only


@pytest.mark.parametrize(
    "unasked",
    [
        pytest.param(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n", id="answers"),
        pytest.param(b"421 4.4.2 enough for today\r\n", id="421"),
        pytest.param(b"\x00 no SMTP at all\r\n", id="garbage"),
    ],
)
async def test_what_follows_an_answer_neither_spoils_it_nor_serves_the_next(
    any_server, connect, unasked
):
    """The 250 stands, else the message would come twice; the words after it are nobody's."""
    any_server.fault("body", b"250 2.0.0 queued\r\n" + unasked)
    transport = connect(any_server, connections=1)

    replies = [await transport.send(make_message(f"r{n}@example.org")) for n in range(2)]

    assert [reply.code for reply in replies] == [250, 250]
    assert any_server.recipients == ["r1@example.org"]
    assert any_server.connections == 2


async def test_cancelled_message_takes_its_connection_along(smtp_server, connect):
    smtp_server.fault("DATA", SILENCE)
    transport = connect(smtp_server, connections=1)
    sending = asyncio.create_task(transport.send(make_message("one@example.org")))
    await smtp_server.is_silent.wait()

    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    async with asyncio.timeout(5):
        await smtp_server.is_left.wait()
    assert (await transport.send(make_message("two@example.org"))).code == 250
    assert smtp_server.recipients == ["two@example.org"]


async def test_hostile_reply_text_is_cleaned_and_cut(smtp_server, connect):
    smtp_server.fault("RCPT", b"550-5.1.1 \x1b[31mred\x07\r\n550 5.1.1 " + b"x" * 2000 + b"\r\n")

    reply = await connect(smtp_server).send(make_message())

    assert reply.text.startswith("5.1.1 [31mred 5.1.1 xxx")
    assert len(reply.text) == 500


async def test_check_of_a_relay_that_does_not_answer_is_an_error(smtp_server, connect):
    smtp_server.fault("NOOP", "554 5.3.0 tired")

    with pytest.raises(TransportError, match="NOOP"):
        await connect(smtp_server).check()
