"""Any accent an operator chooses stays readable."""

from hypothesis import example, given
from hypothesis import strategies as st

from digest.compose.colours import (
    AA,
    DARK_CARD,
    DARK_PAGE,
    LIGHT_CARD,
    LIGHT_PAGE,
    contrast,
    mix,
    shades,
)

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_of_black_on_white_is_the_largest():
    assert round(contrast("#000000", "#ffffff"), 6) == 21
    assert contrast("#777777", "#777777") == 1


def test_mix_goes_from_one_colour_to_the_other():
    assert mix("#000000", "#ffffff", 1) == "#000000"
    assert mix("#000000", "#ffffff", 0) == "#ffffff"
    assert mix("#ff0000", "#0000ff", 0.5) == "#800080"


@given(colours)
@example("#ffff00")
@example("#000000")
@example("#ffffff")
def test_every_accent_can_be_read_on_all_its_grounds(accent):
    found = shades(accent)

    for ground in (LIGHT_CARD, LIGHT_PAGE, found.tint):
        assert contrast(found.accent, ground) >= AA
    for ground in (DARK_CARD, DARK_PAGE, found.dark_tint):
        assert contrast(found.dark_accent, ground) >= AA


def test_readable_accent_is_left_alone():
    assert shades("#7c2d12").accent == "#7c2d12"
