"""The mailbox that bounces come to, on an IMAP server.

What was read is marked as seen, and moved where the settings say so.  Nobody else should read
the mailbox: what somebody has seen is taken for read.
"""

import imaplib
import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

from imap_tools import (
    BaseMailBox,
    ImapToolsError,
    MailBox,
    MailboxLoginError,
    MailBoxUnencrypted,
)

from digest.config import ImapSettings
from digest.deliver.bounces import LONGEST_MAIL_BYTES
from digest.deliver.maildir import READ_AT_ONCE
from digest.deliver.tls import tls_context
from digest.errors import TransportError

# Searched at a time: the answer is one line, and imaplib takes a line of a million octets.
SEARCHED_AT_ONCE = 20_000
CA_FILE = "bounces.imap.ca_file"


class ImapMailbox:
    """New mails of one folder of an account; one connection a round.

    Args:
        password: of the account, or its access token.
    """

    def __init__(self, settings: ImapSettings, password: str) -> None:
        self._settings = settings
        self._password = password
        self._box: BaseMailBox | None = None

    def unread(self) -> Generator[tuple[str, bytes], None, None]:
        """Give up to `READ_AT_ONCE` new mails, oldest first: UID and the bytes that count.

        Raises:
            TransportError: the server cannot be reached, or refuses.
        """
        with self._errors_named(), self._open() as box:
            self._box = box
            try:
                for uid in _unseen(box, self._settings.folder):
                    # Marked only by `mark_read`; of a long mail no more than is looked at.
                    answer = box.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LONGEST_MAIL_BYTES}>)")
                    if content := _literal(_checked(answer)):
                        yield uid, content
            finally:
                self._box = None

    def mark_read(self, name: str) -> None:
        """Mark a mail as read while `unread` goes on; one that is gone was somebody else's.

        Raises:
            TransportError: the server refuses.
        """
        if self._box is None:
            return
        with self._errors_named():
            _checked(self._box.client.uid("STORE", name, "+FLAGS", r"(\Seen)"))
            if self._settings.move_to and "MOVE" in self._box.client.capabilities:
                self._box.move([name], self._settings.move_to)

    def check(self) -> str:
        """Log in and look, without touching a mail; say in one line what was found.

        Raises:
            TransportError: any of it failed.
        """
        settings = self._settings
        with self._errors_named(), self._open() as box:
            count = box.folder.status(settings.folder)["UNSEEN"]
            if settings.move_to and not box.folder.exists(settings.move_to):
                raise ImapToolsError(f"there is no folder {settings.move_to}")
            if settings.move_to and "MOVE" not in box.client.capabilities:
                raise ImapToolsError("the server cannot MOVE: leave bounces.imap.move_to out")
        return f"{settings.host}: {settings.security}, logged in, {count} new in {settings.folder}"

    @contextmanager
    def _open(self) -> Generator[BaseMailBox, None, None]:
        settings = self._settings
        seconds = settings.timeout.total_seconds()
        box: BaseMailBox
        if settings.security == "tls":
            # Without a context imaplib would check no certificate.
            context = tls_context(CA_FILE, settings.ca_file)
            box = MailBox(settings.host, settings.number, timeout=seconds, ssl_context=context)
        else:
            box = MailBoxUnencrypted(settings.host, settings.number, timeout=seconds)
        try:
            if settings.security == "starttls":
                _checked(box.client.starttls(tls_context(CA_FILE, settings.ca_file)))
            log_in = box.login if settings.login == "password" else box.xoauth2
            log_in(settings.username, self._password, None)
            # A server shows more once it knows who asks, and imaplib does not look again.
            _, [*_, capabilities] = box.client.capability()
            box.client.capabilities = tuple(capabilities.decode("ascii").upper().split())
            yield box
        finally:
            # Whatever went wrong before is what counts; nothing of ours depends on the answer.
            with suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
                box.logout()
            with suppress(OSError):
                box.client.shutdown()

    @contextmanager
    def _errors_named(self) -> Generator[None, None, None]:
        try:
            yield
        except (ImapToolsError, imaplib.IMAP4.error, OSError, UnicodeError) as error:
            # What the server answers to a login may repeat what was sent: it is not shown.
            is_login = isinstance(error, MailboxLoginError)
            permanent = is_login or isinstance(error, ssl.SSLCertVerificationError)
            cause = "login refused" if is_login else " ".join(str(error).split())[:200]
            raise TransportError(
                f"bounces: imap {self._settings.host}: {cause or type(error).__name__},"
                " check bounces.imap",
                permanent=permanent,
            ) from error


def _unseen(box: BaseMailBox, folder: str) -> list[str]:
    """Give the UIDs of the oldest mails of a folder that nobody has seen."""
    found: list[str] = []
    _, [total] = box.folder.set(folder)
    for first in range(1, int(total) + 1, SEARCHED_AT_ONCE):
        criteria = f"{first}:{min(int(total), first + SEARCHED_AT_ONCE - 1)} UNSEEN UNDELETED"
        found += box.uids(criteria, charset=None)
        if len(found) >= READ_AT_ONCE:
            break
    return found[:READ_AT_ONCE]


def _checked(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    status, parts = answer
    if status != "OK":
        raise ImapToolsError(f"the server answered {status}")
    return parts


def _literal(parts: Sequence[object]) -> bytes:
    """Give the mail out of an answer to FETCH; empty if it is gone."""
    return next((part[1][:LONGEST_MAIL_BYTES] for part in parts if isinstance(part, tuple)), b"")
