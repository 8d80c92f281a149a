import datetime as dt

import pytest

from digest.config import SmtpSettings
from digest.deliver.smtp import Patience, SmtpTransport
from digest.model import Delivery, DeliveryKind, Message
from tests.deliver.certificates import make_certificates
from tests.deliver.smtpd import ALL_EXTENSIONS, LOCKSTEP, FaultySmtp

NOW = dt.datetime(2026, 11, 21, 7, 0, tzinfo=dt.UTC)
SHORT = Patience(last_answer=0.3, connect_again=0.0, set_aside=0.0)
CONTENT = b"From: digest@example.org\r\nDate: Sat, 21 Nov 2026 07:00:00 +0000\r\n\r\nhello\r\n"


def make_delivery(recipient="ada@example.org", *, name=None, attempts=1, created_at=NOW):
    name = name or recipient
    return Delivery(
        id=name,
        kind=DeliveryKind.DIGEST,
        recipient=recipient,
        message_id=f"{name}@digest.test",
        attempts=attempts,
        created_at=created_at,
        next_attempt_at=created_at,
    )


def make_message(
    recipient="ada@example.org", *, name=None, content=CONTENT, sender="d@example.org"
):
    name = name or recipient
    return Message(
        delivery_id=name,
        message_id=f"{name}@digest.test",
        sender=sender,
        recipient=recipient,
        content=content,
    )


@pytest.fixture
async def smtp_server():
    async with FaultySmtp() as server:
        yield server
        assert server.violations == []


@pytest.fixture(params=[ALL_EXTENSIONS, LOCKSTEP], ids=["pipelining", "lockstep"])
async def any_server(request):
    async with FaultySmtp(extensions=request.param) as server:
        yield server
        assert server.violations == []


@pytest.fixture
async def connect():
    """Give a function that makes transports with short waits; they are closed at the end."""
    transports = []

    def make(server, *, password=None, timeout=5.0, patience=None, **settings):
        settings = {"host": "127.0.0.1", "security": "none", "local_name": "client.test"} | settings
        transport = SmtpTransport(
            SmtpSettings(
                port=server.port,
                timeout=dt.timedelta(seconds=timeout),
                password=password,
                **settings,
            ),
            password=password,
            patience=patience or Patience(last_answer=5.0, connect_again=0.0, set_aside=0.0),
        )
        transports.append(transport)
        return transport

    yield make
    for transport in transports:
        await transport.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))
