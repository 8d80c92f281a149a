"""Read what comes back: bounces, complaints and unsubscribe requests, a mail at a time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from digest.deliver.bounces import Report, ReportKind, read_report
from digest.deliver.maildir import Maildir
from digest.deliver.returns import ReturnPaths
from digest.model import Attempt, AttemptOutcome, Reply
from digest.store import outbox, returns, subscribers
from digest.store.database import Database
from digest.store.membership import SuppressionReason, leave

logger = logging.getLogger(__name__)

# Under what code an attempt is kept that came back by mail; the text says so.
CODES = {ReportKind.HARD: 550, ReportKind.SOFT: 450, ReportKind.COMPLAINT: 550}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDesk:
    """What reading returned mail needs.

    Attributes:
        hashed: gives the keyed hash under which an address is remembered.
        soft_limit: a reader is suppressed after so many failed deliveries in a row.
    """

    mailbox: Maildir
    paths: ReturnPaths
    hashed: Callable[[str], str]
    soft_limit: int


def read_returns(database: Database, desk: ReturnDesk, now: datetime) -> int:
    """Act on every new mail of the mailbox; one that is read twice does no harm.

    Returns:
        how many mails were read.

    Raises:
        TransportError: the mailbox cannot be read; StoreError: the database refused.
    """
    count = 0
    for name, content in desk.mailbox.unread():
        report = read_report(content)
        if report.kind is ReportKind.UNSUBSCRIBE:
            _unsubscribe(database, desk, report, now)
        elif report.kind in CODES:
            _note_failure(database, desk, report, now)
        # Only now: what a kill interrupts is read again.
        desk.mailbox.mark_read(name)
        count += 1
    return count


def _note_failure(database: Database, desk: ReturnDesk, report: Report, now: datetime) -> None:
    signed = [own for one in report.addressed_to if (own := desk.paths.read(one))]
    with database.write() as connection:
        # Anybody can write a bounce: it counts only with our signature or Message-ID in it.
        delivery = (
            outbox.find_delivery(connection, signed[0])
            if signed
            else returns.delivery_with_message_id(connection, report.message_id or "")
        )
        if delivery is None or delivery.subscriber_id is None:
            logger.info("returned mail is about none of ours: kind=%s", report.kind)
            return
        is_dead = report.kind is ReportKind.HARD
        is_new = returns.record_bounce(
            connection,
            Attempt(
                delivery_id=delivery.id,
                at=now,
                outcome=AttemptOutcome.FAILED,
                reply=Reply(
                    code=CODES[report.kind], text=f"came back: {report.kind}", relay="bounces"
                ),
                bad_address=is_dead,
            ),
        )
        failures = returns.failures_in_a_row(connection, delivery.subscriber_id, desk.soft_limit)
        reason = SuppressionReason.BOUNCED
        if report.kind is ReportKind.COMPLAINT:
            reason = SuppressionReason.COMPLAINED
        is_last = report.kind is not ReportKind.SOFT or (is_new and failures >= desk.soft_limit)
        if is_last:
            returns.suppress_subscriber(
                connection, delivery.subscriber_id, reason, desk.hashed, now
            )
    logger.info(
        "mail came back: delivery=%s kind=%s suppressed=%s", delivery.id, report.kind, is_last
    )


def _unsubscribe(database: Database, desk: ReturnDesk, report: Report, now: datetime) -> None:
    """End the subscription of whoever asks; a forged request costs its victim one click."""
    with database.write() as connection:
        reader = subscribers.find_subscriber(connection, report.sender)
        is_ended = reader is not None and leave(connection, reader, desk.hashed(reader.email), now)
    logger.info("unsubscribe mail read: subscriber=%s ended=%s", reader and reader.id, is_ended)
