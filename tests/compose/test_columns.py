"""Plain text in 72 columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose.columns import WIDTH, columns, wrap
from digest.text import one_line


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        pytest.param("abc", 3, id="ASCII"),
        pytest.param("é", 1, id="composed"),
        pytest.param("e\u0301", 1, id="combining accent"),
        pytest.param("模型", 4, id="Chinese"),
        pytest.param("ａ", 2, id="full width"),
    ],
)
def test_columns_are_those_of_a_terminal(text, wide):
    assert columns(text) == wide


@given(st.text(max_size=400).map(one_line), st.integers(0, 8), st.integers(0, 12))
def test_wrapping_keeps_every_sign_and_the_width(text, indent, hanging):
    wrapped = wrap(text, indent, hanging)

    assert "".join(wrapped.split()) == "".join(text.split())
    lines = wrapped.split("\n")
    assert lines[0].startswith(" " * indent)
    assert all(line.startswith(" " * hanging) for line in lines[1:])
    if "http" not in text and "mailto:" not in text:
        assert all(columns(line) <= WIDTH for line in lines)


def test_address_is_never_broken():
    address = "https://example.org/" + "x" * 100

    assert address in wrap(f"see {address} there", indent=4).replace("\n    ", " ").split()


def test_chinese_is_broken_between_its_signs():
    assert wrap("模型" * 4, width=6) == "模型模\n型模型\n模型"


def test_words_stay_whole_where_they_fit():
    assert wrap("aa bbb cc", width=6) == "aa bbb\ncc"
