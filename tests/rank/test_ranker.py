"""What a reader states decides what is picked, and every pick says why."""

import numpy as np
import pytest

from digest import rank
from digest.model import Interest, Reader, ReasonKind
from tests.rank.conftest import less, make_item, make_reader, more, picked

GRAPHS = make_item("Graph Neural Networks for Molecules", summary="We pass messages.")
DIFFUSION = make_item("Diffusion models paint images", authors=("Ada Lovelace",))
PRIVACY = make_item("Federated learning keeps data private", categories=("cs.CR",))
CHINESE = make_item("图神经网络的可扩展训练")
RUSSIAN = make_item("Большие языковые модели", authors=("Анна Каренина",))
ITEMS = [GRAPHS, DIFFUSION, PRIVACY, CHINESE, RUSSIAN]


@pytest.mark.parametrize(
    ("wishes", "wanted"),
    [
        pytest.param({"keywords": ("graph neural network",)}, GRAPHS, id="phrase, plural"),
        pytest.param({"keywords": ("diffus*",)}, DIFFUSION, id="beginning"),
        pytest.param({"keywords": ('"federated learning"',)}, PRIVACY, id="quoted"),
        pytest.param({"keywords": ("神经网络",)}, CHINESE, id="Chinese"),
        pytest.param({"keywords": ("ЯЗЫКОВЫЕ модели",)}, RUSSIAN, id="Cyrillic"),
        pytest.param({"authors": ("Lovelace, Ada",)}, DIFFUSION, id="author, family name first"),
        pytest.param({"authors": ("А. Каренина",)}, RUSSIAN, id="author, initial"),
        pytest.param({"categories": ("cs",)}, PRIVACY, id="group of categories"),
        pytest.param({"text": "privacy: private data"}, PRIVACY, id="topic in plain words"),
        pytest.param({"examples": (GRAPHS.keys[0],)}, GRAPHS, id="example by key"),
    ],
)
def test_stated_wish_brings_its_item_to_the_top(wishes, wanted):
    ranker = rank.fit(ITEMS)

    first, *_ = picked(ranker, make_reader(**wishes), ITEMS)

    assert first.item == wanted
    assert first.interest == "mine"


@pytest.mark.parametrize(
    "keyword", ["graph", "graph*", "graph neural network", '"Graph Neural Networks"']
)
def test_item_that_is_about_a_keyword_ranks_above_one_that_mentions_it(first_day_ranker, keyword):
    passing = make_item("Messages", summary="Unlike graph neural networks, ours are tables.")
    twice = make_item("Tables", summary=f"{passing.summary} A graph neural network is slow.")
    titled = make_item("Graph neural networks", summary=passing.summary)
    reader = make_reader(keywords=(keyword,))

    passed, said, about = first_day_ranker.scores([reader], [passing, twice, titled])[0]

    assert 0.0 < passed < said < about


def test_rare_keyword_counts_more_than_one_that_most_items_show():
    corpus = [make_item("A model of noise", n, summary=f"Word{n} stands here.") for n in range(600)]
    reader = make_reader(keywords=("model", "zeolite"))

    common, rare = rank.fit(corpus).scores(
        [reader], [make_item("Model trains"), make_item("Zeolite trains")]
    )[0]

    assert 0.0 < common < rare


def test_name_of_an_otherwise_empty_interest_is_its_topic(first_day_ranker):
    reader = Reader(interests=(Interest(name="diffusion models"),), popularity=0.0)

    assert picked(first_day_ranker, reader, ITEMS)[0].item == DIFFUSION


def test_muted_items_are_never_picked(first_day_ranker):
    reader = make_reader(
        keywords=("graph*",), muted_words=("molecule",), muted_authors=("A. Lovelace",)
    )

    assert {r.item for r in picked(first_day_ranker, reader, ITEMS)} == {PRIVACY, CHINESE, RUSSIAN}


def test_less_of_lowers_and_does_not_hide(first_day_ranker):
    plain = make_reader(keywords=("model*",))
    wary = make_reader(keywords=("model*",), less_of=("diffusion",))

    before, after = (first_day_ranker.scores([r], [DIFFUSION])[0, 0] for r in (plain, wary))

    assert -1.0 < after < before


def test_more_lifts_and_less_lowers_what_resembles_the_item(first_day_ranker):
    twin = make_item("Graph neural networks for large molecules")
    plain = Reader(interests=(Interest(name="all", keywords=("network*",)),))
    base, lifted, lowered = first_day_ranker.scores(
        [
            plain,
            Reader(interests=plain.interests, feedback=(more(twin),)),
            Reader(interests=plain.interests, feedback=(less(twin),)),
        ],
        [GRAPHS],
    )[:, 0]

    assert lowered < base < lifted


def test_newest_verdict_on_an_item_replaces_older_ones(first_day_ranker):
    changed = Reader(feedback=(less(GRAPHS), more(GRAPHS, days_ago=3)))
    constant = Reader(feedback=(less(GRAPHS),))

    scores = first_day_ranker.scores([changed, constant], ITEMS)

    assert np.array_equal(scores[0], scores[1])


def test_best_interest_names_the_pick(first_day_ranker):
    reader = Reader(
        interests=(
            Interest(name="graphs", keywords=("graph*",)),
            Interest(name="privacy", text="federated learning"),
        )
    )

    names = {r.item: r.interest for r in picked(first_day_ranker, reader, [GRAPHS, PRIVACY])}

    assert names == {GRAPHS: "graphs", PRIVACY: "privacy"}


def test_weight_of_an_interest_lifts_it_above_another(first_day_ranker):
    interests = (
        Interest(name="graphs", keywords=("molecules",), weight=2.0),
        Interest(name="privacy", keywords=("private",)),
    )

    first, second = picked(first_day_ranker, Reader(interests=interests), [PRIVACY, GRAPHS])

    assert (first.interest, second.interest) == ("graphs", "privacy")


def test_shares_of_the_reasons_add_up_to_the_score(first_day_ranker):
    items = [make_item(i.title, upvotes=n, authors=i.authors) for n, i in enumerate(ITEMS)]
    reader = Reader(
        interests=(
            Interest(name="mine", text="images", keywords=("model*",), authors=("Ada Lovelace",)),
        ),
        feedback=(more(DIFFUSION), less(PRIVACY)),
    )

    for ranked in picked(first_day_ranker, reader, items):
        assert sum(reason.share for reason in ranked.reasons) == pytest.approx(ranked.score)
        assert 0.0 <= ranked.score <= 1.0


def test_reason_shows_the_words_as_the_item_spells_them(first_day_ranker):
    [ranked] = picked(first_day_ranker, make_reader(keywords=("graph neural network",)), [GRAPHS])

    assert [(r.kind, r.value) for r in ranked.reasons] == [
        (ReasonKind.KEYWORD, "Graph Neural Networks")
    ]


@pytest.mark.parametrize(
    ("keyword", "title", "shown"),
    [
        pytest.param("c++", "Modern C++17 for compilers", "C++", id="C++"),
        pytest.param("C#", "Generics in C#", "C#", id="C sharp"),
        pytest.param("gpt 4", "What GPT-4 cannot do", "GPT-4", id="hyphen"),
        pytest.param("神经网络", "图神经网络的可扩展训练", "神经网络", id="Chinese"),
        pytest.param("models", "Большие ЯЗЫКОВЫЕ Models", "Models", id="two scripts"),
        pytest.param("языковые модели", "Большие Языковые  модели", "Языковые модели", id="blanks"),
        pytest.param("node.js", "Servers in Node.js", "Node.js", id="dot"),
        pytest.param("graph*", "On Graph-Based learning", "Graph", id="beginning"),
    ],
)
def test_keyword_is_shown_as_the_item_has_it(first_day_ranker, keyword, title, shown):
    [ranked] = picked(first_day_ranker, make_reader(keywords=(keyword,)), [make_item(title)])

    assert ranked.reasons[0].value == shown


def test_c_is_not_c_plus_plus(first_day_ranker):
    items = [make_item(title) for title in ("A history of C", "Modern C++", "Generics in C#")]

    ranked = picked(first_day_ranker, make_reader(keywords=("C++",)), items)

    assert [one.item for one in ranked if one.reasons] == [items[1]]


def test_every_kind_of_wish_has_its_reason(first_day_ranker):
    liked = make_item("Diffusion models for molecules")
    item = make_item(
        "Diffusion Models for proteins",
        authors=("Ada Lovelace", "Kurt Gödel"),
        organisation="Institute of Ideas",
        categories=("cs.LG",),
        upvotes=7,
    )
    interest = Interest(
        name="mine",
        text="protein folding",
        keywords=("diffusion model",),
        authors=("Godel, K.",),
        organisations=("institute of ideas",),
        categories=("cs",),
        examples=("Models of proteins",),
    )
    reader = Reader(
        interests=(interest,),
        feedback=(more(liked),),
        examples={"mine": (make_item("Models of proteins"),)},
        popularity=0.2,
    )

    [ranked] = picked(first_day_ranker, reader, [item])

    said = {reason.kind: reason.value for reason in ranked.reasons}
    assert said == {
        ReasonKind.KEYWORD: "Diffusion Models",
        ReasonKind.TOPIC: "proteins",
        ReasonKind.AUTHOR: "Kurt Gödel",
        ReasonKind.ORGANISATION: "Institute of Ideas",
        ReasonKind.CATEGORY: "cs.LG",
        ReasonKind.EXAMPLE: "Models of proteins",
        ReasonKind.FEEDBACK: "Diffusion models for molecules",
        ReasonKind.POPULARITY: "7",
    }
    assert {r.interest for r in ranked.reasons} == {"mine", None}
    assert sum(reason.share for reason in ranked.reasons) == pytest.approx(ranked.score)


def test_reader_without_wishes_gets_popular_and_recent_items(first_day_ranker):
    loud = make_item("Loud", upvotes=90)
    quiet = make_item("Quiet", upvotes=1)

    first, second = picked(first_day_ranker, Reader(), [quiet, loud])

    assert (first.item, second.item) == (loud, quiet)
    assert first.interest is None


def test_equal_scores_keep_the_order_of_the_items(first_day_ranker):
    items = [make_item("Same words", number) for number in range(20)]

    ranked = picked(first_day_ranker, make_reader(keywords=("words",)), items, limit=7)

    assert [r.item for r in ranked] == items[:7]


def test_ineligible_items_are_not_picked(first_day_ranker):
    allowed = np.array([[True, False, True, False, False]])

    [ranked] = first_day_ranker.rank([Reader()], ITEMS, allowed, 10)

    assert {r.item for r in ranked} == {GRAPHS, PRIVACY}
