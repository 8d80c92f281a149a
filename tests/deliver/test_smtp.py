import asyncio

from tests.deliver.conftest import make_message


async def test_message_arrives_with_its_envelope(smtp_server, connect):
    reply = await connect(smtp_server).send(make_message("ada@example.org"))

    assert (reply.code, reply.uncertain) == (250, False)
    assert smtp_server.recipients == ["ada@example.org"]
    assert smtp_server.received[0].content == make_message().content


async def test_connections_are_reused(smtp_server, connect):
    transport = connect(smtp_server, connections=1)

    for number in range(5):
        await transport.send(make_message(f"reader{number}@example.org"))

    assert (smtp_server.connections, len(smtp_server.received)) == (1, 5)
