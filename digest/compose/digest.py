"""Ranked items to a digest: what it carries, in which order, and whether it goes out at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from digest.compose.telling import said_of, sentences_for
from digest.model import (
    Addressee,
    Day,
    Digest,
    DigestState,
    Form,
    Frequency,
    Item,
    Mention,
    MentionKind,
    Pick,
    Ranked,
    ReasonKind,
    Subscriber,
)

# Title lines of what had no place: more would be a listing of the day.
ALSO_NEW = 10
# Older work than this came late: sources show what is new within days.
LATE = timedelta(days=14)


class Shelf(NamedTuple):
    """Where in a digest a pick stands: with its interest, with its day, or with what came late.

    Attributes:
        on: the day, of a weekly digest.
    """

    interest: str | None = None
    on: date | None = None
    is_late: bool = False


def compose_digest(
    subscriber: Subscriber,
    ranked: Sequence[Ranked],
    *,
    digest_id: str,
    edition: date,
    window_from: datetime,
    now: datetime,
    day: Day,
    mentions: Sequence[Mention] = (),
) -> Digest:
    """Choose a subscriber's picks and put them in order, or hold a thin day back.

    A pick from outside the interests needs no minimum score, and saves no thin day.
    Picks of one shelf stand together in score order.  The interest with the best pick comes
    first, items of no interest after all others, what came late last; the days of a weekly
    digest go backwards.  Equal scores keep the order of *ranked*.

    Args:
        ranked: first the reader's picks, then, best first, what had no place and is mentioned.
        mentions: what else to name.

    Returns:
        a COMPOSED digest, or a HELD one without picks: too few items reached the
        subscriber's minimum score, so all of them wait for the next digest.
    """
    digest = Digest(
        id=digest_id,
        subscriber_id=subscriber.id,
        edition=edition,
        window_from=window_from,
        composed_at=now,
        state=DigestState.HELD,
        day=day,
    )
    outside = [one for one in ranked if _is_outside(one)]
    inside = [one for one in ranked if not _is_outside(one)]
    good = [one for one in inside if one.score >= subscriber.minimum_score]
    room = subscriber.max_items - len(outside)
    chosen, others = good[:room], good[room:]
    if len(chosen) < max(1, min(subscriber.at_least, room)):
        return digest
    best_first = sorted((*chosen, *outside), key=lambda one: -one.score)
    picks = tuple(
        _pick(one, place) for place, one in enumerate(_in_order(best_first, subscriber), start=1)
    )
    return replace(
        digest,
        state=DigestState.COMPOSED,
        picks=picks,
        mentions=(*mentions, *_also_new(subscriber, others, window_from)),
    )


def shelf(subscriber: Addressee, item: Item, interest: str | None) -> Shelf:
    """Say where in a subscriber's digest an item stands."""
    if item.eligible_at and subscriber.schedule.frequency is Frequency.WEEKLY:
        zone = ZoneInfo(subscriber.schedule.timezone)
        return Shelf(on=item.eligible_at.astimezone(zone).date())
    if subscriber.revisions and is_late(item):
        return Shelf(is_late=True)
    return Shelf(interest)


def is_late(item: Item) -> bool:
    """Say whether an item is older than what sources announce as new."""
    if item.published_on is None or item.published_on_inferred or item.eligible_at is None:
        return False
    return item.eligible_at.date() - item.published_on > LATE


def _in_order(chosen: Sequence[Ranked], subscriber: Subscriber) -> list[Ranked]:
    """Put a best-first list in the order of its shelves."""
    shelves = [shelf(subscriber, one.item, one.interest) for one in chosen]
    place_by_shelf = {one: place for place, one in enumerate(dict.fromkeys(shelves))}

    def key(pair: tuple[Shelf, Ranked]) -> tuple[int, bool, bool, int]:
        found, one = pair
        newest_first = -found.on.toordinal() if found.on else 0
        is_alone = one.interest is None and found.on is None
        return newest_first, found.is_late, is_alone, place_by_shelf[found]

    return [one for _, one in sorted(zip(shelves, chosen, strict=True), key=key)]


def _also_new(
    subscriber: Subscriber, others: Sequence[Ranked], window_from: datetime
) -> list[Mention]:
    """Mention the best of what had no place, if it came since the last digest.

    A short digest is short.
    """
    if subscriber.form is Form.SHORT:
        return []
    since = max(window_from, subscriber.last_digest_at or window_from)
    fresh = [one.item for one in others if one.item.eligible_at and one.item.eligible_at >= since]
    return [_named(item) for item in fresh[:ALSO_NEW]]


@lru_cache(maxsize=4096)
def _named(item: Item) -> Mention:
    # Digests of one day name the same items.
    return Mention.of(MentionKind.ALSO_NEW, item)


def _is_outside(ranked: Ranked) -> bool:
    return any(reason.kind is ReasonKind.OUTSIDE for reason in ranked.reasons)


def _pick(ranked: Ranked, place: int) -> Pick:
    return Pick(
        place=place,
        item=ranked.item,
        score=ranked.score,
        interest=ranked.interest,
        reasons=ranked.reasons,
        upvotes=ranked.item.upvotes,
        comments=ranked.item.comments,
        said=said_of(ranked.reasons),
        sentences=sentences_for(ranked.item, ranked.reasons),
    )
