"""Many subscribers at once, from a file: in one transaction, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from digest.app import App
from digest.compose.headers import message_id
from digest.errors import ConfigError
from digest.model import Delivery, DeliveryKind, Subscriber, SubscriberStatus, new_id
from digest.protocols import Progress
from digest.schedule.clock import next_digest_at
from digest.store import outbox, recovery
from digest.store.remembered import remembered
from digest.store.schema import Leaver
from digest.store.subscriber_rows import (
    GETS_MAIL,
    address_key,
    insert_subscribers,
    standing_by_key,
)
from digest.store.subscribers import add_subscriber
from digest.subscriber_files import Fault, Wanted, read_file

HOUR = timedelta(hours=1)
ROWS_A_STEP = 1000


class Consent(StrEnum):
    """Whether those of a file have said yes elsewhere, or are asked by mail."""

    CONFIRMED = "confirmed"
    ASK = "ask"


class KeptOut(NamedTuple):
    """An address of the file that gets no mail: it left, bounced, complained or refused."""

    line: int
    address: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What became of a file.

    Attributes:
        added: how many are new.
        existing: addresses that were subscribed before; they stay as they are.
        unknown: columns that were passed over.
        asked_until: when the last one is asked for confirmation.
    """

    added: int
    existing: list[str]
    kept_out: list[KeptOut]
    faults: list[Fault]
    unknown: list[str]
    asked_until: datetime | None = None


def enrol(
    app: App, path: Path, consent: Consent, *, per_hour: int | None, progress: Progress
) -> Enrolment:
    """Add the subscribers of a CSV or JSON file.

    Confirmed ones get their first digest at their next hour.  Those asked are asked at a
    bounded pace through the outbox, and forgotten if they do not answer, counted from then.

    Args:
        per_hour: confirmation mails an hour; None = as many as the sign-up form lets through.

    Raises:
        ConfigError: the file cannot be read; asking needs pages, or would take too long.
    """
    if consent is Consent.ASK and app.links is None:
        raise ConfigError("--ask: needs web.base_url, for the link in the mail")
    file = read_file(path, app.settings.digest, progress)
    now = app.clock()
    first_by_key, twice = _without_doubles(file.wanted)
    hashes = app.hashes if app.settings.has_key else None
    pace = HOUR / (per_hour or app.settings.web.sign_ups_per_hour)
    with app.database.write() as connection:
        standing = standing_by_key(connection, first_by_key)
        # Whom the settings file alone dropped the operator may bring back.
        dropped = {key for key, (_, leaver) in standing.items() if leaver is Leaver.CONFIG}
        known = {key: status for key, (status, _) in standing.items() if key not in dropped}
        key_by_email = {
            one.subscriber.email: key for key, one in first_by_key.items() if key not in known
        }
        memories = remembered(connection, key_by_email, hashes) if hashes else {}
        reasons = {key_by_email[email]: memory.reason for email, memory in memories.items()}
        reasons |= {key: str(status) for key, status in known.items() if status not in GETS_MAIL}
        added = [
            (key in dropped, one.subscriber)
            for key, one in first_by_key.items()
            if key not in known and key not in reasons
        ]
        if consent is Consent.ASK and pace * len(added) > recovery.FARTHEST - HOUR:
            raise ConfigError(
                f"--ask: {len(added)} mails would take {pace * len(added)}: raise --per-hour"
            )
        for start in range(0, len(added), ROWS_A_STEP):
            progress("store", start, len(added))
            made = [
                (is_known, _made(one, consent, now, now + pace * place, place))
                for place, (is_known, one) in enumerate(added[start : start + ROWS_A_STEP], start)
            ]
            insert_subscribers(connection, [one for is_known, one in made if not is_known])
            stored = [
                add_subscriber(connection, one, one.created_at or now) if is_known else one
                for is_known, one in made
            ]
            if consent is Consent.ASK:
                outbox.insert_deliveries(connection, [_question(app, one, now) for one in stored])
        progress("store", len(added), len(added))
    return Enrolment(
        added=len(added),
        existing=[
            first_by_key[key].subscriber.email
            for key, status in known.items()
            if status in GETS_MAIL
        ],
        kept_out=[
            KeptOut(first_by_key[key].line, first_by_key[key].subscriber.email, reason)
            for key, reason in reasons.items()
        ],
        faults=sorted([*file.faults, *twice]),
        unknown=file.unknown,
        asked_until=now + pace * (len(added) - 1) if consent is Consent.ASK and added else None,
    )


def _without_doubles(wanted: Sequence[Wanted]) -> tuple[dict[str, Wanted], list[Fault]]:
    first_by_key: dict[str, Wanted] = {}
    twice: list[Fault] = []
    for one in wanted:
        first = first_by_key.setdefault(address_key(one.subscriber.email), one)
        if first is not one:
            twice.append(Fault(one.line, f"the address of line {first.line} again"))
    return first_by_key, twice


def _made(
    one: Subscriber, consent: Consent, now: datetime, asked_at: datetime, place: int
) -> Subscriber:
    is_asked = consent is Consent.ASK
    # The days after which a sign-up is forgotten count from the question.
    since = asked_at if is_asked else now
    return replace(
        one,
        id=new_id(now),
        status=SubscriberStatus.UNCONFIRMED if is_asked else SubscriberStatus.CONFIRMED,
        # In the order of the file.
        created_at=since + place * timedelta(microseconds=1),
        next_digest_at=next_digest_at(one.schedule, since),
    )


def _question(app: App, one: Subscriber, now: datetime) -> Delivery:
    asked_at = one.created_at or now
    delivery_id = new_id(asked_at)
    return Delivery(
        id=delivery_id,
        kind=DeliveryKind.CONFIRMATION,
        recipient=one.email,
        message_id=message_id(delivery_id, app.settings.mail),
        subscriber_id=one.id,
        created_at=asked_at,
        next_attempt_at=asked_at,
    )
