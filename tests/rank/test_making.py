"""A profile with what is kept of it is the one made from scratch, and one verdict changes one."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from digest import rank
from digest.model import Interest, Reader
from digest.rank.making import pack, unpack
from tests.rank.conftest import less, make_item, more

AREAS = ["graph", "privacy", "protein", "markov", "galaxy", "quantum", "syntax", "robot"]
CORPUS = [
    make_item(f"{a} {b} study", n, summary=f"{c} of {b} in {a} by the method number{n % 7}")
    for n, (a, b, c) in enumerate(product(AREAS, repeat=3))
]
DAY = [make_item(f"{a} and {b}", 2_000 + n) for n, (a, b) in enumerate(product(AREAS, repeat=2))]


class Shelf:
    """Keeps profiles in memory, and counts what is saved."""

    def __init__(self):
        self.kept, self.saved = {}, []

    def load(self, readers):
        return {id_: self.kept[id_] for id_ in readers if id_ in self.kept}

    def save(self, borrowed):
        self.saved.append(sorted(borrowed))
        self.kept |= borrowed


def reader(name, *liked, topics=()):
    interests = tuple(Interest(name=topic, text=topic) for topic in topics)
    return Reader(id=name, interests=interests, feedback=tuple(map(more, liked)), popularity=0.0)


READERS = [
    reader("one like", CORPUS[3]),
    reader("topics", topics=["graph privacy", "quantum robot"]),
    reader("both", CORPUS[77], topics=["galaxy"]),
    reader("new to the corpus", make_item("syntax of proteins", 999)),
    replace(reader("wary", CORPUS[5]), feedback=(more(CORPUS[5]), less(CORPUS[9]))),
    reader("many likes", *CORPUS[:40]),
]


@pytest.fixture(scope="module")
def plain():
    return rank.fit(CORPUS)


@pytest.fixture
def shelf():
    return Shelf()


def test_kept_profiles_score_as_those_made_from_scratch(plain, shelf):
    ranker = rank.fit(CORPUS, shelf=shelf)
    first = ranker.scores(READERS, DAY)

    again = ranker.scores(READERS[::-1], DAY)[::-1]

    assert len(shelf.saved) == 1
    assert sorted(shelf.kept) == sorted(one.id for one in READERS)
    for found in (first, again):
        np.testing.assert_allclose(found, plain.scores(READERS, DAY), rtol=0, atol=1e-6)


def test_one_more_verdict_changes_that_profile_alone(plain, shelf):
    ranker = rank.fit(CORPUS, shelf=shelf)
    ranker.prepare(READERS)
    before = dict(shelf.kept)
    liked = make_item("robot syntax", 998)
    changed = replace(READERS[0], feedback=(*READERS[0].feedback, more(liked)))

    found = ranker.scores([changed, *READERS[1:]], DAY)

    assert shelf.saved[1:] == [["one like"]]
    assert {id_ for id_ in before if shelf.kept[id_] != before[id_]} == {"one like"}
    wanted = plain.scores([changed, *READERS[1:]], DAY)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
    assert np.abs(found[0] - plain.scores(READERS[:1], DAY)[0]).max() > 0.01


def test_what_another_corpus_lent_is_not_used(shelf):
    rank.fit(CORPUS, shelf=shelf).prepare(READERS)
    corpus = CORPUS[100:]

    found = rank.fit(corpus, shelf=shelf).scores(READERS, DAY)

    np.testing.assert_allclose(found, rank.fit(corpus).scores(READERS, DAY), rtol=0, atol=1e-6)


def test_what_was_kept_in_other_main_directions_is_not_used(plain, shelf):
    """Another kind of processor finds the directions of one corpus turned."""
    ranker = rank.fit(CORPUS, shelf=shelf)
    ranker.prepare(READERS)
    for id_, packed in shelf.kept.items():
        turned = {
            name: one._replace(basis=bytes(len(one.basis)), damped=-one.damped)
            for name, one in unpack(packed).items()
        }
        shelf.kept[id_] = pack(turned)

    found = ranker.scores(READERS, DAY)

    np.testing.assert_allclose(found, plain.scores(READERS, DAY), rtol=0, atol=1e-6)
    assert len(shelf.saved) == 1


def test_readers_without_an_id_are_not_kept(shelf):
    rank.fit(CORPUS, shelf=shelf).scores([replace(one, id="") for one in READERS], DAY)

    assert shelf.saved == []


def test_packed_profiles_cut_short_are_made_again(plain, shelf):
    ranker = rank.fit(CORPUS, shelf=shelf)
    ranker.prepare(READERS)
    whole = shelf.kept["topics"]
    assert pack(unpack(whole)) == whole
    for cut in range(1, len(whole)):
        assert len(unpack(whole[:cut])) <= 1
    shelf.kept["topics"] = whole[:-3]

    found = ranker.scores(READERS[1:2], DAY)

    np.testing.assert_allclose(found, plain.scores(READERS[1:2], DAY), rtol=0, atol=1e-6)
    assert shelf.kept["topics"] == whole


def test_reader_alone_gets_what_a_batch_of_a_thousand_gets(plain):
    crowd = [replace(one, id="") for one in READERS] * 167

    batched = plain.scores(crowd, DAY)

    for n, one in enumerate(READERS):
        [alone] = plain.scores([one], DAY)
        for row in (batched[n], batched[n - len(READERS)]):
            np.testing.assert_allclose(row, alone, rtol=0, atol=1e-6)
            assert np.array_equal(
                np.argsort(-row, kind="stable"), np.argsort(-alone, kind="stable")
            )
