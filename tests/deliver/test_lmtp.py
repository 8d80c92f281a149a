"""LMTP over a Unix socket, and logging in by access token."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from digest.config import SmtpSettings
from digest.deliver.smtp import Patience, SmtpTransport
from tests.deliver.conftest import make_message
from tests.deliver.smtpd import FaultySmtp


async def test_lmtp_is_spoken_over_a_unix_socket():
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lmtp"
        async with FaultySmtp() as server:
            listening = await asyncio.start_unix_server(server._accept, path)
            settings = SmtpSettings(protocol="lmtp", socket=path, security="none")
            transport = SmtpTransport(settings, password=None, patience=Patience(goodbye=1.0))

            following = make_message("bob@example.org")
            reply = await transport.send(make_message(), following)
            await transport.send(following)

            await transport.close()
            listening.close()
    assert (reply.code, reply.relay) == (250, str(path))
    assert server.recipients == ["ada@example.org", "bob@example.org"]
    assert server.ahead == 1
    assert server.commands["LHLO"] == 1
    assert server.commands["EHLO"] == 0


async def test_access_token_is_read_anew_for_each_connection(certificates, tmp_path, connect):
    token = tmp_path / "token"
    token.write_text("first")
    async with FaultySmtp(tls=certificates.context("127.0.0.1"), login=("ada", "first")) as server:
        transport = connect(
            server,
            security="starttls",
            ca_file=certificates.ca_file,
            login="xoauth2",
            username="ada",
            password_file=token,
            per_connection=1,
        )
        await transport.send(make_message())
        token.write_text("second")
        server.login = ("ada", "second")

        reply = await transport.send(make_message())

    assert reply.code == 250
    assert server.commands["AUTH"] == 2
