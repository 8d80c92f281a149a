import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.tex import from_tex
from digest.text import fold, from_html, markup_depth, one_line, paragraphs, tokens

# --- hostile text -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("  a \t b\r\nc ", "a b c", id="white space folds"),
        pytest.param("a\x00b\x1b[31mc\x7f", "ab[31mc", id="NUL, escape, delete"),
        pytest.param("a\u202eb\u2066c\u200bd\ufeffe", "abcde", id="bidi and zero-width"),
        pytest.param("a\u2028b\u2029c\x85d", "a b c d", id="line separators are white space"),
        pytest.param("a\ud800b", "a\ufffdb", id="lone surrogate"),
        pytest.param("a\U000e0041b", "ab", id="tag characters"),
        pytest.param("Poincare\u0301", "Poincaré", id="NFC"),
        pytest.param("a\r\nBcc: x@example.org", "a Bcc: x@example.org", id="header injection"),
        pytest.param("é" + "\u0316" * 50, "é" + "\u0316" * 8, id="piled marks"),
        pytest.param("", "", id="empty"),
    ],
)
def test_any_text_becomes_one_clean_line(text, expected):
    assert one_line(text) == expected


def test_long_line_is_cut_at_a_word():
    assert one_line("alpha beta gamma delta", 13) == "alpha beta…"
    assert one_line("alpha beta gamma", 11) == "alpha beta…"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


def test_ten_megabytes_are_cut_at_once():
    start = time.perf_counter()

    lines = [one_line(text) for text in ("x" * 10**7, "\u0300\u0316" * 5 * 10**6, " " * 10**7)]

    assert max(map(len, lines)) <= 500
    assert time.perf_counter() - start < 1


def test_paragraphs_keep_blank_lines_and_join_single_breaks():
    assert paragraphs("a\nb\r\n \r\nc\u2029d\n\n\n") == "a b\n\nc\n\nd"


@settings(max_examples=100)
@given(st.text(max_size=300), st.integers(2, 60))
def test_cleaning_is_bounded_and_stable(text, max_chars):
    line, blocks = one_line(text, max_chars), paragraphs(text, max_chars)

    assert max(len(line), len(blocks)) <= max_chars
    assert one_line(line, max_chars) == line
    assert paragraphs(blocks, max_chars) == blocks
    assert unicodedata.is_normalized("NFC", line)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]", line)


# --- HTML -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<p>a <b>b</b></p><p>c<br>d</p>e", "a b\n\nc d\n\ne", id="blocks"),
        pytest.param("a<script>x()</script><style>y</style>b", "ab", id="script and style"),
        pytest.param("&amp;lt;b&amp;gt; &eacute;", "&lt;b&gt; é", id="entities once"),
        pytest.param("AT&T &amp; co", "AT&T & co", id="plain text"),
        pytest.param("a <!-- c --> b", "a b", id="comment"),
        pytest.param('<img src=x onerror="a()">t<iframe>u</iframe>', "t", id="active markup"),
        pytest.param("x < y and y > z", "x < y and y > z", id="signs that are no tags"),
        pytest.param("<p>unclosed <i>tags", "unclosed tags", id="unclosed"),
        pytest.param("H<sub>2</sub>O", "H2O", id="inline"),
    ],
)
def test_html_becomes_plain_paragraphs(markup, expected):
    assert from_html(markup) == expected


@pytest.mark.parametrize("tag", ["div", "b", "table", "svg", "p"])
def test_deep_nesting_costs_no_time(tag):
    start = time.perf_counter()

    text = from_html(f"<{tag}>" * 30_000 + "x")

    assert f"<{tag}>" not in text
    assert time.perf_counter() - start < 2


def test_markup_depth_counts_open_elements():
    assert markup_depth("<a><b></b><c><d>") == 3
    assert markup_depth("a < b") == 0


# --- TeX --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(r"Poincar\'e M{\aa}ns Mel\'endez", "Poincaré Måns Meléndez", id="accents"),
        pytest.param(r"\"{o} \v{c} \c c \L{}ukasz \o re", "ö č ç Łukasz øre", id="more accents"),
        pytest.param(r"\emph{Foo} \textbf{bar} {\em x}", "Foo bar x", id="styles"),
        pytest.param(r"$O(n\log n)$ and $\alpha$-way", "O(nlog n) and α-way", id="math"),
        pytest.param(r"$\frac{a}{b}$, $\tfrac{1}{2}$", "a/b, 1/2", id="fractions"),
        pytest.param(r"a \pm 3 \times b", "a ± 3 × b", id="symbols outside math"),
        pytest.param(r"5\% of A \& B\_C", "5% of A & B_C", id="escaped signs"),
        pytest.param("``quoted''", "“quoted”", id="quotes"),
        pytest.param(r"\url{https://e.org/~a_b}.", "https://e.org/~a_b.", id="address"),
        pytest.param(r"\href{https://e.org}{here}", "here", id="link"),
        pytest.param(r"\texttt{a_b} \mbox{c}", "a_b c", id="macros the converter drops"),
        pytest.param("{BERT} and {{GPT}}", "BERT and GPT", id="protected capitals"),
        pytest.param(r"ImageNet\xspace is, GPT\xspace.", "ImageNet is, GPT.", id="xspace"),
        pytest.param("(SL^{2}A-INR)", "(SL^2A-INR)", id="broken math"),
    ],
)
def test_tex_becomes_readable(text, expected):
    assert from_tex(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "for 0<x<1 and a_b, 50% of A & B #1 ~10",
        "costs $5 to $6, or US$10 and $20 million",
        "it's 5'' wide, a^2 -- and C:\\new\\path",
        r"\unknownmacro{kept} and \another",
        "$ not math $",
        "{{{{ and an open {",
        r"\begin{equation}",
        "\\",
        "${",
    ],
)
def test_what_is_no_tex_or_no_known_tex_survives(text):
    assert from_tex(text) == text


def test_math_between_dollars_keeps_its_signs():
    assert from_tex("if $0<x<1$ then") == "if 0<x<1 then"


@pytest.mark.parametrize(
    "piece",
    ["{", "}", "$", "\\", "{a}", "\\emph{", "$x$", "\\frac", "\\begin{a}", "\\left(", "``", "\\(",
     "\\[ ", "$a ", "\\a[", "\\'", "\\a ", "{\\a", "$$a", "{{}{}"],
)  # fmt: skip
def test_no_tex_takes_long(piece):
    start = time.perf_counter()

    from_tex(piece * (20_000 // len(piece)))

    assert time.perf_counter() - start < 1


TEX = st.lists(
    st.sampled_from(
        ["\\", "{", "}", "$", "%", "&", "#", "_", "^", "~", " ", "\n", "[", "]", "'", "`", "a", "é",
         "\\emph", "\\frac", "\\'", "\\begin{x}", "\\end{x}", "\\sqrt", "\\url", "\\left", "\\item",
         "\\cite", "\\text", "\\c", "0", "\\verb", "\\newcommand", "\\input", "\\char", "\\href"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(TEX)
def test_broken_tex_neither_raises_nor_grows(text):
    assert len(from_tex(text)) <= 4 * len(text) + 20


# --- folding ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Poincaré ResNet", "poincare resnet"),
        ("STRASSE", "Straße"),
        ("Łódź, Ørsted", "lodz orsted"),
        ("ﬁne-tuning²", "FINE TUNING2"),
        ("Beyond  Words -- again?", "beyond words: again"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
    ],
)
def test_spellings_of_one_title_fold_alike(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize("text", ["が", "हिन्दी", "한국어", "中文", "ไทย"])
def test_signs_that_make_a_letter_stay(text):
    assert fold(text) == text


@settings(max_examples=100)
@given(st.text(max_size=100))
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


def test_chinese_titles_give_pairs_of_characters():
    assert tokens("大语言模型 GPT-4 的") == ["大语", "语言", "言模", "模型", "gpt", "4", "的"]


def test_words_are_folded():
    assert tokens("Graph-Networks, für ALLE!") == ["graph", "networks", "fur", "alle"]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<sec>hello <p>x</p></sec>", "hello\n\nx", id="JATS section"),
        pytest.param(
            "<jats:sec><jats:title>Aim</jats:title><jats:p>A <jats:italic>b</jats:italic>.</jats:p>"
            "</jats:sec>",
            "Aim\n\nA b.",
            id="JATS with its prefix",
        ),
        pytest.param("a <math><mi>b</mi><mo>+</mo></math> c", "a b+ c", id="MathML"),
        pytest.param(
            "<math><mi>b</mi><annotation>\\beta</annotation></math>", "b", id="MathML twice"
        ),
        pytest.param("<fixed-case>BERT</fixed-case> is", "BERT is", id="ACL Anthology"),
        pytest.param("<table><tr><td>a</td><td>b</td></tr></table>", "a b", id="cells apart"),
        pytest.param("<p>a<br/>b</p><P>c</P>", "a b\n\nc", id="tags alone"),
        pytest.param("<p>1 &lt; 2 &amp;lt; 3</p>", "1 < 2 &lt; 3", id="entities once"),
        pytest.param("0 < x, y > 1", "0 < x, y > 1", id="no tag at all"),
        pytest.param("a<SCRIPT>alert(1)</SCRIPT>b<style>p{}</style>", "ab", id="script"),
    ],
)
def test_markup_of_any_kind_keeps_its_text(markup, expected):
    assert from_html(markup) == expected
