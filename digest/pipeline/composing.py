"""Compose what is due: rank, choose and store digests, a batch of subscribers at a time."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from digest.compose.digest import ALSO_NEW, compose_digest
from digest.compose.headers import message_id
from digest.compose.window import News, eligible_items, window_from
from digest.config import DigestSettings, MailSettings
from digest.identity import keys
from digest.model import (
    Day,
    Delivery,
    DeliveryKind,
    Described,
    Digest,
    DigestState,
    Feedback,
    Frequency,
    Item,
    Mention,
    MentionKind,
    Reader,
    Subscriber,
    new_id,
)
from digest.protocols import Clock, Progress, Ranker
from digest.schedule.clock import edition_on, next_digest_at
from digest.store import digests as digest_store
from digest.store import items as item_store
from digest.store import mentions as mention_store
from digest.store import sources, subscribers
from digest.store.database import Database

logger = logging.getLogger(__name__)

# A claim that is not recorded within its lease is due again: the worker is thought dead.
LEASE = timedelta(minutes=10)
# So many subscribers are ranked as one matrix product and written in one transaction.
BATCH = 500
# Title lines of what was revised, and of a week's most voted.
REVISIONS_SHOWN = 10
MOST_VOTED_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """What turns stored items into digests; `ranker` gives the ranker of the moment."""

    ranker: Callable[[], Ranker]
    digest: DigestSettings
    mail: MailSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What one round of composing looks at, read once."""

    items: list[Item]
    news: News
    ranker: Ranker
    failed_sources: tuple[str, ...]
    quiet_sources: tuple[str, ...]


def compose_due(
    database: Database,
    composer: Composer,
    *,
    clock: Clock,
    is_stopping: Callable[[], bool] = lambda: False,
    progress: Progress,
) -> list[Digest]:
    """Compose the digest of every subscriber whose hour has come; picks are left out.

    Returns:
        the digests of this round, HELD ones too, without their picks: a round may be of a
        million subscribers.
    """
    now = clock()
    done: list[Digest] = []
    candidates: Candidates | None = None
    while not is_stopping():
        with database.write() as connection:
            batch = subscribers.claim_due_subscribers(connection, now, LEASE, BATCH)
        if not batch:
            break
        if candidates is None:
            candidates = read_candidates(database, composer, now)
        editions = {one.id: edition_on(one.schedule, now) for one in batch}
        composed = compose(database, composer, candidates, batch, editions, now)
        record_digests(database, composer, composed, batch, now)
        done.extend(replace(digest, picks=()) for digest in composed)
        progress("compose", len(done), None)
    return done


def read_candidates(database: Database, composer: Composer, now: datetime) -> Candidates:
    """Read the items that any digest of this round may carry, and fit the ranker."""
    since = now - timedelta(days=composer.digest.catch_up_days)
    with database.read() as connection:
        items = item_store.candidates(connection, since)
        items = item_store.with_votes(connection, items, (since - timedelta(days=1)).date())
        states = sources.list_sources(connection)
        quiet = sources.quiet_source_names(connection)
    failed = tuple(one.source.name for one in states if one.enabled and one.failures)
    return Candidates(
        items=items,
        news=News(items),
        ranker=composer.ranker(),
        failed_sources=failed,
        quiet_sources=tuple(sorted(quiet.difference(failed))),
    )


def compose(
    database: Database,
    composer: Composer,
    candidates: Candidates,
    batch: Sequence[Subscriber],
    editions: Mapping[str, date],
    now: datetime,
) -> list[Digest]:
    """Rank and compose for a batch of subscribers, in its order; nothing is stored."""
    items = candidates.items
    windows = [
        window_from(
            subscriber,
            now,
            window=timedelta(days=composer.digest.window_days),
            catch_up=timedelta(days=composer.digest.catch_up_days),
        )
        for subscriber in batch
    ]
    ids = [subscriber.id for subscriber in batch]
    with database.read() as connection:
        sent = digest_store.sent_item_ids(connection, ids, min(windows))
    eligible = eligible_items(windows, items, [sent.get(id_, set()) for id_ in ids])
    readers = readers_of(database, batch, editions)
    limit = max(subscriber.max_items for subscriber in batch) + ALSO_NEW
    ranked = candidates.ranker.rank(readers, items, eligible, limit)
    most_voted = _most_voted(candidates, batch, readers, eligible)
    revised = _revised(database, batch, windows)
    return [
        compose_digest(
            subscriber,
            picks,
            digest_id=new_id(now),
            edition=editions[subscriber.id],
            window_from=since,
            now=now,
            day=_day(subscriber, since, candidates, now),
            mentions=(*most_voted.get(subscriber.id, ()), *revised.get(subscriber.id, ())),
        )
        for subscriber, picks, since in zip(batch, ranked, windows, strict=True)
    ]


def _revised(
    database: Database, batch: Sequence[Subscriber], windows: Sequence[datetime]
) -> Mapping[str, Sequence[Mention]]:
    """Give by subscriber id what was sent and revised since, to those who ask for it."""
    since = {
        one.id: max(window, one.last_digest_at or window)
        for one, window in zip(batch, windows, strict=True)
        if one.revisions
    }
    if not since:
        return {}
    with database.read() as connection:
        return mention_store.revised_since(connection, since, REVISIONS_SHOWN)


def _most_voted(
    candidates: Candidates,
    batch: Sequence[Subscriber],
    readers: Sequence[Reader],
    eligible: NDArray[np.bool_],
) -> dict[str, list[Mention]]:
    """Give by subscriber id the most voted of the week, to those who get one mail a week.

    Ranked by votes alone, so that what a reader muted is not there either.
    """
    weekly = [n for n, one in enumerate(batch) if one.schedule.frequency is Frequency.WEEKLY]
    if not weekly:
        return {}
    # No picks: what had no place comes in the plain order of scores.
    by_votes = [replace(readers[n], popularity=1.0, max_items=0, minimum_score=0.0) for n in weekly]
    ranked = candidates.ranker.rank(by_votes, candidates.items, eligible[weekly], MOST_VOTED_SHOWN)
    return {
        batch[n].id: [
            Mention.of(MentionKind.MOST_VOTED, one.item)
            for one in sorted(best, key=lambda one: -(one.item.upvotes or 0))
            if one.item.upvotes
        ]
        for n, best in zip(weekly, ranked, strict=True)
    }


def readers_of(
    database: Database, batch: Sequence[Subscriber], editions: Mapping[str, date]
) -> list[Reader]:
    """Give what ranking may know of each subscriber: interests, examples, feedback, the dial."""
    with database.read() as connection:
        feedback = subscribers.feedback_of(connection, [one.id for one in batch])
        examples = item_store.find_by_keys(connection, _example_keys(batch))
    return [_reader(one, feedback.get(one.id, ()), examples, editions.get(one.id)) for one in batch]


def readers_by_id(database: Database, ids: Sequence[str]) -> list[Reader]:
    """Give the same of subscribers by their ids, for no day in particular."""
    with database.read() as connection:
        found = subscribers.get_subscribers(connection, ids)
    return readers_of(database, list(found.values()), {})


def record_digests(
    database: Database,
    composer: Composer,
    composed: Sequence[Digest],
    batch: Sequence[Subscriber],
    now: datetime,
) -> int:
    """Store digests, their picks, their deliveries and the next due times at once."""
    readers = {subscriber.id: subscriber for subscriber in batch}
    deliveries = {
        digest.id: _delivery(digest, readers[digest.subscriber_id].email, composer.mail, now)
        for digest in composed
        if digest.state is DigestState.COMPOSED
    }
    due_again = {one.id: next_digest_at(one.schedule, now) for one in batch}
    with database.write() as connection:
        stored = digest_store.record_digests(connection, composed, deliveries, due_again, readers)
    logger.info("digests composed: subscribers=%d stored=%d", len(batch), stored)
    return stored


def _delivery(digest: Digest, recipient: str, mail: MailSettings, now: datetime) -> Delivery:
    delivery_id = new_id(now)
    return Delivery(
        id=delivery_id,
        kind=DeliveryKind.DIGEST,
        recipient=recipient,
        message_id=message_id(delivery_id, mail),
        subscriber_id=digest.subscriber_id,
        digest_id=digest.id,
        created_at=now,
        next_attempt_at=now,
        superseded_at=digest.day.next_digest_at,
    )


def _day(subscriber: Subscriber, since: datetime, candidates: Candidates, now: datetime) -> Day:
    # What the last digest counted is no news, although it may be picked today.
    new_items, source_names = candidates.news.since(max(since, subscriber.last_digest_at or since))
    return Day(
        new_items=new_items,
        source_names=source_names,
        failed_sources=candidates.failed_sources,
        quiet_sources=candidates.quiet_sources,
        next_digest_at=next_digest_at(subscriber.schedule, now),
    )


def _reader(
    subscriber: Subscriber,
    feedback: Sequence[Feedback],
    stored: Mapping[str, Item],
    edition: date | None,
) -> Reader:
    return Reader(
        interests=subscriber.interests,
        feedback=tuple(feedback),
        popularity=subscriber.popularity,
        examples={
            interest.name: tuple(_examples(interest.examples, stored))
            for interest in subscriber.interests
            if interest.examples
        },
        max_items=subscriber.max_items,
        minimum_score=subscriber.minimum_score,
        explore=subscriber.explore,
        salt=f"{subscriber.id} {edition}",
        id=subscriber.id,
    )


def _examples(texts: Sequence[str], stored: Mapping[str, Item]) -> Iterator[Described]:
    """Give the stored item of each example; a text that names none is a title itself."""
    for text in texts:
        named = keys(link=text, title=text)
        found = next((stored[key] for key in named if key in stored), None)
        if found:
            yield found
        elif all(key.startswith("title:") for key in named):
            yield Described(keys=named, title=text)


def _example_keys(batch: Sequence[Subscriber]) -> set[str]:
    return {
        key
        for subscriber in batch
        for interest in subscriber.interests
        for text in interest.examples
        for key in keys(link=text, title=text)
    }
