"""Ranked items to a digest: what it carries, in which order, and whether it goes out at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from digest.model import Day, Digest, DigestState, Pick, Ranked, Subscriber


def compose_digest(
    subscriber: Subscriber,
    ranked: Sequence[Ranked],
    *,
    digest_id: str,
    edition: date,
    window_from: datetime,
    now: datetime,
    day: Day,
) -> Digest:
    """Choose a subscriber's picks and put them in order, or hold a thin day back.

    Picks of one interest stand together in score order; the interest with the best pick
    comes first, items of no interest last.  Equal scores keep the order of *ranked*.

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
    good = [one for one in ranked if one.score >= subscriber.minimum_score]
    chosen = sorted(good, key=lambda one: -one.score)[: subscriber.max_items]
    if len(chosen) < max(1, min(subscriber.at_least, subscriber.max_items)):
        return digest
    picks = tuple(_pick(one, place) for place, one in enumerate(_by_interest(chosen), start=1))
    return replace(digest, state=DigestState.COMPOSED, picks=picks)


def _by_interest(chosen: Sequence[Ranked]) -> list[Ranked]:
    """Put a best-first list in the order of its interests, each at the place of its best."""
    interests = list(dict.fromkeys(one.interest for one in chosen))
    place_by_interest = {interest: place for place, interest in enumerate(interests)}
    return sorted(chosen, key=lambda one: (one.interest is None, place_by_interest[one.interest]))


def _pick(ranked: Ranked, place: int) -> Pick:
    return Pick(
        place=place,
        item=ranked.item,
        score=ranked.score,
        interest=ranked.interest,
        reasons=ranked.reasons,
        upvotes=ranked.item.upvotes,
        comments=ranked.item.comments,
    )
