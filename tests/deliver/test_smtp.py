"""The transport against a server in good health: envelope, reuse, what relays offer."""

import asyncio

import pytest

from digest.errors import TransportError
from tests.deliver.conftest import CONTENT, make_message
from tests.deliver.smtpd import DROP, FaultySmtp


async def test_message_arrives_with_its_envelope(any_server, connect):
    reply = await connect(any_server).send(make_message("ada@example.org"))

    assert (reply.code, reply.uncertain) == (250, False)
    assert reply.text == "2.0.0 queued"
    assert reply.relay == f"127.0.0.1:{any_server.port}"
    assert any_server.received[0].mail.startswith("<d@example.org>")
    assert any_server.recipients == ["ada@example.org"]
    assert any_server.received[0].content == CONTENT


async def test_connection_is_kept_for_the_next_message(any_server, connect):
    transport = connect(any_server, connections=1)

    for number in range(5):
        await transport.send(make_message(f"reader{number}@example.org"))

    assert (any_server.connections, len(any_server.received)) == (1, 5)


async def test_connection_is_replaced_after_so_many_messages(smtp_server, connect):
    transport = connect(smtp_server, connections=1, per_connection=2)

    for number in range(5):
        await transport.send(make_message(f"reader{number}@example.org"))
    await transport.close()

    assert (smtp_server.connections, len(smtp_server.received)) == (3, 5)
    assert smtp_server.commands["QUIT"] == 3


async def test_never_more_connections_than_allowed(smtp_server, connect):
    transport = connect(smtp_server, connections=3)

    await asyncio.gather(*(transport.send(make_message(f"r{n}@example.org")) for n in range(30)))

    assert len(set(smtp_server.recipients)) == 30
    assert smtp_server.connections <= 3


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b".\r\n", id="a dot alone"),
        pytest.param(b".leading\r\n..two\r\n.\r\nQUIT\r\n", id="dots at line starts"),
        pytest.param(b"no end", id="no line end at the end"),
        pytest.param(b"\r\n\r\n", id="blank lines"),
        pytest.param((b"x" * 998 + b"\r\n") * 900, id="more than a socket takes at once"),
    ],
)
async def test_content_arrives_byte_for_byte(any_server, connect, body):
    content = b"From: d@example.org\r\n\r\n" + body

    reply = await connect(any_server).send(make_message(content=content))

    assert reply.code == 250
    assert any_server.received[0].content == content.removesuffix(b"\r\n") + b"\r\n"


async def test_a_message_that_begins_with_a_dot_arrives_whole(smtp_server, connect):
    await connect(smtp_server).send(make_message(content=b".odd: header\r\n\r\nbody\r\n"))

    assert smtp_server.received[0].content == b".odd: header\r\n\r\nbody\r\n"


@pytest.mark.parametrize("content", [b"a\nb\r\n", b"a\rb\r\n", b"\na\r\n", b"a\r\n\r", b"a\r\r\n"])
async def test_bare_line_ends_are_never_sent(smtp_server, connect, content):
    """SMTP smuggling: what one server reads as text another reads as the final dot."""
    transport = connect(smtp_server)

    refused = await transport.send(make_message(content=content))
    following = await transport.send(make_message())

    assert (refused.code, refused.text[:5]) == (554, "5.6.0")
    assert following.code == 250
    assert len(smtp_server.received) == smtp_server.connections == 1


async def test_a_message_over_the_relays_limit_is_refused_unsent(connect):
    async with FaultySmtp(extensions=("SIZE 100",)) as server:
        reply = await connect(server).send(make_message(content=b"x" * 101))

        assert (reply.code, reply.text[:5]) == (552, "5.3.4")
        assert server.commands["MAIL"] == 0


async def test_size_is_announced_where_the_relay_asks_for_it(smtp_server, connect):
    await connect(smtp_server).send(make_message())

    assert smtp_server.received[0].mail == f"<d@example.org> SIZE={len(CONTENT)}"


async def test_eight_bit_content_is_announced(smtp_server, connect):
    content = b"Subject: x\r\n\r\n" + "grüße\r\n".encode()

    await connect(smtp_server).send(make_message(content=content))

    assert smtp_server.received[0].mail.endswith("BODY=8BITMIME")
    assert smtp_server.received[0].content == content


async def test_eight_bit_content_is_refused_where_the_relay_lacks_8bitmime(connect):
    async with FaultySmtp(extensions=("SMTPUTF8",)) as server:
        reply = await connect(server).send(make_message(content="\r\n\r\nü\r\n".encode()))

        assert (reply.code, reply.text[:5], server.received) == (554, "5.6.3", [])


async def test_an_address_beyond_ascii_uses_smtputf8(smtp_server, connect):
    await connect(smtp_server).send(make_message("jörg@example.org"))

    assert smtp_server.recipients == ["jörg@example.org"]
    assert smtp_server.received[0].mail.endswith(" SMTPUTF8")


async def test_an_address_that_needs_smtputf8_fails_clearly_without_it(connect):
    async with FaultySmtp(extensions=("PIPELINING", "8BITMIME")) as server:
        transport = connect(server)

        refused = await transport.send(make_message("jörg@example.org"))
        following = await transport.send(make_message("ada@example.org"))

        assert (refused.code, refused.text[:5]) == (553, "5.6.7")
        assert following.code == 250
        assert server.recipients == ["ada@example.org"]


async def test_a_domain_beyond_ascii_needs_no_smtputf8(connect):
    async with FaultySmtp(extensions=()) as server:
        await connect(server).send(make_message("ada@straße.example"))

        assert server.recipients == ["ada@xn--strae-oqa.example"]


@pytest.mark.parametrize(
    "recipient",
    [
        "ada@example.org>\r\nRCPT TO:<eve@example.org",
        "ada@example.org> NOTIFY=NEVER",
        "a da@example.org",
        "ada@example.org\x00",
        "ada",
        "",
        "@example.org",
        "ä\u2028@example.org",
        "a" * 250 + "@example.org",
    ],
)
async def test_a_hostile_recipient_never_reaches_the_wire(smtp_server, connect, recipient):
    reply = await connect(smtp_server).send(make_message(recipient, name="one"))

    assert (reply.code, reply.text[:5]) == (553, "5.1.3")
    assert smtp_server.commands["RCPT"] == 0


async def test_a_malformed_sender_is_an_error_of_ours(smtp_server, connect):
    with pytest.raises(TransportError, match=r"5\.1\.7"):
        await connect(smtp_server).send(make_message(sender="d@example.org> X=1"))


@pytest.mark.parametrize("act", [DROP, "421 4.4.2 idle too long"], ids=["dropped", "421"])
async def test_a_kept_connection_that_died_costs_no_attempt(smtp_server, connect, act):
    """The server may end an idle connection at any time; that says nothing of a message."""
    transport = connect(smtp_server, connections=1)
    await transport.send(make_message("first@example.org"))
    smtp_server.fault("MAIL", act)

    reply = await transport.send(make_message("second@example.org"))

    assert reply.code == 250
    assert smtp_server.recipients == ["first@example.org", "second@example.org"]
    assert smtp_server.connections == 2


async def test_check_says_what_it_found(smtp_server, connect):
    found = await connect(smtp_server).check()

    assert found == (
        f"127.0.0.1:{smtp_server.port}: not encrypted, no login, "
        "offers PIPELINING 8BITMIME SMTPUTF8 SIZE 1000000"
    )
    assert smtp_server.commands["NOOP"] == 1
