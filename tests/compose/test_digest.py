"""What a digest carries and in which order."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from digest.compose.digest import compose_digest
from digest.model import Day, Digest, DigestState, Item, Ranked, Subscriber

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


def make_ranked(score: float, interest: str | None = None, upvotes: int | None = None) -> Ranked:
    item = Item(
        id=f"{interest}-{score}", keys=("k",), title="T", first_seen_at=NOW, upvotes=upvotes
    )
    return Ranked(item=item, score=score, interest=interest)


def compose(ranked: list[Ranked], **wishes: float) -> Digest:
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
