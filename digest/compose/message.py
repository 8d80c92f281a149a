"""A digest to the bytes of a mail: headers, a text part and an HTML part, fit for any relay.

The same digest and delivery give the same bytes at every attempt.  Assembled from encoded
pieces; RFC 5322 by hand, with the stdlib's EmailMessage as the judge in the tests.
"""

from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from operator import attrgetter

from digest.compose import wording
from digest.compose.letter import write_letter
from digest.compose.pieces import Pieces
from digest.compose.wire import ascii_address, mailbox, unstructured
from digest.config import MailSettings
from digest.errors import ConfigError
from digest.model import Delivery, Digest, Message, Subscriber
from digest.render import Language, Templates

ENCODED = attrgetter("encoded")


def message_id(delivery_id: str, mail: MailSettings) -> str:
    """Make the Message-ID of a delivery, without angle brackets; the same for every attempt."""
    return f"{delivery_id}@{_sender_domain(mail)}"


class MessageBuilder:
    """Writes messages; keeps what they share, so one builder serves a whole run.

    Raises:
        ConfigError: the subject pattern names an unknown field.
    """

    def __init__(self, mail: MailSettings, templates: Templates) -> None:
        self._mail = mail
        self._templates = templates
        _, sender = parseaddr(mail.sender)
        self._sender = ascii_address(sender)
        _, reply_to = parseaddr(mail.reply_to or "")
        unsubscribe = _unsubscribe(mail.unsubscribe or reply_to or sender)
        self._pieces = Pieces(mail, templates, unsubscribe)
        self._first_headers = _lines(_address_header("From", mail.sender))
        self._shared_headers = _lines(
            *([_address_header("Reply-To", mail.reply_to)] if mail.reply_to else []),
            _list_id(mail),
            f"List-Unsubscribe: <{unsubscribe}>",
            # RFC 3834 section 5; no vacation notice answers such a mail.
            "Auto-Submitted: auto-generated",
            "Precedence: list",
            "MIME-Version: 1.0",
        )
        _check_pattern(mail.subject)

    def html(self, digest: Digest, subscriber: Subscriber) -> str:
        """Render the HTML part."""
        letter = write_letter(self._pieces, self._language(subscriber), digest, subscriber)
        return "".join(part.text for part in letter.html)

    def text(self, digest: Digest, subscriber: Subscriber) -> str:
        """Render the plain text part."""
        letter = write_letter(self._pieces, self._language(subscriber), digest, subscriber)
        return "".join(part.text for part in letter.text)

    def subject(self, digest: Digest, subscriber: Subscriber) -> str:
        """Write the subject: the date and the title of the first pick, by default."""
        return wording.subject(
            self._language(subscriber),
            self._mail.subject,
            digest.edition,
            wording.title(digest.picks[0].item) if digest.picks else "",
            len(digest.picks),
        )

    def build(self, delivery: Delivery, digest: Digest, subscriber: Subscriber) -> Message:
        """Build the finished mail of a delivery.

        Raises:
            RenderError: the recipient's address cannot be written in ASCII, or a template of
                ours is broken.
        """
        language = self._language(subscriber)
        letter = write_letter(self._pieces, language, digest, subscriber)
        recipient = ascii_address(delivery.recipient)
        name = wording.line(subscriber.name, wording.NAME_ROOM)
        # "=_" cannot occur in quoted-printable text (RFC 2045 section 6.7), so no part can
        # hold its own boundary.
        boundary = f"=_{delivery.id}"
        head = _lines(
            mailbox("To", name, recipient),
            unstructured("Subject", self.subject(digest, subscriber)),
            _date(digest.composed_at),
            f"Message-ID: <{delivery.message_id}>",
        )
        content = b"".join(
            (
                self._first_headers,
                head,
                self._shared_headers,
                _lines(
                    f"Content-Language: {language.tag}",
                    f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
                    "",
                ),
                _part_head(boundary, "plain"),
                *map(ENCODED, letter.text),
                _part_head(boundary, "html"),
                *map(ENCODED, letter.html),
                f"\r\n--{boundary}--\r\n".encode("ascii"),
            )
        )
        return Message(
            delivery_id=delivery.id,
            message_id=delivery.message_id,
            sender=self._sender,
            recipient=recipient,
            content=content,
        )

    def _language(self, subscriber: Subscriber) -> Language:
        return self._templates.language(subscriber.language)


@lru_cache(maxsize=64)
def _date(at: datetime) -> str:
    return f"Date: {format_datetime(at.astimezone(UTC))}"


def _lines(*headers: str) -> bytes:
    return "".join(f"{header}\r\n" for header in headers).encode("ascii")


def _part_head(boundary: str, kind: str) -> bytes:
    return (
        f"\r\n--{boundary}\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


def _address_header(header: str, value: str) -> str:
    display, address = parseaddr(value)
    return mailbox(header, display, address)


def _sender_domain(mail: MailSettings) -> str:
    return ascii_address(parseaddr(mail.sender)[1]).rpartition("@")[2]


def _list_id(mail: MailSettings) -> str:
    """Write List-Id; the default is a name under the sender's domain.  RFC 2919 section 3."""
    identifier = (mail.list_id or "").rpartition("<")[2].strip(" >")
    return f"List-Id: <{identifier or f'digest.{_sender_domain(mail)}'}>"


def _unsubscribe(address: str) -> str:
    """Give the address that ends a subscription; RFC 2369 section 3.2.

    It is never folded nor encoded, so the subject is left out where it makes it too long.
    """
    plain = f"mailto:{ascii_address(address).replace('%', '%25').replace('?', '%3F')}"
    return plain if len(plain) > 50 else f"{plain}?subject=unsubscribe"


def _check_pattern(pattern: str) -> None:
    try:
        pattern.format(date="", title="", more="", count="")
    except (LookupError, ValueError, AttributeError) as error:
        raise ConfigError(
            f'config: mail.subject: "{pattern}" is no pattern ({error}), '
            "use {date}, {title}, {more} and {count}"
        ) from error
