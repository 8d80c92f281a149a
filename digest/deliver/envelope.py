"""What is said to a relay for one message, within what the relay offers.

Values only.  A message that this relay cannot take is refused here, before a byte is sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

import numpy as np
from email_validator import EmailNotValidError, validate_email

from digest.model import Message

PLAIN_ADDRESS = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")  # printable, without blank, "<" and ">"
LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets


class Stage(StrEnum):
    """What is said for one message, in order; the one whose answer decides its fate."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "the message"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a relay offers in its EHLO answer.

    Attributes:
        size: SIZE stands in the answer; size_limit: its value, 0 = no fixed limit (RFC 1870).
    """

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    size: bool = False
    size_limit: int = 0

    @classmethod
    def from_extensions(cls, extensions: Mapping[str, str]) -> Self:
        """Read an offer from EHLO keywords (lower case) and their parameters."""
        limit = extensions.get("size", "").strip()
        return cls(
            pipelining="pipelining" in extensions,
            eight_bit="8bitmime" in extensions,
            smtputf8="smtputf8" in extensions,
            size="size" in extensions,
            size_limit=int(limit) if limit.isascii() and limit.isdigit() else 0,
        )

    def __str__(self) -> str:
        names = {
            "PIPELINING": self.pipelining,
            "8BITMIME": self.eight_bit,
            "SMTPUTF8": self.smtputf8,
            f"SIZE {self.size_limit}" if self.size_limit else "SIZE": self.size,
        }
        return " ".join(name for name, is_offered in names.items() if is_offered)


class Envelope(NamedTuple):
    """One message as bytes for the wire.

    Attributes:
        commands: MAIL, RCPT and DATA.
        body: what follows DATA with its dot, in pieces.
    """

    commands: tuple[bytes, bytes, bytes]
    body: tuple[bytes, ...]


class UnsendableError(Exception):
    """A message that the relay cannot take, refused on our side.

    Args:
        stage: where a server would refuse it.
        code: the reply code that a server would give.
        text: enhanced code and cause, as a server would say it.
    """

    def __init__(self, stage: Stage, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.stage = stage
        self.code = code
        self.text = text


def seal(message: Message, offer: Offer) -> Envelope:
    """Put a message into the bytes that go to a relay, with the parameters that it needs.

    Raises:
        UnsendableError: an address is malformed or needs SMTPUTF8, the message is too big,
            8-bit or broken, and this relay could not take it.
    """
    content = message.content
    if offer.size_limit and len(content) > offer.size_limit:
        text = f"5.3.4 {len(content)} bytes are over the relay's limit of {offer.size_limit}"
        raise UnsendableError(Stage.MAIL, 552, text)
    # 5.1.7 speaks of our address, 5.1.3 of the reader's: only the latter is a dead address.
    if (sender := _written(message.sender)) is None:
        raise UnsendableError(Stage.MAIL, 553, "5.1.7 the sender is malformed")
    if (recipient := _written(message.recipient)) is None:
        raise UnsendableError(Stage.RCPT, 553, "5.1.3 the address is malformed")
    is_eight_bit = not (message.is_plain or content.isascii())
    needs_utf8 = not (sender.isascii() and recipient.isascii()) or (
        is_eight_bit and not content.partition(b"\r\n\r\n")[0].isascii()
    )
    if needs_utf8 and not offer.smtputf8:
        if not sender.isascii():
            raise UnsendableError(Stage.MAIL, 553, "5.1.7 the sender needs SMTPUTF8, not offered")
        raise UnsendableError(Stage.RCPT, 553, "5.6.7 the address needs SMTPUTF8, not offered")
    if is_eight_bit and not offer.eight_bit:
        raise UnsendableError(Stage.BODY, 554, "5.6.3 the message needs 8BITMIME, not offered")
    parameters = (
        (f" SIZE={len(content)}" if offer.size else "")
        + (" BODY=8BITMIME" if is_eight_bit else "")
        + (" SMTPUTF8" if needs_utf8 else "")
    )
    return Envelope(
        commands=(
            f"MAIL FROM:<{sender}>{parameters}\r\n".encode(),
            f"RCPT TO:<{recipient}>\r\n".encode(),
            b"DATA\r\n",
        ),
        body=(content, b".\r\n") if message.is_plain else (stuffed(content),),
    )


def stuffed(content: bytes) -> bytes:
    """Give a message as DATA carries it: leading dots doubled, the final dot added.

    Raises:
        UnsendableError: a CR or LF stands alone, the seam of SMTP smuggling (CVE-2023-51764).

    Source: RFC 5321 sections 2.3.8 and 4.5.2.
    """
    octets = np.frombuffer(content, np.uint8)  # several times faster than searching bytes
    returns, feeds = octets == ord("\r"), octets == ord("\n")
    ends = np.count_nonzero(returns[:-1] & feeds[1:])
    if np.count_nonzero(returns) != ends or np.count_nonzero(feeds) != ends:
        raise UnsendableError(Stage.BODY, 554, "5.6.0 the message holds a bare CR or LF")
    if (feeds[:-1] & (octets[1:] == ord("."))).any():
        content = content.replace(b"\n.", b"\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


def _written(address: str) -> str | None:
    """Give an address as a command carries it, a foreign domain by its A-labels.

    None if it is malformed, or holds what could end the command or the angle brackets.
    """
    if len(address.encode(errors="replace")) > LONGEST_ADDRESS:
        return None
    if address.isascii():
        return address if PLAIN_ADDRESS.fullmatch(address) else None
    try:
        checked = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    return checked.ascii_email or f"{checked.local_part}@{checked.ascii_domain}"
