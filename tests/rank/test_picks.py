"""Picks are varied and shared out, one comes from outside, and none gets lost over it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from digest import rank
from digest.model import Interest, Item, Ranked, Reader, Reason, ReasonKind
from digest.rank.varied import lowest
from tests.rank.conftest import less, make_item, picked

TOPICS = ["graph", "protein", "privacy", "markov", "галактика", "机器"]
SUBJECTS = ["robots", "enzymes", "auctions", "exoplanets", "speech", "batteries"]
BOTH = (
    Interest(name="graphs", keywords=("graph",), text="graph", weight=2.0),
    Interest(name="proteins", keywords=("protein",)),
)


def many(topic: str, count: int, **fields) -> list[Item]:
    return [make_item(f"{topic} {n}th case", n, **fields) for n in range(count)]


def interests_of(ranked) -> list[str | None]:
    return [one.interest for one in ranked]


def outsiders(ranked) -> list[Item]:
    return [r.item for r in ranked if any(one.kind is ReasonKind.OUTSIDE for one in r.reasons)]


days = st.lists(
    st.builds(
        make_item,
        st.sampled_from(TOPICS),
        st.integers(0, 999),
        sources=st.sampled_from([("a",), ("b", "a"), ()]),
        upvotes=st.none() | st.integers(0, 50),
    ),
    max_size=30,
    unique_by=lambda item: item.id,
)
readers = st.builds(
    Reader,
    interests=st.lists(
        st.builds(
            Interest,
            name=st.text("xyz", min_size=1, max_size=2),
            keywords=st.lists(st.sampled_from(TOPICS), max_size=2).map(tuple),
            weight=st.floats(0.1, 5.0),
        ),
        max_size=3,
    ).map(tuple),
    popularity=st.floats(0, 1),
    explore=st.booleans(),
    salt=st.text("abc", max_size=2),
)
choices = st.builds(
    rank.Settings,
    diversity=st.floats(0, 1),
    spread=st.floats(0, 1),
    interest_share=st.floats(0, 1),
    source_share=st.floats(0, 1),
)


@given(
    day=days, asked=st.lists(readers, min_size=1, max_size=4), how=choices, limit=st.integers(1, 9)
)
@examples(max_examples=40, deadline=None)
def test_no_pick_is_lost_whatever_is_shared_out(day, asked, how, limit):
    ranker = rank.fit([], how)
    possible = np.ones((len(asked), len(day)), dtype=bool)

    batch = ranker.rank(asked, day, possible, limit)

    for reader, ranked in zip(asked, batch, strict=True):
        assert len(ranked) == min(limit, len(day))
        assert len({one.item.id for one in ranked}) == len(ranked)
        assert len(outsiders(ranked)) <= int(reader.explore)
        assert ranked == picked(ranker, reader, day, limit)


@pytest.mark.parametrize(
    ("share", "graphs"),
    [pytest.param(0.7, 7, id="at most a share"), pytest.param(1.0, 10, id="unless asked")],
)
def test_one_interest_leaves_room_for_another(share, graphs):
    ranker = rank.fit([], rank.Settings(interest_share=share))

    ranked = picked(ranker, Reader(interests=BOTH), [*many("graph", 20), *many("protein", 5)])

    assert interests_of(ranked).count("graphs") == graphs


def test_share_gives_way_where_nothing_else_speaks_for_itself():
    day = [*many("graph", 20), *many("weather", 20, upvotes=90)]

    ranked = picked(rank.fit([]), Reader(interests=BOTH, popularity=0.0), day)

    assert interests_of(ranked) == ["graphs"] * 10


def test_one_source_leaves_room_for_another():
    day = [
        *many("graph", 20, sources=("loud",), upvotes=90),
        *many("graph theory", 5, sources=("quiet",)),
    ]

    ranked = picked(rank.fit([]), Reader(interests=BOTH, popularity=0.5), day)

    assert [one.item.sources for one in ranked].count(("quiet",)) == 3


def test_varied_picks_leave_out_what_resembles_a_better_one():
    text = "message passing over molecules with attention heads and learned edges"
    alike = [make_item(f"graph graph {n}", n, summary=f"graph {text}") for n in range(3)]
    other = make_item("graph colouring", summary="register allocation in compilers")
    reader = Reader(interests=(BOTH[0],), popularity=0.0)
    plain, varied = (rank.fit([], rank.Settings(diversity=d)) for d in (0.0, 1.0))

    assert other not in [r.item for r in picked(plain, reader, [*alike, other], 2)]
    assert other in [r.item for r in picked(varied, reader, [*alike, other], 2)]


def test_reader_who_states_nothing_gets_several_topics():
    loud = [
        make_item(f"language model {n}", n, summary="a language model of language", upvotes=90 - n)
        for n in range(12)
    ]
    others = [make_item(subject, upvotes=60) for subject in SUBJECTS]

    ranked = picked(rank.fit([]), Reader(), [*loud, *others], 8)

    assert len({r.item for r in ranked} & set(others)) >= 4
    assert ranked[0].item == loud[0]


# --- one from outside -------------------------------------------------------------------

EXPLORER = Reader(interests=BOTH, popularity=0.3, explore=True, salt="ada 2026-01-05")
INSIDE = many("graph", 12, upvotes=1)
WEATHER = [make_item(f"weather over {s}", upvotes=40 + n) for n, s in enumerate(SUBJECTS)]


def test_one_pick_comes_from_outside_and_says_so():
    ranked = picked(rank.fit([]), EXPLORER, [*INSIDE, *WEATHER])

    [outside] = outsiders(ranked)
    assert outside in WEATHER
    assert len(ranked) == 10
    [pick] = [r for r in ranked if r.item == outside]
    assert pick.interest is None
    assert (pick.reasons[0].kind, pick.reasons[0].value) == (ReasonKind.OUTSIDE, "popular")
    assert sum(reason.share for reason in pick.reasons) == pytest.approx(pick.score)


@pytest.mark.parametrize(
    ("wishes", "day"),
    [
        pytest.param({"explore": False}, [*INSIDE, *WEATHER], id="switched off"),
        pytest.param({"max_items": 4}, [*INSIDE, *WEATHER], id="a digest of four"),
        pytest.param({}, [*INSIDE[:2], WEATHER[0]], id="a thin day"),
        pytest.param({}, INSIDE, id="nothing outside"),
        pytest.param({"interests": ()}, [*INSIDE, *WEATHER], id="no profile"),
        pytest.param(
            {"interests": (replace(BOTH[0], muted_words=("weather",)),)},
            [*INSIDE, *WEATHER],
            id="muted",
        ),
        pytest.param(
            {"interests": (replace(BOTH[0], less_of=("weather",)),)},
            [*INSIDE, *WEATHER],
            id="less of it was asked",
        ),
        pytest.param({"feedback": (less(WEATHER[0]),)}, [*INSIDE, WEATHER[0]], id="disliked"),
    ],
)
def test_nothing_comes_from_outside(wishes, day):
    assert outsiders(picked(rank.fit([]), replace(EXPLORER, **wishes), day)) == []


def test_outsider_is_the_readers_and_the_days():
    ranker = rank.fit([])
    drawn = [
        outsiders(picked(ranker, replace(EXPLORER, salt=f"ada {day}"), [*INSIDE, *WEATHER]))[0]
        for day in range(20)
        for _ in range(2)
    ]

    assert drawn[::2] == drawn[1::2]
    assert 1 < len(set(drawn)) <= 3


def test_minimum_score_does_not_keep_the_outsider_away():
    reader = replace(EXPLORER, minimum_score=0.5, popularity=0.0)

    ranked = picked(rank.fit([]), reader, [*INSIDE[:6], *WEATHER])

    assert {r.item for r in ranked if r.interest} == set(INSIDE[:6])
    assert len(outsiders(ranked)) == 1
    assert len(ranked) == 7


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 900), st.sampled_from([0, 0.5, 1]))
def test_of_many_values_those_are_sifted_that_sorting_gives(seed, wide, found, closed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 400, (3, found)) / 7
    values[rng.random(values.shape) < closed] = np.inf
    wide = min(wide, found)

    columns, kept = lowest(values, wide)

    assert kept.tolist() == np.sort(values, axis=1)[:, :wide].tolist()
    there = kept < np.inf
    assert (np.take_along_axis(values, columns, axis=1)[there] == kept[there]).all()
    assert all(
        len(set(row[open_])) == open_.sum() for row, open_ in zip(columns, there, strict=True)
    )


def test_what_is_made_many_at_a_time_is_as_the_constructor_makes_it(first_day_ranker):
    reader = Reader(interests=(Interest(name="graphs", text="graph"),), popularity=0.5)

    ranked = picked(first_day_ranker, reader, [make_item("A graph case", 1, upvotes=3)])

    for one in ranked:
        reasons = tuple(
            Reason(kind=r.kind, value=r.value, share=r.share, interest=r.interest)
            for r in one.reasons
        )
        anew = Ranked(item=one.item, score=one.score, interest=one.interest, reasons=reasons)
        assert one == anew
        assert hash(one) == hash(anew)
    assert len(ranked[0].reasons) == 2
