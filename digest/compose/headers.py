"""What every mail of ours begins with, whatever it says: sender, date, the frame of its parts."""

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from digest.compose.wire import ascii_address, mailbox
from digest.config import MailSettings


def message_id(delivery_id: str, mail: MailSettings) -> str:
    """Make the Message-ID of a delivery, without angle brackets; the same for every attempt."""
    return f"{delivery_id}@{sender_domain(mail)}"


def sender_address(mail: MailSettings) -> str:
    """Give the address that mails come from, as SMTP carries it."""
    return ascii_address(parseaddr(mail.sender)[1])


def sender_domain(mail: MailSettings) -> str:
    """Give the domain that mails come from."""
    return sender_address(mail).rpartition("@")[2]


def address_header(header: str, value: str) -> str:
    """Write a header with one mailbox of the settings."""
    display, address = parseaddr(value)
    return mailbox(header, display, ascii_address(address))


@lru_cache(maxsize=64)
def date_header(at: datetime) -> str:
    """Write Date."""
    return f"Date: {format_datetime(at.astimezone(UTC))}"


def lines(*headers: str) -> bytes:
    """Join finished headers."""
    return "\r\n".join([*headers, ""]).encode("ascii")


def two_parts(
    language_tag: str, delivery_id: str, text: Iterable[bytes], html: Iterable[bytes]
) -> tuple[bytes, ...]:
    """Write the last headers and the parts of a mail that says the same in text and in HTML."""
    # "=_" cannot occur in quoted-printable text (RFC 2045 section 6.7), so no part can hold
    # its own boundary.
    boundary = f"=_{delivery_id}"
    head = (
        f"Content-Language: {language_tag}\r\n"
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
    )
    before = f"\r\n--{boundary}\r\nContent-Type: text/"
    coding = "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return (
        f"{head}{before}plain{coding}".encode("ascii"),
        *text,
        f"{before}html{coding}".encode("ascii"),
        *html,
        f"\r\n--{boundary}--\r\n".encode("ascii"),
    )
