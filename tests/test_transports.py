"""Which transport the settings make."""

import asyncio

import pytest

from digest.config import Settings
from digest.deliver.file import FileTransport
from digest.deliver.pace import Pace
from digest.deliver.smtp import SmtpTransport
from digest.errors import ConfigError
from digest.model import Message
from digest.transports import transport_of
from tests.deliver.smtpd import FaultySmtp

MESSAGE = Message(
    delivery_id="one",
    message_id="one@example.org",
    sender="digest@example.org",
    recipient="ada@example.org",
    content=b"From: digest@example.org\r\n\r\nhello\r\n",
)


def test_one_relay_is_spoken_to_directly():
    assert isinstance(transport_of(Settings()), SmtpTransport)
    assert isinstance(transport_of(Settings(deliver={"to": "files"})), FileTransport)


def test_any_limit_sets_a_pace():
    assert isinstance(transport_of(Settings(deliver={"per_second": 5})), Pace)


async def test_mail_flows_through_the_relay_that_works():
    async with FaultySmtp() as server:
        dead, living = (
            {"host": "127.0.0.1", "security": "none", "port": p} for p in (9, server.port)
        )
        transport = transport_of(Settings(relays=[dead, living]))

        replies = await asyncio.gather(*(transport.send(MESSAGE) for _ in range(4)))

        await transport.close()
    assert [reply.code for reply in replies] == [250] * 4
    assert len(server.received) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"relays": [{"weight": 0}]}, "weight above 0", id="nobody takes mail"),
        pytest.param({"relays": [{}], "smtp": {}}, "exclude each other", id="two answers"),
        pytest.param({"deliver": {"warmup": "soon"}}, "expected a ramp", id="no ramp"),
        pytest.param({"deliver": {"warmup": "50/day, x0.5"}}, "expected a ramp", id="shrinking"),
    ],
)
def test_settings_that_contradict_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Settings(**given)


def test_ramp_is_read_as_written():
    assert Settings(deliver={"warmup": "50/day, x1.5"}).deliver.warmup == (50, 1.5)
    assert Settings(deliver={"warmup": "20 / day"}).deliver.warmup == (20, 2.0)


def test_missing_key_file_is_named(tmp_path):
    dkim = {"domain": "example.org", "selector": "s1", "key_file": tmp_path / "none.pem"}

    with pytest.raises(ConfigError, match=r"dkim.key_file: .*none\.pem: No such file"):
        transport_of(Settings(dkim=dkim))
