"""Rules of ranking that hold for every reader and item."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from digest import rank
from digest.model import Interest, Reader, Verdict
from digest.rank.explain import explain
from digest.rank.texts import near_duplicates
from tests.rank.conftest import less, make_item, make_reader, more, picked

WORDS = ["graph", "neural", "privacy", "protein", "markov", "图", "модель", "cell", "x-ray"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
items = st.builds(make_item, texts, st.integers(0, 99), summary=texts, upvotes=st.integers(0, 50))
days = st.lists(items, min_size=1, max_size=12)
interests = st.builds(
    Interest,
    name=st.sampled_from(["one", "two"]),
    text=st.just("") | texts,
    keywords=st.lists(st.sampled_from(WORDS), max_size=3).map(tuple),
    less_of=st.lists(st.sampled_from(WORDS), max_size=1).map(tuple),
    muted_words=st.lists(st.sampled_from(WORDS), max_size=1).map(tuple),
)
readers = st.builds(
    Reader,
    interests=st.lists(interests, max_size=2).map(tuple),
    feedback=st.lists(st.builds(more, items) | st.builds(less, items), max_size=4).map(tuple),
    popularity=st.floats(0, 1),
)
RANKERS = [
    rank.fit([]),
    rank.fit([make_item(f"{a} {b} study", summary=f"of {b} in {a}") for a in WORDS for b in WORDS]),
]
each_ranker = pytest.mark.parametrize("ranker", RANKERS, ids=["first day", "small corpus"])


@each_ranker
@given(day=days, one=readers, others=st.lists(readers, max_size=6))
@settings(max_examples=15, deadline=None)
def test_reader_alone_or_in_a_batch_gets_the_same(ranker, day, one, others):
    alone = ranker.scores([one], day)[0]
    batched = ranker.scores([*others, one], day)[-1]

    assert np.allclose(alone, batched, rtol=0, atol=1e-6)
    assert np.array_equal(np.argsort(-alone, kind="stable"), np.argsort(-batched, kind="stable"))


@each_ranker
@given(day=days, reader=readers)
@settings(max_examples=15, deadline=None)
def test_picks_are_ordered_unmuted_and_add_up(ranker, day, reader):
    muted = {word for i in reader.interests for word in i.muted_words}

    ranked = picked(ranker, reader, day)

    scores = [r.score for r in ranked]
    assert all(a >= b - 1e-5 for a, b in pairwise(scores))
    for r in ranked:
        assert 0.0 <= r.score <= 1.0
        assert sum(reason.share for reason in r.reasons) == pytest.approx(r.score, abs=1e-9)
        assert not muted & set(f"{r.item.title} {r.item.summary}".split())


@each_ranker
@given(
    item=items,
    reader=readers,
    topic=texts,
    weight=st.sampled_from([0.25, 1.0, 3.0]),
    spelled=st.sampled_from(["{}", '"{}"', "{}*", "{} again"]),
    word=st.sampled_from(WORDS),
)
@settings(max_examples=25, deadline=None)
def test_keyword_that_an_item_shows_never_lowers_it(
    ranker, item, reader, topic, weight, spelled, word
):
    """Whatever the reader states beside it, how much the interest weighs, or the dial.

    Feedback stays with the interest under which it was given.
    """
    keyword = spelled.format(word)
    shown = make_item(f"{item.title} {word} again", summary=item.summary, upvotes=item.upvotes)
    others = tuple(
        replace(one, name=f"other {n}", muted_words=()) for n, one in enumerate(reader.interests)
    )
    names = ["mine", *(one.name for one in others)]
    feedback = tuple(
        replace(one, interest=names[n % len(names)]) for n, one in enumerate(reader.feedback)
    )
    mine = Interest(name="mine", text=topic, weight=weight, keywords=("x-ray",))
    before, after = (
        replace(
            reader,
            interests=(replace(mine, keywords=("x-ray", *added)), *others),
            feedback=feedback,
        )
        for added in ((), (keyword,))
    )

    old, new = ranker.scores([before, after], [shown])[:, 0]

    assert new >= old - 1e-6


@each_ranker
@given(item=items, liked=st.lists(items, max_size=4), topic=texts)
@settings(max_examples=15, deadline=None)
def test_more_of_an_item_never_lowers_its_twin(ranker, item, liked, topic):
    wishes = (Interest(name="one", text=topic),)
    before = Reader(interests=wishes, feedback=tuple(map(more, liked)), popularity=0.0)
    after = Reader(interests=wishes, feedback=(*map(more, liked), more(item)), popularity=0.0)
    twin = make_item(item.title, 1000, summary=item.summary)

    old, new = ranker.scores([before, after], [twin])[:, 0]

    assert new >= old - 1e-6


VOCABULARY = [f"{a}{b}" for a in ("net", "cell", "proof", "orbit", "code") for b in "abcdefghjkl"]
abstracts = st.lists(st.sampled_from(VOCABULARY), min_size=45, max_size=70, unique=True)
LARGE = rank.fit(
    [
        make_item(f"{one} and {other}", n, summary=" ".join(VOCABULARY[n % 40 : n % 40 + 9]))
        for n, (one, other) in enumerate(product(VOCABULARY[::2], VOCABULARY[::4]))
    ]
)


@pytest.mark.parametrize("ranker", [*RANKERS, LARGE], ids=["first day", "small", "borrowing"])
@given(
    words=abstracts,
    changed=st.lists(st.integers(0, 44), max_size=2),
    liked=st.lists(abstracts.map(lambda words: make_item(words[0], summary=" ".join(words)))),
    topic=st.just("") | texts | abstracts.map(" ".join),
    verdict=st.sampled_from([Verdict.MORE, Verdict.SAVE]),
    ages=st.lists(st.sampled_from([0.0, 1.0, 30.0, 700.0, 4000.0]), min_size=5, max_size=5),
)
@settings(max_examples=25, deadline=None)
def test_more_of_an_item_never_lowers_its_near_duplicate(
    ranker, words, changed, liked, topic, verdict, ages
):
    """One abstract announced twice, a few words changed, beside whatever else was liked."""
    rewritten = [f"{word}q" if n in changed else word for n, word in enumerate(words)]
    item = make_item(words[0], 1, summary=" ".join(words))
    other = make_item(f"{words[0]}: extended", 2, summary=" ".join(rewritten))
    assume(near_duplicates(ranker.kernel.read([item, other]))[0])
    given = tuple(map(more, [*liked[:4], *([other] if len(liked) == 3 else [])], ages))
    before = Reader(
        interests=(Interest(name="one", text=topic),) if topic else (),
        feedback=given,
        popularity=0.0,
    )
    after = replace(before, feedback=(*given, replace(more(item), verdict=verdict)))

    old, new = ranker.scores([before, after], [other, item])[:, 0]

    assert new >= old - 1e-6


@pytest.mark.parametrize(
    ("title", "summary"),
    [
        pytest.param("-", "", id="no words"),
        pytest.param("graph", "", id="one word"),
        pytest.param("graph", "graph " * 17_000, id="100,000 characters"),
        pytest.param("\ud800", "lone surrogate", id="lone surrogate"),
    ],
)
def test_odd_texts_are_scored(first_day_ranker, title, summary):
    item = make_item(title, summary=summary)
    reader = Reader(
        interests=(Interest(name="one", text="graph", keywords=("graph",)),),
        feedback=(more(item),),
    )

    assert np.isfinite(first_day_ranker.scores([reader], [item])).all()


def test_explained_rows_add_up_to_the_score(first_day_ranker):
    item = make_item("Graph privacy", upvotes=3)
    rival = make_item("Protein cells", upvotes=9)
    reader = make_reader(keywords=("graph",), text="privacy", popularity=0.5)

    *rows, total = explain(first_day_ranker, reader, item, [item, rival])

    assert {row.kind for row in rows} == {"keyword", "topic", "popularity"}
    assert sum(row.share for row in rows) == pytest.approx(total.share)


def test_explained_keyword_says_how_the_item_shows_it(first_day_ranker):
    item = make_item("Graph privacy", summary="We draw graphs that others drew on paper.")
    reader = make_reader(keywords=("graph*", "paper"))

    rows = explain(first_day_ranker, reader, item, [])

    assert [(row.value, row.detail) for row in rows[:-1]] == [
        ("Graph", "2 times, in title or keywords"),
        ("paper", "once"),
    ]
    assert rows[0].share > rows[1].share > 0.0


@each_ranker
@given(day=days, reader=readers)
@settings(max_examples=15, deadline=None)
def test_shown_shares_add_up_after_rounding(ranker, day, reader):
    for item in day[:3]:
        if rows := explain(ranker, reader, item, [i for i in day if i.id != item.id]):
            *parts, total = [round(10_000 * row.share) for row in rows]
            assert sum(parts) == total
            assert all(abs(10_000 * row.share - round(10_000 * row.share)) < 1e-6 for row in rows)


ABSTRACT = " ".join(f"word{n} measure{n}" for n in range(60))


@each_ranker
@given(
    titles=st.lists(st.sampled_from(WORDS), min_size=2, max_size=8),
    upvotes=st.lists(st.integers(0, 50), min_size=8, max_size=8),
    limit=st.integers(1, 4),
)
@settings(max_examples=15, deadline=None)
def test_near_duplicates_stand_for_one_pick(ranker, titles, upvotes, limit):
    """Works that differ in a word of their abstract fold into the best; others fill up."""
    copies = [
        make_item(f"{title} paper", n, summary=ABSTRACT, upvotes=votes)
        for n, (title, votes) in enumerate(zip(titles, upvotes, strict=False))
    ]
    other = make_item("A work of its own", summary="It shares no sentence with any copy.")

    ranked = [r.item for r in picked(ranker, Reader(popularity=1.0), [*copies, other], limit)]

    best = max(copies, key=lambda item: item.upvotes)
    assert [item for item in ranked if item in copies] == [best]
    assert len(ranked) == min(limit, 2)


@each_ranker
def test_short_equal_titles_are_not_folded(ranker):
    items = [make_item("Editorial", number) for number in range(3)]

    assert [r.item for r in picked(ranker, Reader(), items)] == items
