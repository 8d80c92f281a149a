"""Encryption and login: nothing is said to a server that is not who it should be."""

import pytest

from digest.config import SmtpSettings
from digest.deliver.smtp import SmtpTransport
from digest.errors import ConfigError, TransportError
from tests.deliver.conftest import make_message
from tests.deliver.smtpd import DROP, NO_HANDSHAKE, SILENCE, TIMEOUTS, FaultySmtp


@pytest.fixture(params=[False, True], ids=["starttls", "tls"])
def is_implicit(request):
    return request.param


def encrypted(is_implicit):
    return "tls" if is_implicit else "starttls"


async def test_a_server_with_the_right_certificate_gets_the_message(
    certificates, connect, is_implicit
):
    context = certificates.context("localhost", "127.0.0.1")
    async with FaultySmtp(tls=context, implicit_tls=is_implicit) as server:
        transport = connect(server, security=encrypted(is_implicit), ca_file=certificates.ca_file)

        replies = [await transport.send(make_message()) for _ in range(3)]
        found = await transport.check()
        await transport.close()

        assert [reply.code for reply in replies] == [250] * 3
        assert "TLSv1.3" in found
        assert (server.connections, server.commands["QUIT"]) == (2, 2)


@pytest.mark.parametrize(
    ("names", "is_expired", "is_trusted", "told"),
    [
        pytest.param(["other.test"], False, True, "mismatch|not valid for", id="another host"),
        pytest.param(["127.0.0.1"], True, True, "expired", id="expired"),
        pytest.param(["127.0.0.1"], False, False, "local issuer", id="unknown authority"),
    ],
)
async def test_a_wrong_certificate_stops_everything(
    certificates, connect, is_implicit, names, is_expired, is_trusted, told
):
    context = certificates.context(*names, is_expired=is_expired)
    async with FaultySmtp(tls=context, implicit_tls=is_implicit, login=("u", "p")) as server:
        transport = connect(
            server,
            security=encrypted(is_implicit),
            username="u",
            password="p",
            **({"ca_file": certificates.ca_file} if is_trusted else {}),
        )

        with pytest.raises(TransportError, match=told) as caught:
            await transport.send(make_message())

        assert caught.value.permanent
        assert server.commands["AUTH"] == server.commands["MAIL"] == 0


async def test_a_server_without_starttls_is_told_nothing(connect):
    """Whoever strips STARTTLS from the answer would else read login and mail."""
    async with FaultySmtp(login=("u", "p")) as server:
        transport = connect(server, security="starttls", username="u", password="p")

        with pytest.raises(TransportError, match="no STARTTLS") as caught:
            await transport.send(make_message())

        assert caught.value.permanent
        assert set(server.commands) == {"EHLO"}


@pytest.mark.parametrize(
    ("act", "permanent"),
    [
        pytest.param("454 4.7.0 TLS not available now", False, id="refused for now"),
        pytest.param("554 5.7.0 no", True, id="refused for good"),
        pytest.param(DROP, False, id="dropped"),
        pytest.param(SILENCE, False, id="silent"),
        pytest.param(NO_HANDSHAKE, True, id="no handshake"),
    ],
)
async def test_starttls_that_fails_is_never_fallen_back_from(certificates, connect, act, permanent):
    async with FaultySmtp(tls=certificates.context("127.0.0.1")) as server:
        server.fault("STARTTLS", act, times=None)
        timeout = TIMEOUTS.get(act, 5.0)
        transport = connect(
            server, security="starttls", ca_file=certificates.ca_file, timeout=timeout
        )

        with pytest.raises(TransportError) as caught:
            await transport.send(make_message())

        assert caught.value.permanent is permanent
        assert server.commands["MAIL"] == 0


async def test_large_content_arrives_byte_for_byte(certificates, connect, is_implicit):
    context = certificates.context("127.0.0.1")
    content = b"Subject: x\r\n\r\n" + (b"x" * 998 + b"\r\n") * 900
    async with FaultySmtp(tls=context, implicit_tls=is_implicit) as server:
        transport = connect(server, security=encrypted(is_implicit), ca_file=certificates.ca_file)

        following = make_message("bob@example.org", content=content)
        await transport.send(make_message(content=content), following)
        await transport.send(following)

        assert [one.content for one in server.received] == [content, content]
        assert server.ahead == 1


async def test_login_is_made_once_a_connection(certificates, connect):
    context = certificates.context("127.0.0.1")
    async with FaultySmtp(tls=context, login=("digest", "gehe!m")) as server:
        settings = {"security": "starttls", "username": "digest", "password": "gehe!m"}
        transport = connect(server, **settings, ca_file=certificates.ca_file)

        await transport.send(make_message())
        await transport.send(make_message())

        assert (len(server.received), server.commands["AUTH"]) == (2, 1)


@pytest.mark.parametrize(
    ("act", "permanent"),
    [
        pytest.param(None, True, id="wrong password"),
        pytest.param("454 4.7.0 try later", False, id="for now"),
        pytest.param(DROP, False, id="dropped"),
    ],
)
async def test_a_refused_login_is_told_without_the_password(certificates, connect, act, permanent):
    async with FaultySmtp(tls=certificates.context("127.0.0.1"), login=("u", "right")) as server:
        if act is not None:
            server.fault("AUTH", act, times=None)
        settings = {"security": "starttls", "username": "u", "password": "wr0ng"}
        transport = connect(server, **settings, ca_file=certificates.ca_file)

        with pytest.raises(TransportError) as caught:
            await transport.send(make_message())

        assert caught.value.permanent is permanent
        assert "wr0ng" not in str(caught.value)
        assert server.commands["MAIL"] == 0


async def test_a_login_that_the_relay_does_not_offer_is_an_error(certificates, connect):
    async with FaultySmtp(tls=certificates.context("127.0.0.1")) as server:
        settings = {"security": "starttls", "username": "u", "password": "p"}
        transport = connect(server, **settings, ca_file=certificates.ca_file)

        with pytest.raises(TransportError, match="AUTH") as caught:
            await transport.check()

        assert caught.value.permanent


async def test_a_ca_file_that_cannot_be_read_stops_the_start(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.pem"):
        SmtpTransport(SmtpSettings(ca_file=tmp_path / "missing.pem"), password=None)
