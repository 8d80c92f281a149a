"""Deliveries and digests of the invented readers and papers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from digest.compose.digest import compose_digest
from digest.compose.headers import message_id
from digest.config import MailSettings
from digest.gallery import samples
from digest.gallery.samples import (
    DAY,
    EDITION,
    NOW,
    PROTEINS,
    RETRIEVAL,
    because,
    make_item,
    make_mentions,
    make_ranked,
)
from digest.model import Day, Delivery, DeliveryKind, Digest, Ranked, Subscriber

MAIL = MailSettings(sender="Daily Digest <digest@example.org>", contact="desk@example.org")
DELIVERY_ID = "0198f3c2-aaaa-7bbb-8ccc-0123456789ab"
ADA = replace(samples.ADA, id="ada")

__all__ = [
    "ADA",
    "DAY",
    "DELIVERY_ID",
    "EDITION",
    "MAIL",
    "NOW",
    "PROTEINS",
    "RETRIEVAL",
    "because",
    "make_delivery",
    "make_digest",
    "make_item",
    "make_mentions",
    "make_ranked",
]


def make_digest(
    ranked: Sequence[Ranked] | None = None,
    subscriber: Subscriber = ADA,
    *,
    day: Day = DAY,
    days_back: int = 3,
) -> Digest:
    """Compose a digest as the day would."""
    return compose_digest(
        subscriber,
        make_ranked() if ranked is None else ranked,
        digest_id="digest-1",
        edition=EDITION,
        window_from=NOW - timedelta(days=days_back),
        now=NOW,
        day=day,
    )


def make_delivery(subscriber: Subscriber = ADA, mail: MailSettings = MAIL) -> Delivery:
    """Make the delivery of a digest."""
    return Delivery(
        id=DELIVERY_ID,
        kind=DeliveryKind.DIGEST,
        recipient=subscriber.email,
        message_id=message_id(DELIVERY_ID, mail),
        created_at=NOW,
        next_attempt_at=NOW,
    )
