"""The bounce mailbox on a real IMAP server: read once, bounded, and by nobody in between."""

import shutil
import socket
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from digest.config import ImapSettings
from digest.deliver import imap
from digest.deliver.bounces import LONGEST_MAIL_BYTES
from digest.deliver.imap import ImapMailbox
from digest.errors import TransportError
from tests.deliver.dovecot import PASSWORD, PROGRAM, Dovecot


@pytest.fixture(scope="module")
def server(certificates):
    if not PROGRAM.exists():
        if shutil.which("apt-get"):
            pytest.fail(f'no {PROGRAM}: run "make mailbox"')
        pytest.skip(f"no {PROGRAM} here")
    certificates.context("localhost")
    with (
        # Not below pytest's own folder: the path of a socket may have 107 bytes.
        tempfile.TemporaryDirectory(prefix="imap-", ignore_cleanup_errors=True) as folder,
        Dovecot(Path(folder), certificates.folder / "localhost-False.pem") as server,
    ):
        yield server


class Account:
    """An account of the server that nobody used before."""

    def __init__(self, server, ca_file):
        self.server = server
        self.name = f"bounces-{uuid.uuid4().hex}"
        self.ca_file = ca_file

    def mailbox(self, *, password=PASSWORD, **fields):
        usual = {"host": "localhost", "port": self.server.tls_port, "ca_file": self.ca_file}
        settings = ImapSettings(username=self.name, password=password, **usual | fields)
        return ImapMailbox(settings, password)

    @contextmanager
    def opened(self, folder="INBOX"):
        box = self.server.account(self.name)
        try:
            box.select(folder)
            yield box
        finally:
            box.logout()

    def put(self, *mails):
        with self.opened() as box:
            for mail in mails:
                box.append("INBOX", None, None, mail.encode())

    def flags(self, folder="INBOX"):
        with self.opened(folder) as box:
            _, [numbers] = box.search(None, "ALL")
            _, [seen] = box.search(None, "SEEN")
        return [number in seen.split() for number in numbers.split()]


@pytest.fixture
def account(server, certificates):
    return Account(server, certificates.ca_file)


def read_all(mailbox):
    contents = []
    with closing(mailbox.unread()) as mails:
        for name, content in mails:
            contents.append(content.decode())
            mailbox.mark_read(name)
    return contents


def mails(count):
    return [f"Subject: {number}\r\n\r\nbody\r\n" for number in range(count)]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_mails_are_read_once_oldest_first_and_kept(account, server, security):
    account.put(*mails(3))
    port = server.tls_port if security == "tls" else server.plain_port
    mailbox = account.mailbox(security=security, port=port)

    assert read_all(mailbox) == mails(3)
    assert read_all(mailbox) == []
    assert account.flags() == [True] * 3


def test_mails_are_moved_where_the_settings_say(account):
    account.put(*mails(2))

    assert len(read_all(account.mailbox(move_to="Handled"))) == 2

    assert account.flags() == []
    assert account.flags("Handled") == [True] * 2


def test_what_was_not_marked_is_read_again(account):
    """A kill between the effect and its mark; reading alone changes nothing."""
    account.put(*mails(3))
    mailbox = account.mailbox()
    with closing(mailbox.unread()) as reading:
        name, _ = next(reading)
        mailbox.mark_read(name)
        next(reading)

    assert read_all(mailbox) == mails(3)[1:]


def test_a_round_is_bounded_in_count_and_size(account, monkeypatch):
    monkeypatch.setattr(imap, "READ_AT_ONCE", 3)
    monkeypatch.setattr(imap, "SEARCHED_AT_ONCE", 2)
    huge = "Subject: huge\r\n\r\n" + ("x" * 70 + "\r\n") * 20_000
    account.put(*mails(2), huge, *mails(2))
    mailbox = account.mailbox()

    rounds = [read_all(mailbox) for _ in range(3)]

    assert [len(one) for one in rounds] == [3, 2, 0]
    assert rounds[0][2] == huge[:LONGEST_MAIL_BYTES]


def test_mail_that_is_gone_meanwhile_does_no_harm(account):
    account.put(*mails(2))
    mailbox = account.mailbox(move_to="Handled")
    with closing(mailbox.unread()) as reading:
        name, _ = next(reading)
        with account.opened() as box:
            box.store("1:2", "+FLAGS", r"(\Deleted)")
            box.expunge()
        mailbox.mark_read(name)

        assert list(reading) == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("fields", "cause"),
    [({"ca_file": None}, "self-signed|unable to get"), ({"host": "127.0.0.1"}, "mismatch")],
    ids=["nobody vouches", "another host"],
)
def test_certificate_that_proves_nothing_is_refused(account, server, security, fields, cause):
    port = server.tls_port if security == "tls" else server.plain_port

    with pytest.raises(TransportError, match=f"certificate verify failed.*({cause})") as caught:
        read_all(account.mailbox(security=security, port=port, **fields))

    assert caught.value.permanent


def test_server_without_starttls_gets_no_password(account):
    """Whoever stands between could have taken the offer out: no silent fall-back."""
    heard = []

    def answer(client):
        with client, client.makefile("rw", newline="\r\n") as lines:
            print("* OK ready", file=lines, flush=True)
            for line in lines:
                heard.append(line)
                print("* CAPABILITY IMAP4rev1 AUTH=PLAIN", file=lines)
                print(f"{line.split()[0]} OK done", file=lines, flush=True)

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as threads:
        talk = threads.submit(lambda: answer(listening.accept()[0]))
        mailbox = account.mailbox(security="starttls", port=listening.getsockname()[1])
        with pytest.raises(TransportError, match="TLS not supported"):
            read_all(mailbox)
        talk.result(10)

    assert PASSWORD not in "".join(heard)


def test_wrong_password_is_permanent_and_not_shown(account):
    with pytest.raises(TransportError, match="login refused, check bounces") as caught:
        read_all(account.mailbox(password="not-this-one"))

    assert caught.value.permanent
    assert "not-this-one" not in str(caught.value)


def test_server_that_is_down_is_asked_again(account):
    mailbox = account.mailbox(port=1, timeout=timedelta(seconds=5))

    with pytest.raises(TransportError, match="bounces: imap") as caught:
        read_all(mailbox)

    assert not caught.value.permanent


def test_folder_that_is_not_there_is_named(account):
    with pytest.raises(TransportError, match="Nowhere"):
        read_all(account.mailbox(folder="Nowhere"))
    with pytest.raises(TransportError, match="there is no folder Elsewhere"):
        account.mailbox(move_to="Elsewhere").check()


def test_check_counts_and_touches_nothing(account):
    account.put(*mails(2))

    assert account.mailbox(move_to="Handled").check() == (
        "localhost: tls, logged in, 2 new in INBOX"
    )
    assert len(read_all(account.mailbox())) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "needs either password or password_file"),
        ({"password": "x", "password_file": "y"}, "needs either password or password_file"),
        ({"password": "x", "security": "none"}, "for this very machine"),
    ],
    ids=["none", "two", "in the clear"],
)
def test_settings_ask_for_a_password_and_for_encryption(fields, message):
    with pytest.raises(ValidationError, match=message):
        ImapSettings(host="imap.example.org", username="bounces", **fields)
