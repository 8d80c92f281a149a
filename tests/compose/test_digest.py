"""What a digest carries and in which order."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose.digest import ALSO_NEW, compose_digest
from digest.model import (
    Day,
    Digest,
    DigestState,
    Form,
    Frequency,
    Item,
    Mention,
    MentionKind,
    Ranked,
    Schedule,
    Subscriber,
)

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


def make_ranked(score: float, interest: str | None = None, upvotes: int | None = None) -> Ranked:
    item = Item(
        id=f"{interest}-{score}", keys=("k",), title="T", first_seen_at=NOW, upvotes=upvotes
    )
    return Ranked(item=item, score=score, interest=interest)


def compose(ranked: list[Ranked], **wishes: object) -> Digest:
    return compose_digest(
        Subscriber(id="s", email="ada@example.org", **wishes),
        ranked,
        digest_id="d",
        edition=date(2026, 11, 21),
        window_from=NOW - timedelta(days=3),
        now=NOW,
        day=Day(new_items=9),
    )


def test_picks_of_one_interest_stand_together_best_interest_first():
    ranked = [
        make_ranked(0.9, "a"),
        make_ranked(0.8, None),
        make_ranked(0.7, "b"),
        make_ranked(0.6, "a"),
        make_ranked(0.5, "b"),
    ]

    digest = compose(ranked)

    shown = [(pick.place, pick.interest, pick.score) for pick in digest.picks]
    assert shown == [(1, "a", 0.9), (2, "a", 0.6), (3, "b", 0.7), (4, "b", 0.5), (5, None, 0.8)]


def test_thin_day_is_held_without_picks():
    digest = compose([make_ranked(0.9), make_ranked(0.8)], at_least=3)

    assert digest.state is DigestState.HELD
    assert digest.picks == ()
    assert digest.day == Day(new_items=9)


def test_empty_day_is_held():
    assert compose([]).state is DigestState.HELD


def test_at_least_above_max_items_does_not_hold_back_for_ever():
    digest = compose([make_ranked(0.9), make_ranked(0.8)], at_least=5, max_items=2)

    assert digest.state is DigestState.COMPOSED


def test_items_below_the_minimum_score_are_not_picked():
    digest = compose([make_ranked(0.5), make_ranked(0.49)], minimum_score=0.5)

    assert [pick.score for pick in digest.picks] == [0.5]


def test_votes_are_kept_as_they_stood():
    digest = compose([make_ranked(0.5, upvotes=7)])

    assert digest.picks[0].upvotes == 7


scores = st.floats(0, 1).map(lambda score: round(score, 2))


@given(
    st.lists(st.tuples(scores, st.sampled_from([None, "a", "b", "c"])), max_size=30),
    st.integers(1, 12),
    st.integers(1, 5),
    scores,
)
def test_digest_keeps_every_promise(found, max_items, at_least, minimum_score):
    """The best ones, each once, whole sections, in score order inside each."""
    ranked = [
        make_ranked(score, interest)
        for score, interest in sorted(found, reverse=True, key=lambda one: one[0])
    ]

    digest = compose(ranked, max_items=max_items, at_least=at_least, minimum_score=minimum_score)

    good = [one for one in ranked if one.score >= minimum_score][:max_items]
    if len(good) < min(at_least, max_items):
        assert digest.state is DigestState.HELD
        return
    picks = digest.picks
    assert sorted(pick.score for pick in picks) == sorted(one.score for one in good)
    assert [pick.place for pick in picks] == list(range(1, len(good) + 1))
    interests = [pick.interest for pick in picks]
    changes = sum(one != other for one, other in pairwise(interests))
    assert changes == max(0, len(set(interests)) - 1)
    assert None not in interests[:-1] or set(interests[interests.index(None) :]) == {None}
    for interest in set(interests):
        inside = [pick.score for pick in picks if pick.interest == interest]
        assert inside == sorted(inside, reverse=True)


def at(one: Ranked, **known: object) -> Ranked:
    return one._replace(item=replace(one.item, **known))


def test_week_goes_backwards_by_the_readers_days_best_first_in_each():
    # Half past midnight in Oslo is the day before in UTC.
    midnight = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)
    ranked = [
        at(make_ranked(0.9, "a"), eligible_at=midnight - timedelta(hours=3)),
        at(make_ranked(0.8, None), eligible_at=midnight),
        at(make_ranked(0.7, "b"), eligible_at=midnight + timedelta(hours=8)),
    ]
    schedule = Schedule(timezone="Europe/Oslo", frequency=Frequency.WEEKLY)

    digest = compose(ranked, schedule=schedule)

    assert [pick.score for pick in digest.picks] == [0.8, 0.7, 0.9]


@pytest.mark.parametrize(
    ("revisions", "scores"),
    [
        pytest.param(True, [0.8, 0.7, 0.9], id="asked for: a section of their own, last"),
        pytest.param(False, [0.9, 0.8, 0.7], id="not asked for: with their interest"),
    ],
)
def test_late_arrivals_stand_apart_if_asked_for(revisions, scores):
    ranked = [
        at(make_ranked(0.9, "a"), eligible_at=NOW, published_on=date(2026, 10, 1)),
        at(make_ranked(0.8, "a"), eligible_at=NOW, published_on=date(2026, 11, 19)),
        make_ranked(0.7, None),
    ]

    digest = compose(ranked, revisions=revisions)

    assert [pick.score for pick in digest.picks] == scores


def test_next_best_that_are_new_are_mentioned():
    ranked = [at(make_ranked(1 - n / 100, upvotes=n), eligible_at=NOW) for n in range(14)]
    ranked[3] = at(ranked[3], eligible_at=NOW - timedelta(days=2))
    named = Mention.of(MentionKind.REVISED, ranked[0].item)

    digest = compose_digest(
        Subscriber(
            id="s", email="a@b.example", max_items=2, last_digest_at=NOW - timedelta(days=1)
        ),
        ranked,
        digest_id="d",
        edition=date(2026, 11, 21),
        window_from=NOW - timedelta(days=3),
        now=NOW,
        day=Day(),
        mentions=(named,),
    )

    also_new = [ranked[2], *ranked[4:]][:ALSO_NEW]
    assert digest.mentions == (
        named,
        *(Mention.of(MentionKind.ALSO_NEW, one.item) for one in also_new),
    )


def test_short_digest_mentions_nothing_more():
    ranked = [at(make_ranked(1 - n / 100), eligible_at=NOW) for n in range(14)]

    assert compose(ranked, max_items=2, form=Form.SHORT).mentions == ()
