"""An embedding model beside the default ranker: blended where it answers, missed by nobody."""

import logging
from datetime import timedelta

import numpy as np
import pytest

from digest import rank
from digest.errors import EmbeddingError
from digest.model import Interest, Reader
from digest.rank.embedded import EmbeddedRanker
from tests.rank.conftest import make_item, make_reader, more, picked

TOPICS = {"car": 0, "automobile": 0, "tomato": 1, "vegetable": 1, "weather": 2}
CAR = make_item("car engines")
TOMATO = make_item("tomato plants")
WEATHER = make_item("weather maps")
DAY = [WEATHER, TOMATO, CAR]


class Model:
    """Knows which words mean the same."""

    name = "toy"

    def __init__(self):
        self.asked = []

    def embed(self, texts):
        self.asked += texts
        found = np.full((len(texts), 4), 0.01, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                found[row, TOPICS.get(word.strip("."), 3)] += 1.0
        return found / np.linalg.norm(found, axis=1, keepdims=True)


class Broken(Model):
    def embed(self, texts):
        raise EmbeddingError("embeddings toy: HTTP 503")


class Shelf:
    def __init__(self):
        self.kept, self.notes = {}, []

    def load(self, model, contents):
        return {name: self.kept[name] for name in contents if name in self.kept}

    def save(self, model, vectors):
        self.kept |= vectors

    def note(self, model, error):
        self.notes.append(error)


def embedded(model, shelf=None, **options):
    default = rank.fit([])
    given = {"reference": DAY, "weight": 0.5, "budget": timedelta(seconds=60)} | options
    return EmbeddedRanker(default=default, model=model, shelf=shelf or Shelf(), **given)


@pytest.mark.parametrize(
    "reader",
    [
        pytest.param(make_reader(text="automobile"), id="topic"),
        pytest.param(Reader(interests=(Interest(name="automobile"),)), id="name alone"),
        pytest.param(Reader(feedback=(more(make_item("automobile parts")),)), id="liked item"),
    ],
)
def test_item_of_the_same_meaning_and_other_words_is_found(reader):
    ranked = picked(embedded(Model()), reader, DAY)

    assert ranked[0].item == CAR
    assert sum(reason.share for reason in ranked[0].reasons) == pytest.approx(ranked[0].score)


def test_no_text_is_embedded_twice():
    model, shelf = Model(), Shelf()
    reader = make_reader(text="automobile")
    first = embedded(model, shelf)
    first.scores([reader, reader], DAY)
    first.scores([reader], DAY)
    again = embedded(model, shelf).scores([reader], DAY)

    assert sorted(model.asked) == sorted({*model.asked})
    assert np.array_equal(again, first.scores([reader], DAY))
    assert shelf.notes == [None]


def test_failing_model_leaves_the_default_alone_and_says_so(caplog):
    shelf = Shelf()
    reader = make_reader(text="tomato")
    with caplog.at_level(logging.WARNING):
        found = embedded(Broken(), shelf).scores([reader], DAY)

    assert np.array_equal(found, rank.fit([]).scores([reader], DAY))
    assert shelf.notes == ["embeddings toy: HTTP 503"]
    assert "the default ranks alone" in caplog.text


def test_budget_bounds_what_one_call_spends(caplog):
    model = Model()
    with caplog.at_level(logging.WARNING):
        found = embedded(model, budget=timedelta(seconds=-1)).scores([make_reader(text="car")], DAY)

    assert model.asked == []
    assert np.isfinite(found).all()
    assert "want of time" in caplog.text


def test_vectors_of_another_length_are_ignored():
    shelf = Shelf()
    embedded(Model(), shelf).scores([Reader()], [CAR])
    longer = np.ones(9, dtype=np.float16).tobytes()
    shelf.kept = dict.fromkeys(shelf.kept, longer)

    found = embedded(Model(), shelf).scores([make_reader(text="automobile")], DAY)

    assert np.isfinite(found).all()


def test_alone_or_in_a_batch_a_reader_gets_the_same():
    ranker = embedded(Model())
    readers = [make_reader(text=text) for text in ("automobile", "vegetable", "weather")]

    batch = ranker.scores(readers, DAY)

    for row, reader in enumerate(readers):
        assert np.allclose(ranker.scores([reader], DAY)[0], batch[row], atol=1e-6)
