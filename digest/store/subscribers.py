"""Subscribers: addresses with their wishes, when each digest is due, and what they thought."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from digest.model import DeliveryStatus, Feedback, Subscriber, SubscriberStatus, Verdict
from digest.store.database import chunks, claim_due, upsert
from digest.store.items import get_items
from digest.store.remembered import Hashes, remembered
from digest.store.schema import (
    CONFIRMED,
    NOT_CONFIRMED,
    PENDING,
    Leaver,
    deliveries,
    feedback,
    items,
    picks,
    subscribers,
)
from digest.store.subscriber_rows import (
    GETS_MAIL,
    address_key,
    insert_subscribers,
    read_subscribers,
    rewrite_subscribers,
    stored_by_key,
)

# --- who there is -----------------------------------------------------------------------


def save_config_subscribers(
    connection: Connection,
    given: Sequence[Subscriber],
    now: datetime,
    hashes: Hashes | None = None,
) -> list[str]:
    """Make the subscribers that the settings file owns those given.

    One that is no longer given gets no more mail; given again, it is confirmed again.  Nobody
    is revived who unsubscribed or was suppressed otherwise, be it only by the hash that is
    left.  An address that was known before keeps its id and history, and its due time too
    unless its schedule changed.

    Args:
        connection: of a transaction that writes.
        given: each with a fresh id, and `next_digest_at` as its schedule says.
        now: when.
        hashes: of an address; None = there is no key, and nobody is remembered by a hash.

    Returns:
        the given addresses that are kept away.
    """
    given_by_key = {address_key(subscriber.email): subscriber for subscriber in given}
    stored = stored_by_key(connection, given_by_key)
    doubtful = [
        subscriber.email
        for key, subscriber in given_by_key.items()
        if key not in stored or stored[key][0].status is not SubscriberStatus.CONFIRMED
    ]
    gone_for_good = remembered(connection, doubtful, hashes) if hashes else {}
    kept_away: list[str] = []
    added: list[Subscriber] = []
    changed: list[Subscriber] = []
    for key, subscriber in given_by_key.items():
        wanted = replace(subscriber, config_owned=True)
        is_away = subscriber.email in gone_for_good
        if key not in stored:
            if is_away:
                kept_away.append(subscriber.email)
            else:
                added.append(replace(wanted, created_at=now))
            continue
        known, leaver = stored[key]
        if is_away or known.status is SubscriberStatus.SUPPRESSED or leaver is Leaver.READER:
            kept_away.append(subscriber.email)
            wanted = replace(wanted, status=known.status)
        renewed = _take_up(known, wanted)
        if renewed != known:
            changed.append(renewed)
    insert_subscribers(connection, added)
    rewrite_subscribers(connection, changed)
    owned = connection.execute(
        select(subscribers.c.id, subscribers.c.email_key).where(
            subscribers.c.config_owned, subscribers.c.status.in_(GETS_MAIL)
        )
    )
    gone = [row.id for row in owned if row.email_key not in given_by_key]
    end_subscriptions(connection, gone, SubscriberStatus.UNSUBSCRIBED, now, by=Leaver.CONFIG)
    return kept_away


def add_subscriber(connection: Connection, subscriber: Subscriber, now: datetime) -> Subscriber:
    """Add a subscriber, or take one up again with new wishes; a suppressed one stays so.

    Returns:
        the subscriber as stored, with the id that the address has always had.
    """
    key = address_key(subscriber.email)
    stored = stored_by_key(connection, [key]).get(key)
    if stored is None:
        added = replace(subscriber, created_at=now)
        insert_subscribers(connection, [added])
        return added
    known, _ = stored
    wanted = replace(subscriber, config_owned=known.config_owned)
    if known.status is SubscriberStatus.SUPPRESSED:
        wanted = replace(wanted, status=known.status)
    renewed = _take_up(known, wanted)
    if renewed.status is SubscriberStatus.UNCONFIRMED:
        # A sign-up anew waits anew for its confirmation before it is forgotten.
        renewed = replace(renewed, created_at=now)
    rewrite_subscribers(connection, [renewed])
    return renewed


def remove_subscriber(connection: Connection, email: str, now: datetime) -> bool:
    """Unsubscribe an address for good: the settings file does not bring it back.

    Returns:
        False if nobody with that address gets mail.
    """
    found = find_subscriber(connection, email)
    if found is None or found.status not in GETS_MAIL:
        return False
    end_subscriptions(connection, [found.id], SubscriberStatus.UNSUBSCRIBED, now, by=Leaver.READER)
    return True


def end_subscriptions(
    connection: Connection,
    ids: Collection[str],
    status: SubscriberStatus,
    now: datetime,
    *,
    by: Leaver | None = None,
) -> None:
    """Write to these subscribers no more; what waits in the outbox for them is cancelled."""
    for chunk in chunks(ids):
        connection.execute(
            update(subscribers)
            .where(subscribers.c.id.in_(chunk))
            .values(status=status, unsubscribed_by=by, ended_at=now)
        )
        connection.execute(
            update(deliveries)
            .where(deliveries.c.subscriber_id.in_(chunk), PENDING)
            .values(status=DeliveryStatus.CANCELLED)
        )


def find_subscriber(connection: Connection, email: str) -> Subscriber | None:
    """Give the subscriber with this address, whatever its letter case."""
    key = address_key(email)
    found = stored_by_key(connection, [key]).get(key)
    return found and found[0]


def get_subscribers(connection: Connection, ids: Collection[str]) -> dict[str, Subscriber]:
    """Give subscribers by id."""
    found: dict[str, Subscriber] = {}
    for chunk in chunks(ids):
        rows = connection.execute(select(subscribers).where(subscribers.c.id.in_(chunk))).all()
        found.update((one.id, one) for one in read_subscribers(connection, rows))
    return found


def list_subscribers(
    connection: Connection, *, status: SubscriberStatus | None = None
) -> list[Subscriber]:
    """Give all subscribers, or those of one status, in the order they came."""
    wanted = select(subscribers).order_by(subscribers.c.created_at, subscribers.c.id)
    if status is not None:
        wanted = wanted.where(subscribers.c.status == status)
    rows = connection.execute(wanted).all()
    return [one for chunk in chunks(rows) for one in read_subscribers(connection, chunk)]


def count_by_status(connection: Connection) -> dict[SubscriberStatus, int]:
    """Count the subscribers of each status."""
    # Two questions, as each of the two indexes holds the rows of one.
    others = select(subscribers.c.status, func.count()).where(NOT_CONFIRMED)
    counts = dict(connection.execute(others.group_by(subscribers.c.status)).all())
    confirmed = select(func.count()).select_from(subscribers).where(CONFIRMED)
    counts[SubscriberStatus.CONFIRMED] = connection.execute(confirmed).scalar_one()
    return dict.fromkeys(SubscriberStatus, 0) | counts


def _take_up(known: Subscriber, wanted: Subscriber) -> Subscriber:
    """Give a known subscriber the wanted wishes; id, history and due time are kept.

    The due time is replaced where it says nothing any more: another schedule, or a return.
    """
    returns = known.status is not wanted.status
    anew = returns or known.schedule != wanted.schedule or known.next_digest_at is None
    return replace(
        wanted,
        id=known.id,
        created_at=known.created_at,
        last_digest_at=known.last_digest_at,
        paused_until=known.paused_until,
        link_epoch=known.link_epoch,
        next_digest_at=wanted.next_digest_at if anew else known.next_digest_at,
    )


# --- whose digest is due ----------------------------------------------------------------


def claim_due_subscribers(
    connection: Connection, now: datetime, lease: timedelta, limit: int
) -> list[Subscriber]:
    """Claim subscribers whose digest is due: confirmed, not paused, longest due first.

    One whose digest nobody records is due again after *lease*.

    Returns:
        subscribers with `next_digest_at` as it was before the claim.
    """
    due = (
        CONFIRMED
        & (subscribers.c.next_digest_at <= now)
        & (subscribers.c.paused_until.is_(None) | (subscribers.c.paused_until <= now))
    )
    rows = claim_due(connection, subscribers.c.next_digest_at, due, now + lease, limit)
    return read_subscribers(connection, rows)


def next_due_at(connection: Connection) -> datetime | None:
    """Give the instant at which the next digest is due; None if nobody waits for one."""
    earliest: datetime | None = connection.scalar(
        select(func.min(subscribers.c.next_digest_at)).where(CONFIRMED)
    )
    return earliest


# --- what they thought ------------------------------------------------------------------


def feedback_of(
    connection: Connection, subscriber_ids: Collection[str]
) -> dict[str, tuple[Feedback, ...]]:
    """Give the verdicts of subscribers, oldest first; whoever gave none is left out.

    Each names the interest under which the item was picked, if it was.
    """
    rows = [
        row
        for chunk in chunks(subscriber_ids)
        for row in connection.execute(
            select(feedback, picks.c.interest)
            .outerjoin(
                picks,
                (picks.c.subscriber_id == feedback.c.subscriber_id)
                & (picks.c.item_id == feedback.c.item_id),
            )
            .where(feedback.c.subscriber_id.in_(chunk))
            .order_by(feedback.c.at, feedback.c.item_id)
        )
    ]
    item_by_id = get_items(connection, {row.item_id for row in rows})
    found: defaultdict[str, list[Feedback]] = defaultdict(list)
    for row in rows:
        verdict = Feedback(
            item=item_by_id[row.item_id], verdict=row.verdict, at=row.at, interest=row.interest
        )
        found[row.subscriber_id].append(verdict)
    return {subscriber_id: tuple(verdicts) for subscriber_id, verdicts in found.items()}


def add_feedback(
    connection: Connection, subscriber_id: str, item_id: str, verdict: Verdict, at: datetime
) -> None:
    """Note a subscriber's verdict on an item; it replaces an earlier one."""
    living = select(func.coalesce(items.c.merged_into, items.c.id)).where(items.c.id == item_id)
    add = upsert(connection, feedback).values(
        subscriber_id=subscriber_id, item_id=living.scalar_subquery(), verdict=verdict, at=at
    )
    connection.execute(
        add.on_conflict_do_update(
            index_elements=["subscriber_id", "item_id"],
            set_={"verdict": add.excluded.verdict, "at": add.excluded.at},
        )
    )


def remove_feedback(connection: Connection, subscriber_id: str, item_id: str) -> None:
    """Take back a subscriber's verdict on an item."""
    connection.execute(
        delete(feedback).where(
            feedback.c.subscriber_id == subscriber_id, feedback.c.item_id == item_id
        )
    )
