"""The most telling sentences: chosen whole, never invented, never cut where it hurts."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose.extract import ROOM, TEX, cut, sentences, telling_sentences
from digest.text import fold, one_line

ABBREVIATED = ("e.g.", "i.e.", "Fig.", "vs.", "cf.", " et al.")
SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("We win. They lose.", 2, id="two"),
        pytest.param("Smith et al. showed it. We doubt it.", 2, id="et al. in mid-sentence"),
        pytest.param("As in Smith et al. Deep nets fail.", 1, id="et al. before a capital"),
        pytest.param("See Fig. 3 and Eq. (2). Then stop.", 2, id="figure and equation"),
        pytest.param("Tasks, e.g. Parsing, i.e. Trees. Done.", 2, id="e.g. and i.e."),
        pytest.param("It is 3.5 times faster. On v1.2 too.", 2, id="numbers"),
        pytest.param("We use $x. Y$ here. Then $$a. B$$ too.", 2, id="TeX math"),
        pytest.param(r"Take \(a. B\) now. Fine.", 2, id="TeX parentheses"),
        pytest.param("Code: https://a.example/b.C is ours. Use it.", 2, id="address"),
        pytest.param("Why? Because! So it is.", 3, id="question and exclamation"),
        pytest.param('Is "Why not?" asked. Yes.', 2, id="quoted question"),
        pytest.param("J. Doe of the U.S. Navy wrote this. Good.", 2, id="initials"),
        pytest.param("我们提出方法。它很快。", 2, id="Chinese"),
        pytest.param("They said “stop.” We went on.", 2, id="closing quote"),
        pytest.param("Images, text, etc. We use both of them.", 2, id="etc. at the end"),
        pytest.param("No stop at all", 1, id="no stop"),
        pytest.param("", 0, id="empty"),
    ],
)
def test_sentences_end_where_the_next_one_begins(text, count):
    found = sentences(text)

    assert len(found) == count
    assert "".join("".join(found).split()) == "".join(text.split())


def test_sentence_with_the_readers_words_is_chosen():
    text = "Nets are large. We study pruning of dense retrievers. We release the code."

    assert telling_sentences(text, ("dense retriever",), 50) == (
        "We study pruning of dense retrievers."
    )


def test_phrase_weighs_more_than_a_word_of_another():
    text = "The index is small. We train Matryoshka embeddings from noise."

    assert telling_sentences(text, ("index", "Matryoshka embeddings"), 45).startswith("We train")


def test_without_words_the_claim_is_chosen():
    text = "Nets are large. Data are few. We propose a small net."

    assert telling_sentences(text, (), 25) == "We propose a small net."


def test_without_words_or_claim_the_beginning_is_chosen():
    assert telling_sentences("Nets are large. Data are few.", (), 16) == "Nets are large."


def test_gap_between_sentences_is_shown():
    text = f"Graphs are fun. {'Nothing of note happens here at all. ' * 9}Trees are graphs too."

    assert telling_sentences(text, ("graphs, fun", "trees"), 60) == (
        "Graphs are fun. … Trees are graphs too."
    )


def test_words_are_found_in_scripts_without_blanks():
    text = "天气很好。我们研究词向量的对齐方法。完。"

    assert "词向量" in telling_sentences(text, ("词向量",), 18)


@pytest.mark.parametrize(
    ("text", "room", "short"),
    [
        pytest.param("one two three", 20, "one two three", id="fits"),
        pytest.param("one two three", 10, "one two…", id="at a word"),
        pytest.param("one, two three", 6, "one…", id="no comma before the mark"),
        pytest.param("we have $a + b + c$ here", 15, "we have…", id="before TeX"),
        pytest.param("x" * 30, 10, "x" * 9 + "…", id="one endless word"),
        pytest.param("see https://a.example/b there", 16, "see…", id="before an address"),
    ],
)
def test_cut_falls_between_words(text, room, short):
    assert cut(text, room) == short


@given(st.text(max_size=500).map(one_line), st.integers(2, 200))
def test_cut_text_keeps_its_room(text, room):
    short = cut(text, room)

    assert len(short) <= max(room, 1)
    assert short == text or text.startswith(short.removesuffix("…"))


@pytest.mark.parametrize("unit", ["$x$. ", "a. ", r"\(", "$$", "we ", "https://a "])
def test_endless_text_costs_little(unit):
    """Measured in work and not in time: what is read is bounded, whatever the length."""
    text = unit * (1_000_000 // len(unit))

    assert sum(map(len, sentences(text))) <= 6_000
    assert len(telling_sentences(text, ("x",))) <= ROOM


words_of_prose = (
    "We show",
    "that",
    "et al.",
    "e.g.",
    "Fig. 3",
    "$x. y$",
    "1.5",
    "fail.",
    "Why?",
    "Deep",
)
prose = st.lists(st.sampled_from(words_of_prose), max_size=60).map(" ".join)


@given(prose, st.lists(st.sampled_from(["that", "deep", "we show"]), max_size=3))
def test_extract_is_made_of_whole_sentences_in_their_order(text, words):
    extract = telling_sentences(text, tuple(words))

    whole = " ".join(sentences(text))
    place = 0
    for stretch in extract.split(" … "):
        if not stretch.endswith("…"):
            place = whole.index(stretch, place) + len(stretch)
    assert len(extract) <= ROOM


def papers() -> list[dict]:
    if not SAMPLES.is_dir():
        pytest.skip("../shared/samples is not there: extraction is not tested on real abstracts")
    path = SAMPLES / "hf-api" / "daily_papers-2026-06-12.json"
    return [entry["paper"] for entry in json.loads(path.read_text())]


def test_thirty_real_abstracts_are_quoted_to_the_point():
    """The reader's words are what others found a paper to be about: its keywords, one by one."""
    found = papers()
    pairs = [
        (paper["summary"], word)
        for paper in found
        for word in paper["ai_keywords"]
        if any(f" {fold(word)}" in f" {fold(part)}" for part in sentences(paper["summary"]))
    ]
    assert len(found) == 30
    assert len(pairs) > 250

    for text, word in pairs:
        extract = telling_sentences(text, (word,))
        assert f" {fold(word)}" in f" {fold(extract)}"
        assert len(extract) <= ROOM


def test_thirty_real_abstracts_are_quoted_whole():
    for paper in papers():
        parts = sentences(paper["summary"])
        for words in ((), tuple(paper["ai_keywords"])):
            extract = telling_sentences(paper["summary"], words)

            for stretch in extract.removeprefix("… ").split(" … "):
                whole = stretch in " ".join(parts)
                assert whole or any(stretch.removesuffix("…") in part for part in parts)
            assert 40 < len(extract) <= ROOM


LONG = "We study many things at length, namely {} and further things that follow on from it."
MUCH = "so much and " * 40


@pytest.mark.parametrize(
    ("middle", "word"),
    [
        pytest.param(MUCH + "also sparse retrieval", "sparse retrieval", id="words"),
        pytest.param(MUCH + "$a + b. c + sparse$ in retrieval", "retrieval", id="after TeX"),
        pytest.param(MUCH + "$sparse  code + b$ " * 9, "code", id="inside TeX"),
    ],
)
def test_long_sentence_is_cut_around_the_readers_word(middle, word):
    text = LONG.format(middle) + " more" * 60
    assert len(sentences(text)) <= 2

    extract = telling_sentences(text, (word,))

    assert word in extract
    assert len(extract) <= ROOM
    assert extract.startswith("… ")
    assert extract.count("$") % 2 == 0


def cuts(text: str, extract: str) -> list[tuple[int, int]]:
    """Give where in a text the stretches of its extract begin and end."""
    place, found = 0, []
    for stretch in extract.removeprefix("… ").split(" … "):
        bare = stretch.removesuffix("…")
        place = text.index(bare, place)
        found.append((place, place + len(bare)))
    return found


def test_real_abstracts_are_never_cut_inside_tex_numbers_or_abbreviations():
    for paper in papers():
        text = " ".join(sentences(paper["summary"]))
        closed = [match.span() for match in TEX.finditer(text)]
        closed += [match.span() for match in re.finditer(r"\d[\d.,]*\d", text)]
        for words in ((), *((word,) for word in paper["ai_keywords"])):
            for begin, end in cuts(text, telling_sentences(paper["summary"], words)):
                assert not any(first < at < last for first, last in closed for at in (begin, end))
                assert end == len(text) or not text[:end].endswith(ABBREVIATED)


def test_real_abstracts_are_not_split_at_abbreviations():
    for paper in papers():
        for part in sentences(paper["summary"])[:-1]:
            assert not part.endswith(ABBREVIATED)
            assert len(part) > 12
