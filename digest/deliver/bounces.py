"""Reads what comes back: bounces, complaints, auto-replies and unsubscribe requests.

Values only: the bytes of one mail in, one report out.  Anybody can write such a mail, so a
report is a claim: it counts only if an address in `addressed_to` carries our signature, or
`message_id` is one of ours.
"""

import email
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message as Mail
from enum import StrEnum
from itertools import chain, islice

from flufl.bounce import all_failures

from digest.deliver.retry import ENHANCED, Cause, cause_of
from digest.model import Reply

LONGEST_MAIL_BYTES = 512 * 1024  # the rest is the returned digest, or somebody's attack
LONGEST_HEADER = 2_000
MOST_PARTS = 50
ADDRESS_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
# Not email.utils.getaddresses: it follows nested comments until the stack ends.
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+")
# A sender or route of ours, the protocol, the content: RFC 3463 sections 3.2, 3.6, 3.7.
OUR_FAULT = re.compile(r"5\.(1\.[789]|[56]\.\d+)(?!\d)")
MESSAGE_ID = re.compile(r"<([^<>\s]{1,250})>")
DIAGNOSTIC = re.compile(r"(?:smtp;)?\s*(\d{3})[ -]+(.*)", re.IGNORECASE | re.DOTALL)
UNSUBSCRIBE = re.compile(r"\s*unsubscribe\b", re.IGNORECASE)

# It logs a traceback for every mail that is odd; what is odd here is usual.
logging.getLogger("flufl.bounce").disabled = True


class ReportKind(StrEnum):
    """What a mail to the bounce address is.

    HARD: the address is dead.  SOFT: the mailbox takes nothing now, it may be full.  POLICY: we
    or the message are refused, whoever reads it.  COMPLAINT: the reader called our mail spam.
    OTHER: nothing to act on.
    """

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto-reply"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One mail that came back, read.

    Attributes:
        addressed_to: where it was sent, lower case; one may be a signed return path of ours.
        recipients: whom it is about by its own account, lower case.
        message_id: of the returned message, without angle brackets; None if it tells none.
        answers: the Message-IDs that it answers, without angle brackets.
    """

    kind: ReportKind
    addressed_to: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    message_id: str | None = None
    answers: tuple[str, ...] = ()


def read_report(content: bytes) -> Report:
    """Read one mail; whatever is in it, some report is given.

    Source: RFC 3464 (delivery status), RFC 5965 (complaints), RFC 3834 section 5 (auto-replies).
    """
    if content.lower().count(b"content-type") > MOST_PARTS:
        return Report(kind=ReportKind.OTHER)  # the parser would follow each nesting
    mail = email.message_from_bytes(content[:LONGEST_MAIL_BYTES])
    kind, recipients = _judge(mail)
    return Report(
        kind=kind,
        addressed_to=_addresses(
            value for header in ADDRESS_HEADERS for value in mail.get_all(header, [])
        ),
        recipients=recipients,
        message_id=_returned_message_id(mail),
        answers=_message_ids(mail),
    )


def _judge(mail: Mail) -> tuple[ReportKind, tuple[str, ...]]:
    """Say what a mail is and whom it is about; the formats that cannot be mistaken first."""
    parts = {part.get_content_type(): part for part in reversed(list(mail.walk()))}
    if (status := parts.get("message/delivery-status")) is not None:
        return _delivery_status(status)
    if (feedback := parts.get("message/feedback-report")) is not None:
        return _feedback(feedback)
    if _is_automatic(mail):
        return _old_style(mail, otherwise=ReportKind.AUTO_REPLY)
    if UNSUBSCRIBE.match(str(mail.get("Subject", ""))):
        return ReportKind.UNSUBSCRIBE, ()
    return _old_style(mail, otherwise=ReportKind.OTHER)


def _is_automatic(mail: Mail) -> bool:
    """True if a machine wrote it; the last three are what servers said before RFC 3834."""
    submitted = str(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    precedence = str(mail.get("Precedence", "")).strip().lower()
    return (
        submitted != "no"
        or precedence in {"auto_reply", "bulk", "junk"}
        or "X-Autoreply" in mail
        or "X-Autorespond" in mail
    )


def _delivery_status(part: Mail) -> tuple[ReportKind, tuple[str, ...]]:
    kinds, recipients = set(), []
    for fields in _blocks(part):
        action = str(fields.get("Action", "")).strip().lower()
        if action != "failed":
            continue  # delayed, relayed, delivered: the last word is not spoken
        kinds.add(_kind_of_failure(fields))
        recipients.append(fields.get("Original-Recipient") or fields.get("Final-Recipient") or "")
    if not kinds:
        return ReportKind.OTHER, ()
    # "rfc822; ada@example.org": the type of an address stands before it.
    addresses = _addresses(str(one).rpartition(";")[2] for one in recipients)
    if len(kinds) > 1:
        kinds.discard(ReportKind.HARD)  # one of several: nobody says which of them is dead
    return (ReportKind.SOFT if ReportKind.SOFT in kinds else kinds.pop()), addresses


def _kind_of_failure(fields: Mail) -> ReportKind:
    """Tell whose fault a failure is, as a reply to RCPT would be told."""
    status = str(fields.get("Status", "")).strip()
    diagnostic = DIAGNOSTIC.match(str(fields.get("Diagnostic-Code", "")).strip())
    text = diagnostic[2] if diagnostic else ""
    # X.0.0 says nothing; what the other server answered then says more.
    if ENHANCED.match(status) and not status.endswith(".0.0"):
        text = f"{status} {text}"
    code = int(diagnostic[1]) if diagnostic else 550 if status.startswith("5") else 450
    reply = Reply(code=code, text=text)
    match cause_of(reply):
        case Cause.BAD_ADDRESS:
            return ReportKind.HARD
        case Cause.POLICY | Cause.TOO_BIG:
            return ReportKind.POLICY
        case _:
            return ReportKind.POLICY if OUR_FAULT.match(text) else ReportKind.SOFT


def _feedback(part: Mail) -> tuple[ReportKind, tuple[str, ...]]:
    for fields in _blocks(part):
        if str(fields.get("Feedback-Type", "")).strip().lower() == "not-spam":
            return ReportKind.OTHER, ()
        recipients = _addresses(str(one) for one in fields.get_all("Original-Rcpt-To", []))
        return ReportKind.COMPLAINT, recipients
    return ReportKind.OTHER, ()


def _old_style(mail: Mail, *, otherwise: ReportKind) -> tuple[ReportKind, tuple[str, ...]]:
    """Recognise the bounces of servers that write no RFC 3464."""
    try:
        temporary, permanent = all_failures(mail)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return otherwise, ()  # its detectors trust the shape of what they look for
    if permanent:
        return ReportKind.HARD, _addresses(_text(one) for one in permanent)
    if temporary:
        return ReportKind.SOFT, _addresses(_text(one) for one in temporary)
    return otherwise, ()


def _blocks(part: Mail) -> Iterator[Mail]:
    """Give a report's groups of fields; the parser makes a mail of each."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload if isinstance(block, Mail))


def _returned_message_id(mail: Mail) -> str | None:
    for part in mail.walk():
        if part.get_content_type() == "text/rfc822-headers":
            returned = email.message_from_string(str(part.get_payload()))
        elif part.get_content_type() == "message/rfc822":
            returned = next(_blocks(part), Mail())
        else:
            continue
        if found := str(returned.get("Message-ID", "")).strip().strip("<>"):
            return found[:250]
    return None


def _message_ids(mail: Mail) -> tuple[str, ...]:
    written = (str(mail.get(name, ""))[:LONGEST_HEADER] for name in ("In-Reply-To", "References"))
    found = MESSAGE_ID.findall(" ".join(written))
    return tuple(dict.fromkeys(found))[:MOST_PARTS]


def _addresses(written: Iterable[str]) -> tuple[str, ...]:
    """Give the addresses in header values, each once, in order."""
    found = (ADDRESS.findall(str(one)[:LONGEST_HEADER]) for one in islice(written, MOST_PARTS))
    return tuple(dict.fromkeys(address.lower() for address in chain.from_iterable(found)))


def _text(address: bytes | str) -> str:
    return address.decode("ascii", "replace") if isinstance(address, bytes) else address
