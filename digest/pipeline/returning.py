"""Read what comes back: bounces, complaints and unsubscribe requests, a mail at a time.

And whom we write to no more for it, or for what the relay said at once.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from digest.deliver.bounces import Report, ReportKind, read_report
from digest.deliver.retry import is_soft_bounce, soft_bounces
from digest.deliver.returns import ReturnPaths
from digest.model import Attempt, AttemptOutcome, Delivery, Reply
from digest.protocols import Mailbox
from digest.store import outbox, returns, subscribers
from digest.store.database import Database, Transaction
from digest.store.membership import SuppressionReason, leave
from digest.store.tallies import CAME_BACK

logger = logging.getLogger(__name__)

# What an attempt is recorded with that came back by mail; RFC 3463 section 3.
REPLIES = {
    ReportKind.HARD: Reply(code=550, text="5.1.0 came back: hard", relay=CAME_BACK),
    ReportKind.SOFT: Reply(code=450, text="4.2.0 came back: soft", relay=CAME_BACK),
    ReportKind.POLICY: Reply(code=550, text="5.7.0 came back: policy", relay=CAME_BACK),
    ReportKind.COMPLAINT: Reply(code=550, text="5.7.0 came back: complaint", relay=CAME_BACK),
}


# Deliveries looked at, for each soft bounce that is allowed: those between may have been good.
LOOK_BACK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressor:
    """Ends subscriptions whose address takes no mail.

    Attributes:
        hashed: gives the keyed hash under which an address is remembered; None where there is
            no key: the subscription ends all the same.
        soft_limit: so many soft bounces may stand against a reader, less one.
    """

    hashed: Callable[[str], str] | None
    soft_limit: int

    def note(self, connection: Transaction, recorded: Sequence[Attempt]) -> None:
        """Act on attempts that were just recorded in this very transaction."""
        for attempt in recorded:
            is_soft = attempt.outcome is AttemptOutcome.FAILED and is_soft_bounce(attempt.reply)
            if not (attempt.bad_address or is_soft):
                continue
            delivery = outbox.find_delivery(connection, attempt.delivery_id)
            if delivery is None or delivery.subscriber_id is None:
                continue
            if attempt.bad_address or self._is_last(
                connection, delivery.subscriber_id, delivery.id
            ):
                self.suppress(connection, delivery.subscriber_id, attempt)

    def suppress(
        self,
        connection: Transaction,
        subscriber_id: str,
        attempt: Attempt,
        reason: SuppressionReason = SuppressionReason.BOUNCED,
    ) -> None:
        """Write to a reader no more, for what an attempt met."""
        returns.suppress_subscriber(connection, subscriber_id, reason, self.hashed, attempt.at)
        logger.info(
            "reader suppressed: subscriber=%s delivery=%s reason=%s",
            *(subscriber_id, attempt.delivery_id, reason),
        )

    def _is_last(self, connection: Transaction, subscriber_id: str, delivery_id: str) -> bool:
        """True if a soft bounce of this delivery is one too many."""
        endings = returns.endings_of(connection, subscriber_id, LOOK_BACK * self.soft_limit)
        if delivery_id not in endings:  # too long ago to say anything of today
            return False
        judged = [*endings].index(delivery_id)
        return soft_bounces([*endings.values()], judged) >= self.soft_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDesk:
    """What reading returned mail needs."""

    mailbox: Mailbox
    paths: ReturnPaths
    suppressor: Suppressor


def read_returns(database: Database, desk: ReturnDesk, now: datetime) -> int:
    """Act on every new mail of the mailbox; one that is read twice does no harm.

    Returns:
        how many mails were read.

    Raises:
        TransportError: the mailbox cannot be read; StoreError: the database refused.
    """
    count = ignored = 0
    with closing(desk.mailbox.unread()) as mails:
        for name, content in mails:
            report = read_report(content)
            if report.kind in REPLIES:
                _note_failure(database, desk, report, now)
            elif any(map(desk.paths.read_leaving, report.addressed_to)) or (
                report.kind is ReportKind.UNSUBSCRIBE
            ):
                ignored += not _unsubscribe(database, desk, report, now)
            # Only now: what a kill interrupts is read again.
            desk.mailbox.mark_read(name)
            count += 1
    if ignored:
        logger.warning("unsubscribe mails without proof of their reader: ignored=%d", ignored)
    return count


def _note_failure(database: Database, desk: ReturnDesk, report: Report, now: datetime) -> None:
    with database.write() as connection:
        delivery = _delivery(connection, desk, report)
        if delivery is None or delivery.subscriber_id is None:
            logger.info("returned mail is about none of ours: kind=%s", report.kind)
            return
        attempt = Attempt(
            delivery_id=delivery.id,
            at=now,
            outcome=AttemptOutcome.FAILED,
            reply=REPLIES[report.kind],
            bad_address=report.kind is ReportKind.HARD,
        )
        is_new = returns.record_bounce(connection, attempt)
        if report.kind is ReportKind.COMPLAINT:
            complained = SuppressionReason.COMPLAINED
            desk.suppressor.suppress(connection, delivery.subscriber_id, attempt, complained)
        elif is_new or attempt.bad_address:
            desk.suppressor.note(connection, [attempt])
    # A policy refusal is ours to mend (SPF, DKIM, reputation) and will meet other readers.
    level = logging.ERROR if report.kind is ReportKind.POLICY else logging.INFO
    logger.log(level, "mail came back: delivery=%s kind=%s", delivery.id, report.kind)


def _delivery(connection: Transaction, desk: ReturnDesk, report: Report) -> Delivery | None:
    """Find the delivery that a mail is about; anybody can write one, so a proof must be in it."""
    signed = [own for one in report.addressed_to if (own := desk.paths.read(one))]
    if signed:
        return outbox.find_delivery(connection, signed[0])
    return returns.delivery_with_message_id(connection, report.message_id or "")


def _unsubscribe(database: Database, desk: ReturnDesk, report: Report, now: datetime) -> bool:
    """End the subscription of whoever proves to be its reader; a From line proves nothing.

    Proof is the reader's own address to leave at, or an answer to a mail that only the reader
    has: nobody else knows its Message-ID.

    Returns:
        False if there is no proof.
    """
    proven = [own for one in report.addressed_to if (own := desk.paths.read_leaving(one))]
    with database.write() as connection:
        for message_id in report.answers:
            answered = returns.delivery_with_message_id(connection, message_id)
            if answered and answered.subscriber_id:
                proven.append(answered.subscriber_id)
        readers = subscribers.get_subscribers(connection, proven[:1])
        for reader in readers.values():
            hashed = desk.suppressor.hashed
            is_ended = leave(connection, reader, hashed and hashed(reader.email), now)
            logger.info("unsubscribe mail read: subscriber=%s ended=%s", reader.id, is_ended)
    return bool(proven)
