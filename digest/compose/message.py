"""A digest to the bytes of a mail: headers, a text part and an HTML part, fit for any relay.

The same digest and delivery give the same bytes at every attempt.  Assembled from encoded
pieces; RFC 5322 by hand, with the stdlib's EmailMessage as the judge in the tests.
"""

from collections.abc import Callable
from email.utils import parseaddr

from digest.compose import headings, wording
from digest.compose.headers import (
    address_header,
    date_header,
    lines,
    sender_address,
    sender_domain,
    two_parts,
)
from digest.compose.letter import Letter, write_letter
from digest.compose.notice import NoticeBuilder
from digest.compose.pieces import Pieces
from digest.compose.wire import ascii_address, decoded, mailbox, unstructured
from digest.config import MailSettings
from digest.errors import ConfigError, RenderError
from digest.links import Links
from digest.model import Addressee, Delivery, Digest, Message
from digest.render import Language, Templates


class MessageBuilder:
    """Writes messages; keeps what they share, so one builder serves a whole run.

    Args:
        links: makes the addresses of readers' pages; None = there are no pages.
        leaving: gives a subscriber's own address to unsubscribe by mail at, by id; None = one
            mailbox for all, which a person reads.

    Raises:
        ConfigError: the subject pattern names an unknown field.
    """

    def __init__(
        self,
        mail: MailSettings,
        templates: Templates,
        links: Links | None = None,
        leaving: Callable[[str], str] | None = None,
    ) -> None:
        self._mail = mail
        self._templates = templates
        self._sender = sender_address(mail)
        _, reply_to = parseaddr(mail.reply_to or "")
        by_mail = _unsubscribe(mail.unsubscribe or reply_to or self._sender)
        self._pieces = Pieces(mail, templates, by_mail, links, leaving)
        self._notices = NoticeBuilder(mail, templates, links) if links else None
        self._first_headers = lines(address_header("From", mail.sender))
        self._shared_headers = lines(
            *([address_header("Reply-To", mail.reply_to)] if mail.reply_to else []),
            _list_id(mail),
            # RFC 3834 section 5; no vacation notice answers such a mail.
            "Auto-Submitted: auto-generated",
            "Precedence: list",
            "MIME-Version: 1.0",
        )
        _check_pattern(mail.subject)

    def html(self, digest: Digest, subscriber: Addressee) -> str:
        """Render the HTML part."""
        letter = write_letter(self._pieces, self._language(subscriber), digest, subscriber)
        return decoded(b"".join(letter.html))

    def text(self, digest: Digest, subscriber: Addressee) -> str:
        """Render the plain text part."""
        letter = write_letter(self._pieces, self._language(subscriber), digest, subscriber)
        return decoded(b"".join(letter.text))

    def subject(self, digest: Digest, subscriber: Addressee) -> str:
        """Write the subject: the date and the title of the first pick, by default."""
        return headings.subject(
            self._language(subscriber),
            self._mail.subject,
            digest.edition,
            wording.title(digest.picks[0].item) if digest.picks else "",
            len(digest.picks),
        )

    def build(self, delivery: Delivery, digest: Digest, subscriber: Addressee) -> Message:
        """Build the finished mail of a delivery.

        Raises:
            RenderError: the recipient's address cannot be written in ASCII, or a template of
                ours is broken.
        """
        letter = write_letter(self._pieces, self._language(subscriber), digest, subscriber)
        return self.assembled(letter, delivery, digest, subscriber)

    def assembled(
        self, letter: Letter, delivery: Delivery, digest: Digest, subscriber: Addressee
    ) -> Message:
        """Make a finished mail of a letter: headers, then its parts.

        Raises:
            RenderError: the recipient's address cannot be written in ASCII.
        """
        language = self._language(subscriber)
        recipient = ascii_address(delivery.recipient)
        name = wording.line(subscriber.name, wording.NAME_ROOM)
        head = lines(
            mailbox("To", name, recipient),
            unstructured("Subject", self.subject(digest, subscriber)),
            date_header(digest.composed_at),
            f"Message-ID: <{delivery.message_id}>",
            *_list_unsubscribe(letter),
        )
        content = b"".join(
            (
                self._first_headers,
                head,
                self._shared_headers,
                *two_parts(language.tag, delivery.id, letter.text, letter.html),
            )
        )
        return Message(
            delivery_id=delivery.id,
            message_id=delivery.message_id,
            sender=self._sender,
            recipient=recipient,
            content=content,
            is_plain=True,
        )

    def notice(self, delivery: Delivery, subscriber: Addressee) -> Message:
        """Build the finished mail of a delivery that is about the subscription itself.

        Raises:
            RenderError: as `build`; or there are no pages that its link could lead to.
        """
        if self._notices is None:
            raise RenderError(f"{delivery.kind}: no page to lead to: set web.base_url")
        return self._notices.build(delivery, subscriber)

    def _language(self, subscriber: Addressee) -> Language:
        return self._templates.language(subscriber.language)


def _list_unsubscribe(letter: Letter) -> tuple[str, ...]:
    """Say how a client ends the subscription by itself.  RFC 2369; RFC 8058 section 3.1."""
    if letter.unsubscribe is None:
        return (f"List-Unsubscribe: <{letter.unsubscribe_by_mail}>",)
    return (
        f"List-Unsubscribe:\r\n <{letter.unsubscribe}>,\r\n <{letter.unsubscribe_by_mail}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    )


def _list_id(mail: MailSettings) -> str:
    """Write List-Id; the default is a name under the sender's domain.  RFC 2919 section 3."""
    identifier = (mail.list_id or "").rpartition("<")[2].strip(" >")
    return f"List-Id: <{identifier or f'digest.{sender_domain(mail)}'}>"


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
