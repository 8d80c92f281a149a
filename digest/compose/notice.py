"""Notices: mails of a few sentences and one link, about the subscription itself.

Nothing that somebody typed into a form stands in them: they go to addresses whose owners may
never have asked.
"""

from typing import NamedTuple

from digest.compose import wording
from digest.compose.headers import (
    address_header,
    date_header,
    lines,
    sender_address,
    two_parts,
)
from digest.compose.pieces import look
from digest.compose.wire import ascii_address, encoded, mailbox, unstructured
from digest.config import MailSettings
from digest.links import Links
from digest.model import Addressee, Delivery, DeliveryKind, Message
from digest.render import Language, Templates


class Words(NamedTuple):
    """What a notice says, in order; the button leads to the link."""

    subject: str
    sentences: tuple[str, ...]
    button: str
    afterword: str


class NoticeBuilder:
    """Writes notices.

    Args:
        links: makes the addresses of readers' pages.
    """

    def __init__(self, mail: MailSettings, templates: Templates, links: Links) -> None:
        self._mail = mail
        self._templates = templates
        self._links = links
        self._name = wording.line(mail.logo_text, wording.NAME_ROOM)

    def build(self, delivery: Delivery, subscriber: Addressee) -> Message:
        """Build the finished mail of a delivery; the same bytes at every attempt.

        Raises:
            RenderError: the recipient's address cannot be written in ASCII, or a template of
                ours is broken.
        """
        language = self._templates.language(subscriber.language)
        words = WORDS[delivery.kind](language, self._name)
        shown = look(self._mail) | words._asdict() | {"link": self._link(delivery, subscriber)}
        text = self._templates.render("mail/notice.txt", language, **shown)
        html = self._templates.render("mail/notice.html", language, **shown)
        sender, recipient = sender_address(self._mail), ascii_address(delivery.recipient)
        reply_to = self._mail.reply_to
        head = lines(
            address_header("From", self._mail.sender),
            mailbox("To", "", recipient),
            *([address_header("Reply-To", reply_to)] if reply_to else []),
            unstructured("Subject", words.subject),
            date_header(delivery.created_at),
            f"Message-ID: <{delivery.message_id}>",
            # RFC 3834 section 5; no vacation notice answers such a mail.
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        )
        content = b"".join(
            (
                head,
                *two_parts(language.tag, delivery.id, [encoded(text)], [encoded(html)]),
            )
        )
        return Message(
            delivery_id=delivery.id,
            message_id=delivery.message_id,
            sender=sender,
            recipient=recipient,
            content=content,
        )

    def _link(self, delivery: Delivery, subscriber: Addressee) -> str:
        if delivery.kind is DeliveryKind.ACCESS:
            return self._links.preferences(subscriber.id, subscriber.link_epoch)
        return self._links.confirm(subscriber.id, subscriber.link_epoch, delivery.created_at)


def _confirmation(language: Language, name: str) -> Words:
    return Words(
        language.gettext("Please confirm your subscription to %(name)s", name=name),
        (
            language.gettext(
                "Somebody, probably you, asked for %(name)s to be sent to this address.", name=name
            ),
            language.gettext("Nothing is sent unless you confirm within 48 hours."),
        ),
        language.gettext("Confirm my subscription"),
        language.gettext(
            "It was not you? Do nothing, and you hear no more of it. "
            "The same page also keeps this address from ever being asked again."
        ),
    )


def _access(language: Language, name: str) -> Words:
    return Words(
        language.gettext("Your preferences at %(name)s", name=name),
        (
            language.gettext(
                "Somebody, probably you, asked for %(name)s to be sent to this address.", name=name
            ),
            language.gettext("It already is; nothing has changed."),
        ),
        language.gettext("Open my preferences"),
        language.gettext("It was not you? Do nothing, and you hear no more of it."),
    )


def _farewell(language: Language, name: str) -> Words:
    return Words(
        language.gettext("You are unsubscribed from %(name)s", name=name),
        (language.gettext("As asked for, %(name)s is no longer sent to this address.", name=name),),
        language.gettext("Subscribe again"),
        language.gettext(
            "It was not you? For 48 hours, the link brings everything back as it was."
        ),
    )


WORDS = {
    DeliveryKind.CONFIRMATION: _confirmation,
    DeliveryKind.ACCESS: _access,
    DeliveryKind.FAREWELL: _farewell,
}
