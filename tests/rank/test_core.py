"""What the scoring core promises: telling words, soft wishes, one scale for all readers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from digest import rank
from digest.model import Interest, Reader
from digest.rank.features import Features, Space
from tests.rank.conftest import less, make_item, make_reader, more, picked

C, CPP, CSHARP = make_item("Vitamin C"), make_item("Modern C++17"), make_item("C# and records")
NET, DOTNET = make_item("A net of sensors"), make_item("ASP.NET 9 in practice")
CHINESE = make_item("图神经网络的可扩展训练", summary="我们提出一种新的采样方法。")
MIXED = make_item("神经图像与网络安全")  # shares characters with CHINESE, not its words
RUSSIAN = make_item("Большие языковые модели", summary="Обзор методов обучения.")
ENGLISH = make_item("A survey of sampling methods")


@pytest.mark.parametrize(
    ("keyword", "found"),
    [
        pytest.param("C++", [CPP], id="C plus plus"),
        pytest.param("c#", [CSHARP], id="C sharp"),
        pytest.param(".NET", [DOTNET], id="dot net"),
        pytest.param("net", [NET], id="net"),
        pytest.param("C", [C], id="C"),
    ],
)
def test_keyword_of_signs_finds_its_own_items_alone(first_day_ranker, keyword, found):
    items = [C, CPP, CSHARP, NET, DOTNET]

    scores = first_day_ranker.scores([make_reader(keywords=(keyword,))], items)[0]

    assert [item for item, score in zip(items, scores, strict=True) if score > 0.1] == found


@pytest.mark.parametrize(
    ("topic", "wanted"),
    [
        pytest.param("图神经网络", CHINESE, id="Chinese, by pairs of characters"),
        pytest.param("обучение языковых моделей модели", RUSSIAN, id="Cyrillic"),
    ],
)
def test_topic_of_another_script_finds_its_words(first_day_ranker, topic, wanted):
    ranked = picked(first_day_ranker, make_reader(text=topic), [MIXED, ENGLISH, RUSSIAN, CHINESE])

    by_item = {r.item: r.score for r in ranked}
    assert ranked[0].item == wanted
    assert by_item[wanted] > by_item[MIXED]
    assert by_item[ENGLISH] < 0.01


@pytest.mark.parametrize(
    "wary",
    [
        pytest.param({"interests": (Interest(name="one", less_of=("gossip",)),)}, id="less of"),
        pytest.param({"feedback": (less(make_item("Gossip of the day")),)}, id="feedback less"),
    ],
)
def test_reader_who_only_says_less_gets_popular_items_and_less_of_that(first_day_ranker, wary):
    gossip = make_item("Gossip of the day, again", upvotes=60)
    sober, quiet = make_item("A sober report", upvotes=50), make_item("A quiet note")

    ranked = picked(first_day_ranker, Reader(**wary), [gossip, quiet, sober])

    assert ranked[0].item == sober
    assert gossip in [r.item for r in ranked]
    for r in ranked:
        assert sum(reason.share for reason in r.reasons) == pytest.approx(r.score)


def test_less_of_in_an_interest_of_its_own_counts_under_all(first_day_ranker):
    gossip = make_item("Gossip about models")
    wishes = Interest(name="models", keywords=("models",))
    wary = Interest(name="never", less_of=("gossip",))

    plain, careful = first_day_ranker.scores(
        [Reader(interests=(wishes,)), Reader(interests=(wishes, wary))], [gossip]
    )[:, 0]

    assert careful < plain


TOPICS, WORDS_EACH = 12, 40


def made_up_items(number: int, seed: int) -> tuple[list, np.ndarray]:
    """Items of twelve topics: half of an item's words are its topic's, half are anyone's."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, TOPICS, number)
    items = []
    for place, own in enumerate(topic.tolist()):
        telling = [f"topic{own}word{w}" for w in rng.integers(0, WORDS_EACH, 8)]
        common = [f"common{w}" for w in rng.zipf(1.3, 24) % 500]
        said = rng.permutation(telling + common).tolist()
        items.append(make_item(" ".join(said[:6]), place + 10_000 * seed, summary=" ".join(said)))
    return items, topic


@pytest.fixture(scope="module")
def made_up():
    old, old_topic = made_up_items(600, 1)
    new, new_topic = made_up_items(240, 2)
    return rank.fit(old), old, old_topic, new, new_topic


@pytest.mark.parametrize(("likes", "floor"), [(1, 0.8), (3, 0.9), (12, 0.95)])
def test_liked_topics_fill_the_first_ten(made_up, likes, floor):
    """The share of a reader's two topics among the ten best; chance would give 0.17."""
    ranker, old, old_topic, new, new_topic = made_up
    rng = np.random.default_rng(likes)
    shares = []
    for _ in range(20):
        own = rng.choice(TOPICS, 2, replace=False)
        liked = [n for t in own for n in rng.choice(np.flatnonzero(old_topic == t), likes)]
        reader = Reader(feedback=tuple(more(old[n]) for n in liked), popularity=0.0)
        best = np.argsort(-ranker.scores([reader], new)[0], kind="stable")[:10]
        shares.append(np.isin(new_topic[best], own).mean())

    assert np.mean(shares) > floor


@pytest.mark.parametrize("likes", [1, 3, 10, 40])
def test_score_means_the_same_for_readers_of_few_and_of_many_likes(made_up, likes):
    """One threshold parts what is of a reader's topic from what is not, whoever it is."""
    ranker, old, old_topic, new, new_topic = made_up
    readers = [
        Reader(
            feedback=tuple(more(old[n]) for n in np.flatnonzero(old_topic == topic)[:likes]),
            popularity=0.0,
        )
        for topic in range(TOPICS)
    ]

    scores = ranker.scores(readers, new)

    own = new_topic == np.arange(TOPICS)[:, None]
    assert 0.3 < np.median(scores[own]) < 0.7
    assert np.quantile(scores[~own], 0.95) < 0.2


def test_batch_of_a_thousand_scores_each_reader_as_alone(made_up):
    ranker, old, _, new, _ = made_up
    rng = np.random.default_rng(0)
    readers = [
        Reader(feedback=tuple(more(old[n]) for n in rng.choice(len(old), rng.integers(1, 30))))
        for _ in range(1000)
    ]

    together = ranker.scores(readers, new)

    for place in rng.choice(1000, 15):
        alone = ranker.scores([readers[place]], new)[0]
        assert np.abs(alone - together[place]).max() < 1e-6
        assert np.array_equal(
            np.argsort(-alone, kind="stable"), np.argsort(-together[place], kind="stable")
        )


SCALE = """
import resource, numpy as np
from tests.rank.conftest import more
from tests.rank.test_core import made_up_items
from digest import rank
from digest.model import Reader
old, _ = made_up_items(600, 1)
new, _ = made_up_items(500, 2)
ranker, rng = rank.fit(old), np.random.default_rng(0)
def peak(people):
    for _ in range(0, people, 500):
        likes = rng.choice(len(old), (500, 6))
        readers = [Reader(feedback=tuple(more(old[n]) for n in row)) for row in likes]
        ranker.rank(readers, new, np.ones((500, len(new)), bool), 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(peak(500), peak(3000))
"""


def test_memory_does_not_grow_with_the_readers():
    """MiB at the peak after one batch, and after six more; make bench-rank has 100,000."""
    run = subprocess.run(
        [sys.executable, "-c", SCALE],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    first, last = map(int, run.stdout.split())

    assert last < first + 60
    assert last < 1000


def test_even_topics_let_each_term_point_as_far_as_any_other():
    words = ("slowly", "twice", "again", "asymmetrically", "rarely")
    corpus = [make_item(f"Cells divide {word}") for word in words]
    features = Features(corpus, rank.Settings())
    columns = np.unique(features.corpus.indices)
    shape = (len(columns), features.width)
    alone = sp.csr_matrix((np.ones(len(columns)), (range(len(columns)), columns)), shape=shape)

    plain, even = (
        np.linalg.norm(space.project_evenly(alone), axis=1)
        for space in (
            Space.of(features.corpus, rank.Settings(topic_evenness=evenness, breadth=2.0))
            for evenness in (0.0, 1.0)
        )
    )

    assert plain.max() > 1.5 * plain.min()
    assert even == pytest.approx(even[0], rel=1e-4)
