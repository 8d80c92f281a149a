"""What a reply means for a delivery: sent, tried again later, or failed.

Values only: a delivery, a reply and an instant in, an attempt out.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from digest.model import Attempt, AttemptOutcome, Delivery, Reply

FIRST_WAIT = timedelta(minutes=5)  # the usual delay of a greylist; RFC 6647 section 4.1
LONGEST_WAIT = timedelta(hours=4)
# So often is tried at least, although time ran out while the relay or we ourselves were down.
FEWEST_TRIES = 4
HOUR = timedelta(hours=1)
SPREAD = 0.5  # jitter adds up to this share, so that a batch deferred at once comes back apart

ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
GREYLISTED = re.compile(r"gr[ae]y[\s-]?list", re.IGNORECASE)
RATE_LIMITED = re.compile(
    r"rate[\s-]?limit|throttl|too many (messages|connections|mails|sessions)|at a rate that",
    re.IGNORECASE,
)
# What servers say that refuse us without an enhanced code: it is no word on the reader.
POLICY_WORDS = re.compile(
    r"spam|\bblock|black\s?list|deny\s?list|reputation|policy|policies|banned"
    r"|\b(spf|dkim|dmarc|rbl|dnsbl)\b|relay(ing)? (access )?denied|authenticat",
    re.IGNORECASE,
)


class Cause(StrEnum):
    """What a reply other than 2yz is about."""

    CONNECTION = "connection"
    GREYLISTED = "greylisted"
    RATE_LIMITED = "rate-limited"
    MAILBOX_FULL = "mailbox-full"
    BAD_ADDRESS = "bad-address"
    TOO_BIG = "too-big"
    POLICY = "policy"
    OTHER = "other"


# Shortest waits where the cause says that an early try is wasted.
SHORTEST_WAIT = {
    Cause.RATE_LIMITED: timedelta(minutes=30),
    Cause.MAILBOX_FULL: timedelta(hours=2),
}


def decide(
    delivery: Delivery,
    reply: Reply,
    *,
    now: datetime,
    give_up_after: timedelta,
    jitter: float,
    retries_uncertain: bool = True,
) -> Attempt:
    """Judge the reply to one try at a delivery.

    4yz and connection faults are tried again until *give_up_after* has passed or the reader's
    next digest is due, the last time at that very instant, but `FEWEST_TRIES` times at least;
    5yz is final, but for a full mailbox and the old spelling of "too many recipients".

    Args:
        delivery: its `attempts` count the try that is judged.
        now: when the reply came.
        jitter: 0.0 to 1.0, spreads the next attempt.
        retries_uncertain: False gives up a message that the relay may have taken: better
            lost than doubled.

    Source: RFC 5321 sections 4.2.1 and 4.5.4.1; RFC 3463.
    """
    if 200 <= reply.code < 300:
        return Attempt(delivery_id=delivery.id, at=now, outcome=AttemptOutcome.SENT, reply=reply)
    cause = cause_of(reply)
    last_chance_at = (delivery.counted_from or delivery.created_at) + give_up_after
    why = f"tried for {give_up_after / HOUR:g} h"
    if delivery.superseded_at and delivery.superseded_at < last_chance_at:
        last_chance_at, why = delivery.superseded_at, "the next digest is due"
    is_late = now >= last_chance_at
    gives_up = reply.uncertain and not retries_uncertain
    is_final = gives_up or _is_final(reply, cause)
    if is_final or (is_late and delivery.attempts >= FEWEST_TRIES):
        text = reply.text if is_final else f"{reply.text[:400]} (given up: {why})"
        return Attempt(
            delivery_id=delivery.id,
            at=now,
            outcome=AttemptOutcome.FAILED,
            reply=reply._replace(text=text),
            bad_address=cause is Cause.BAD_ADDRESS,
        )
    shortest = SHORTEST_WAIT.get(cause, FIRST_WAIT) * (1 + SPREAD * jitter)
    again_at = now + max(next_wait(delivery.attempts, jitter), shortest)
    return Attempt(
        delivery_id=delivery.id,
        at=now,
        outcome=AttemptOutcome.DEFERRED,
        reply=reply,
        next_attempt_at=again_at if is_late else min(again_at, last_chance_at),
    )


def next_wait(attempts: int, jitter: float) -> timedelta:
    """Give the wait after so many attempts: 5 minutes, doubled each time, at most 4 hours.

    Args:
        attempts: tries so far; fewer than 1 counts as 1.
        jitter: 0.0 to 1.0, adds up to half of the wait.
    """
    doubled = FIRST_WAIT * (1 << min(max(attempts, 1) - 1, 16))
    return min(doubled, LONGEST_WAIT) * (1 + SPREAD * jitter)


def cause_of(reply: Reply) -> Cause:
    """Say what a reply other than 2yz is about, by its enhanced code first, then its words.

    Source: RFC 3463 section 3, RFC 7505 section 4.2 (5.1.10), IANA SMTP Enhanced Status Codes.
    """
    if reply.code == 0:
        return Cause.CONNECTION
    matched = ENHANCED.match(reply.text)
    status_class, subject, detail = map(int, matched.groups()) if matched else (0, 0, 0)
    is_final = 500 <= reply.code < 600
    if (subject, detail) == (2, 2):
        return Cause.MAILBOX_FULL
    if (subject, detail) in {(3, 4), (2, 3)}:
        return Cause.TOO_BIG
    if not is_final and GREYLISTED.search(reply.text):
        return Cause.GREYLISTED
    if not is_final and ((subject, detail) == (7, 28) or RATE_LIMITED.search(reply.text)):
        return Cause.RATE_LIMITED
    if reply.code == 421:
        return Cause.CONNECTION
    # 5.1.7 to 5.1.9 speak of the sender's address and the route: ours, not the reader's.
    if is_final and status_class == 5 and subject == 1 and detail not in {7, 8, 9}:
        return Cause.BAD_ADDRESS
    if subject == 7 or (is_final and not matched and POLICY_WORDS.search(reply.text)):
        return Cause.POLICY
    return Cause.OTHER


def is_soft_bounce(reply: Reply) -> bool:
    """True if a refusal speaks of the reader's mailbox, which may take mail another day.

    Source: RFC 3463 section 3.3 (X.2.Y); RFC 5321 section 4.2.3 for bare codes.
    """
    cause = cause_of(reply)
    if cause is not Cause.OTHER:
        return cause is Cause.MAILBOX_FULL
    matched = ENHANCED.match(reply.text)
    return int(matched[2]) == 2 if matched else reply.code in {550, 551, 553}


def soft_bounces(endings: Sequence[Reply], judged: int) -> int:
    """Count the soft bounces that stand against a reader after one ending.

    Each adds one, each good delivery halves what stands; what failed for another reason says
    nothing of the reader.  Bounces come late, so what ended after the judged one counts too.

    Args:
        endings: the last reply to each of a reader's deliveries, oldest first.
        judged: the place of the one that asks.
    """
    standing = most = 0
    for place, reply in enumerate(endings):
        if 200 <= reply.code < 300:
            standing //= 2
        elif is_soft_bounce(reply):
            standing += 1
        if place >= judged:
            most = max(most, standing)
    return most


def _is_final(reply: Reply, cause: Cause) -> bool:
    if not 500 <= reply.code < 600 or cause is Cause.MAILBOX_FULL:
        return False
    # "Too many recipients" was 552 once, and stays transient; RFC 5321 section 4.5.3.1.10.
    return reply.code != 552 or cause is not Cause.OTHER
