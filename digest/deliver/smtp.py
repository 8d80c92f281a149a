"""Hands messages to one SMTP relay, and says what it answered.

aiosmtplib connects, greets, encrypts and logs in; pool.py keeps the connections and wire.py
moves the messages.  What a reply means for a delivery is retry.py's.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast

import aiosmtplib
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from digest.config import SmtpSettings, smtp_password
from digest.deliver.envelope import Envelope, Offer, Stage, UnsendableError, seal
from digest.deliver.pool import Connection, Pool
from digest.deliver.replies import cleaned
from digest.deliver.tls import tls_context
from digest.deliver.wire import Wire
from digest.errors import ConfigError, TransportError
from digest.model import Message, Reply

TIMES_TO_CONNECT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Waits in seconds that an operator has no reason to change, and tests have.

    Attributes:
        last_answer: for the answer after the final dot; a shorter wait manufactures
            duplicates.  RFC 5321 section 4.5.3.2.6.
        connect_again: longest pause before connecting is tried again.
        set_aside: an unusable relay is not tried again for so long.
        goodbye: for the answer to QUIT.
    """

    last_answer: float = 600.0
    connect_again: float = 4.0
    set_aside: float = 15.0
    goodbye: float = 5.0


class SmtpTransport:
    """One relay and a few kept connections to it; belongs to one event loop.

    Args:
        password: for `settings.username`; None where there is no login.

    Raises:
        ConfigError: `settings.ca_file` cannot be read.
    """

    def __init__(
        self,
        settings: SmtpSettings,
        *,
        password: str | None,
        patience: Patience | None = None,
    ) -> None:
        self.connections = settings.connections
        self._settings = settings
        self._password = password
        self._patience = patience or Patience()
        self._relay = str(settings.socket or f"{settings.host}:{settings.port}")
        self._local_name = settings.local_name
        self._tls = (
            None if settings.security == "none" else tls_context("smtp.ca_file", settings.ca_file)
        )
        # By their delivery, the messages that a relay was told of, and where.
        self._ahead: dict[str, tuple[Connection, Envelope]] = {}
        self._may_tell = True
        self._pool = Pool(
            self._connect,
            connections=settings.connections,
            per_connection=settings.per_connection,
            set_aside=self._patience.set_aside,
            goodbye=self._patience.goodbye,
        )

    async def send(self, message: Message, following: Message | None = None, /) -> Reply:
        """Hand one message over and say what the relay answered.

        Args:
            following: what the caller hands over or withdraws next; its commands may go with
                the end of this one, which spares the relay and us a round trip.

        Raises:
            TransportError: the relay as a whole is unusable; the message was not taken.
        """
        while True:
            connection, envelope = self._ahead.pop(message.delivery_id, (None, None))
            connection = connection or await self._pool.take()
            was_told, is_kept = envelope is not None, connection.wire.transferred > 0
            next_one = self._envelope_after(connection, following)
            try:
                stage, reply = await self._hand_over(connection, message, envelope, next_one)
            finally:
                if following and next_one and connection.wire.is_ahead:
                    self._ahead[following.delivery_id] = connection, next_one
                else:
                    self._pool.give_back(connection)
            if was_told and _is_about_us(stage, reply):
                # Or about its being told ahead, which some may not bear; said alone it counts.
                self._may_tell = False
                continue
            # A connection that was kept may have died meanwhile; that says nothing yet.
            if not (is_kept and reply.code in {0, 421} and not reply.uncertain):
                break
        if _is_about_us(stage, reply):
            text = reply.text.replace(message.recipient, "...")  # no address in an error
            error = TransportError(
                f"smtp: {self._relay}: {reply.code} {text} at {stage}, "
                "check mail.from and smtp.username",
                permanent=True,
            )
            self._pool.set_aside(error)
            raise error
        return reply

    def withdraw(self, message: Message) -> None:
        """Take back a following message; a relay that was told of it is left without a word."""
        connection, _ = self._ahead.pop(message.delivery_id, (None, None))
        if connection:
            self._pool.give_back(connection)

    async def check(self) -> str:
        """Connect, log in and ask for nothing; say in one line what was found.

        Raises:
            TransportError: any of it failed.
        """
        connection = await self._connect_once()
        answer = await connection.wire.ask(b"NOOP\r\n")
        encryption = connection.wire.tls_version or "not encrypted"
        login = "logged in" if self._settings.username else "no login"
        self._pool.dismiss(connection)
        if answer is None or answer.code >= 400:
            raise TransportError(f"smtp: {self._relay}: no good answer to NOOP")
        return f"{self._relay}: {encryption}, {login}, offers {connection.offer or 'nothing'}"

    async def close(self) -> None:
        """End all connections in good order; no message may be under way."""
        for connection, _ in self._ahead.values():
            self._pool.give_back(connection)
        self._ahead.clear()
        await self._pool.close()

    async def _connect(self) -> Connection:
        """Connect, and try again a few times where that may help."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_transient),
            stop=stop_after_attempt(TIMES_TO_CONNECT)
            | stop_after_delay(self._settings.timeout.total_seconds()),
            wait=wait_random_exponential(max=self._patience.connect_again),
            reraise=True,
        )
        return await retrying(self._connect_once)

    async def _connect_once(self) -> Connection:
        settings = self._settings
        timeout = settings.timeout.total_seconds()
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=None if settings.socket else settings.port,
            socket_path=settings.socket and str(settings.socket),
            local_hostname=self._local_name,
            timeout=timeout,
            use_tls=settings.security == "tls",
            start_tls=False,  # not left to the library: without STARTTLS nothing may be said
            tls_context=self._tls,
        )
        try:
            await self._greet(smtp)
        except BaseException as error:
            smtp.close()
            if isinstance(error, aiosmtplib.SMTPException | OSError):
                raise _transport_error(self._relay, error) from error
            raise
        self._local_name = smtp.local_hostname
        transport = cast("asyncio.Transport", smtp.transport)
        offer = Offer.from_extensions(smtp.esmtp_extensions)
        wire = Wire(
            transport,
            pipelining=offer.pipelining,
            timeout=timeout,
            last_timeout=self._patience.last_answer,
        )
        return Connection(wire, offer)

    async def _greet(self, smtp: aiosmtplib.SMTP) -> None:
        await smtp.connect()
        await self._hello(smtp)
        if self._settings.security == "starttls":
            if not smtp.supports_extension("starttls"):
                raise aiosmtplib.SMTPNotSupported("it offers no STARTTLS, check smtp.security")
            await smtp.starttls()
            await self._hello(smtp)
        if self._settings.username is not None:
            await self._log_in(smtp, self._settings.username)
        if not smtp.is_connected:  # nobody would tell the wire that takes over
            raise aiosmtplib.SMTPServerDisconnected("the server left after its greeting")

    async def _hello(self, smtp: aiosmtplib.SMTP) -> None:
        if self._settings.protocol == "smtp":
            await smtp.ehlo()
            return
        # With one recipient a message, LMTP differs in its first word only; RFC 2033 section 4.1.
        name = (smtp.local_hostname or "localhost").encode("ascii")
        answer = await smtp.execute_command(b"LHLO", name)
        if answer.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPHeloError(answer.code, answer.message)
        smtp.last_ehlo_response = answer

    async def _log_in(self, smtp: aiosmtplib.SMTP, username: str) -> None:
        if self._settings.login == "password":
            await smtp.login(username, self._password or "")
            return
        try:
            # An access token lives an hour; whoever renews it writes it into the file.
            token = await asyncio.to_thread(smtp_password, self._settings)
        except ConfigError as error:
            raise TransportError(str(error), permanent=True) from error
        await smtp.auth_xoauth2(username, token or "")

    def _envelope_after(self, connection: Connection, following: Message | None) -> Envelope | None:
        """Seal what follows on a connection, None where it must wait for its own turn."""
        may_tell = self._may_tell and connection.offer.pipelining
        is_last = connection.wire.transferred + 1 >= self._settings.per_connection
        # Where connections are few, a message that waits for one comes before what follows.
        if not may_tell or is_last or self._pool.is_short:
            return None
        if following is None or following.delivery_id in self._ahead:
            return None
        try:
            return seal(following, connection.offer)
        except UnsendableError:
            return None

    async def _hand_over(
        self,
        connection: Connection,
        message: Message,
        envelope: Envelope | None,
        following: Envelope | None,
    ) -> tuple[Stage, Reply]:
        try:
            envelope = envelope or seal(message, connection.offer)
        except UnsendableError as refusal:
            return refusal.stage, Reply(code=refusal.code, text=refusal.text, relay=self._relay)
        ended = await connection.wire.transfer(envelope, following)
        reply = Reply(
            code=ended.code, text=ended.text, uncertain=ended.uncertain, relay=self._relay
        )
        return ended.stage, reply


def _is_about_us(stage: Stage, reply: Reply) -> bool:
    """True if every other message would get this reply too: our sender or login is refused.

    Source: RFC 4954 section 6 and RFC 3207 section 4 (530); RFC 5321 section 4.3.2 (MAIL).
    """
    is_about_message = reply.code in {552, 555} or reply.text.startswith(("5.6.", "5.3.4"))
    return reply.code == 530 or (stage is Stage.MAIL and reply.code >= 500 and not is_about_message)


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, TransportError) and not error.permanent


def _transport_error(relay: str, error: Exception) -> TransportError:
    """Tell what an operator must mend from what heals by itself."""
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    match cause:
        case ssl.SSLCertVerificationError():
            text = f"certificate refused: {cause.verify_message}, check smtp.host and smtp.ca_file"
            permanent = True
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            text, permanent = "the server left in the middle of the TLS handshake", False
        case ssl.SSLError():
            text = f"TLS failed: {cause.reason}, check smtp.port and smtp.security"
            permanent = True
        case aiosmtplib.SMTPResponseException():
            asked = "login" if isinstance(cause, aiosmtplib.SMTPAuthenticationError) else "greeting"
            answer = cleaned(f"{cause.code} {cause.message}".encode("utf-8", "replace"))
            text, permanent = f"{asked} refused: {answer}", not 400 <= cause.code < 500
        case OSError():
            text, permanent = f"{cause}", False
        case _:
            text, permanent = f"{cause}", True
    return TransportError(f"smtp: {relay}: {text}", permanent=permanent)
