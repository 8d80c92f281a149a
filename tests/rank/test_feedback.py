"""Feedback counts for the interest it belongs to, recent more than old, a save a little less."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest import rank
from digest.model import LIKED, Feedback, Interest, Item, Reader, Verdict
from tests.rank.conftest import NOW, less, make_item, more, picked

GRAPHS = Interest(name="graphs", text="graph neural networks")
CELLS = Interest(name="cells", keywords=("cell",))
READER = Reader(interests=(GRAPHS, CELLS), popularity=0.0)
RANKER = rank.fit([])


def given(item: Item, interest: str | None = None, verdict: Verdict = Verdict.MORE) -> Feedback:
    return Feedback(item=item, verdict=verdict, at=NOW, interest=interest)


def score(feedback: list[Feedback], item: Item) -> float:
    reader = replace(READER, interests=(GRAPHS,), feedback=tuple(feedback))
    return float(RANKER.scores([reader], [item])[0, 0])


@pytest.mark.parametrize(
    ("title", "interest", "belongs_to"),
    [
        pytest.param("Robots sort batteries", "cells", "cells", id="picked under it"),
        pytest.param("Graph transformers", None, "graphs", id="shares words of the topic"),
        pytest.param("Stem cells as a graph", None, "cells", id="shows the keyword"),
        pytest.param("Robots sort batteries", None, LIKED, id="none of any"),
        pytest.param("Robots sort batteries", "gone", LIKED, id="the interest is gone"),
    ],
)
def test_liked_item_speaks_for_the_interest_it_belongs_to(title, interest, belongs_to):
    alike = make_item(f"{title} again")
    reader = replace(READER, feedback=(given(make_item(title), interest),))

    [ranked] = [one for one in picked(RANKER, reader, [alike]) if one.item == alike]

    assert ranked.interest == belongs_to


def test_liked_item_of_one_interest_does_not_blur_another():
    day = [make_item("Graph neural networks for molecules"), make_item("Robots sort batteries")]
    liked = given(make_item("Robots sort boxes"), "cells")

    before, after = RANKER.scores([READER, replace(READER, feedback=(liked,))], day)

    assert after[0] == pytest.approx(before[0], abs=1e-9)
    assert after[1] > before[1]


def test_save_counts_less_than_more_and_more_than_nothing():
    item = make_item("Graph attention for traffic")
    other = make_item("Traffic lights that learn")

    nothing = score([], item)
    saved = score([given(other, verdict=Verdict.SAVE), given(make_item("Proteins"))], item)
    more_ = score([given(other), given(make_item("Proteins"))], item)
    without = score([given(make_item("Proteins"))], item)

    assert without < saved < more_
    assert nothing >= 0.0


def test_recent_verdict_counts_more_than_an_old_one():
    traffic, proteins = make_item("Traffic lights that learn"), make_item("Protein folds")
    item = make_item("Traffic lights in rain")

    recent = score([more(traffic), more(proteins, days_ago=2000)], item)
    old = score([more(traffic, days_ago=2000), more(proteins)], item)

    assert recent > old


def test_half_life_is_a_setting():
    feedback = (more(make_item("Traffic lights"), days_ago=100), more(make_item("Protein folds")))
    reader = Reader(feedback=feedback, popularity=0.0)
    day = [make_item("Traffic lights in rain")]
    short, long = (
        rank.fit([], rank.Settings(half_life=timedelta(days=days))).scores([reader], day)[0, 0]
        for days in (10, 10_000)
    )

    assert short < long


def test_less_counts_against_an_item_whatever_its_interest():
    day = [make_item("Graph cell divisions in tissue")]
    one = replace(READER, feedback=(less(make_item("Cell divisions in tissue")),))

    before, after = RANKER.scores([READER, one], day)[:, 0]

    assert after < before


def test_more_of_a_rewritten_item_adds_to_what_was_said_of_its_former_words(first_day_ranker):
    former = make_item("Graphs", summary="privacy of proteins")
    rewritten = make_item("Graphs", summary="markov cells")
    reader = Reader(feedback=(more(former, 1.0),))

    [before, after] = first_day_ranker.scores(
        [reader, replace(reader, feedback=(more(former, 1.0), more(rewritten)))],
        [
            make_item("Proteins", summary="privacy of proteins"),
            make_item("Cells", summary="markov"),
        ],
    )

    assert after[1] > before[1]
    assert after[0] > 0.0


def test_less_of_a_rewritten_item_takes_back_what_was_said_of_its_former_words(first_day_ranker):
    former = make_item("Graphs", summary="privacy of proteins")
    rewritten = make_item("Graphs", summary="markov cells")
    stating = Reader(interests=(Interest(name="mine", text="privacy"),), popularity=0.0)
    reader = replace(stating, feedback=(more(former, 1.0), less(rewritten)))

    plain, judged = first_day_ranker.scores(
        [stating, reader], [make_item("Proteins", summary="privacy of proteins")]
    )[:, 0]

    assert judged < plain
