"""What a search finds, alike on both engines; what it is asked may be hostile."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from digest.store.archive import common_topics, search_items
from digest.store.schema import item_words
from digest.store.words import COMPETING, index_missing, matches
from tests.store.makers import LATER, make_item, revise, store_items

ITEMS = [
    make_item(
        1,
        title="Graph learning",
        authors=("Ada L.", "Émile Zoë"),
        organisation="Société X",
        keywords=("graph learning", "C++"),
        categories=("cs.LG",),
    ),
    make_item(
        2, title="At 100% recall", summary="Retrieval without graphs.", categories=("cs.IR",)
    ),
    make_item(
        3,
        title="图神经网络综述",
        eligible_at=LATER,
        summary="本文研究图神经网络。",
        categories=("cs.LG",),
    ),
    make_item(4, title="Глубокое обучение", summary="Нейронные сети и графы."),
    make_item(5, title="한국어 모델", summary="हिन्दी में खोज"),
    make_item(6, title="C++ in the wild", keywords=("C",)),
]


def titles(database, query, topic="", **bounds):
    with database.read() as connection:
        found = search_items(connection, query, topic, **{"limit": 9} | bounds)
    return [item.title for item in found]


@pytest.fixture
def filled(database):
    store_items(database, ITEMS)
    return database


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("graph learning", {"Graph learning"}, id="every word"),
        pytest.param("LEARNING graph", {"Graph learning"}, id="case and order"),
        pytest.param("graph", {"Graph learning", "At 100% recall"}, id="begins a word"),
        pytest.param("raph", set(), id="inside a word"),
        pytest.param("emile zoe", {"Graph learning"}, id="author, accents left out"),
        pytest.param("Société", {"Graph learning"}, id="organisation"),
        pytest.param("100% recall", {"At 100% recall"}, id="a sign is no word"),
        pytest.param("2603.00004", {"Глубокое обучение"}, id="arXiv id"),
        pytest.param("神经", {"图神经网络综述"}, id="Chinese, inside a run"),
        pytest.param("神经网络", {"图神经网络综述"}, id="Chinese, longer"),
        pytest.param("图", {"图神经网络综述"}, id="Chinese, one character"),
        pytest.param("经图", set(), id="Chinese, in no text"),
        pytest.param("глубокое ОБУЧ", {"Глубокое обучение"}, id="Cyrillic"),
        pytest.param("한국어", {"한국어 모델"}, id="Korean"),
        pytest.param("हिन्दी", {"한국어 모델"}, id="Devanagari"),
        pytest.param("absent", set(), id="no such word"),
        pytest.param("graph absent", set(), id="one word is missing"),
        pytest.param("", set(), id="nothing"),
        pytest.param("%", set(), id="a sign alone"),
        pytest.param("_", set(), id="another sign alone"),
    ],
)
def test_search_finds_what_holds_every_word(filled, query, found):
    assert set(titles(filled, query)) == found


@pytest.mark.parametrize(
    ("query", "topic", "found"),
    [
        pytest.param("", "cs.LG", ["图神经网络综述", "Graph learning"], id="newest first"),
        pytest.param("", "CS.lg", ["图神经网络综述", "Graph learning"], id="spelled otherwise"),
        pytest.param("learning", "cs.LG", ["Graph learning"], id="with words"),
        pytest.param("retrieval", "cs.LG", [], id="words of another topic"),
        pytest.param("", "cs", [], id="a part of a topic"),
        pytest.param("!", "cs.LG", [], id="words that are none"),
        pytest.param("", '") OR *', [], id="hostile"),
    ],
)
def test_a_topic_is_one_of_the_items_own(filled, query, topic, found):
    assert titles(filled, query, topic) == found


def test_a_word_in_the_title_counts_for_more_than_one_in_the_text(database):
    store_items(
        database,
        [
            make_item(1, title="Protein folding", summary="A study."),
            make_item(2, title="A study", summary="Protein folding " + "and more " * 40),
        ],
    )

    assert titles(database, "protein folding") == ["Protein folding", "A study"]


def test_results_come_in_pages(filled):
    whole = titles(filled, "", "cs.LG")

    assert (
        titles(filled, "", "cs.LG", limit=1) + titles(filled, "", "cs.LG", limit=1, skip=1) == whole
    )


def test_a_changed_item_is_found_by_what_it_says_now(database):
    item = make_item(1, title="Graph learning")
    source_id = store_items(database, [item])
    revise(database, source_id, item, title="Protein folding")

    assert titles(database, "graph") == []
    assert titles(database, "protein") == ["Protein folding"]


def test_what_an_older_program_stored_is_indexed_later(filled):
    with filled.write() as connection:
        connection.execute(delete(item_words))
    assert titles(filled, "graph") == []

    with filled.write() as connection:
        assert index_missing(connection) == len(ITEMS)
    with filled.write() as connection:
        assert index_missing(connection) == 0
    assert set(titles(filled, "graph")) == {"Graph learning", "At 100% recall"}


def test_topics_are_those_that_stored_items_have_most(filled):
    with filled.read() as connection:
        assert common_topics(connection, COMPETING, 1) == ["cs.LG"]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param('a" OR title : *', id="quotes and columns"),
        pytest.param("NEAR(a b) AND NOT c", id="operators of FTS5"),
        pytest.param("{title} : x", id="a column"),
        pytest.param("^graph*", id="a beginning of FTS5"),
        pytest.param("' OR 1=1 --", id="SQL"),
        pytest.param("a & b | !c <-> d:*", id="operators of tsquery"),
        pytest.param("a\\' :*", id="a quote escaped"),
        pytest.param("\x00\x1b[31m", id="control characters"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("*" * 5000, id="stars"),
        pytest.param("( " * 5000, id="brackets"),
        pytest.param("graph " * 5000, id="words without end"),
        pytest.param("图" * 5000, id="characters without end"),
        pytest.param("%s %(x)s :wanted {0}", id="placeholders"),
    ],
)
def test_a_hostile_query_is_words_and_nothing_else(filled, query):
    assert titles(filled, query) in ([], ["Graph learning", "At 100% recall"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=st.text(max_size=60), topic=st.text(max_size=20))
def test_no_query_breaks_the_search(filled, query, topic):
    with filled.read() as connection:
        found = matches(connection, query, topic)
        assert found is None or query.strip() or topic.strip()
        search_items(connection, query, topic, limit=5)
