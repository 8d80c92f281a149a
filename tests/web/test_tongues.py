"""Which language a visitor is spoken to in."""

import pytest

from digest.web.tongues import LANGUAGES, SPOKEN, preferred


@pytest.mark.parametrize(
    ("wish", "tag"),
    [
        pytest.param("", "", id="no wish"),
        pytest.param("de", "de", id="one"),
        pytest.param("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", "fr", id="a country's"),
        pytest.param("pt, es;q=0.5, de;q=0.9", "de", id="best of those spoken"),
        pytest.param("zh-Hans-CN", "zh", id="script and country"),
        pytest.param("en;q=0, de;q=0.1", "de", id="refused"),
        pytest.param("nl", "", id="not spoken"),
        pytest.param("de;q=high, es;q=0.1", "es", id="malformed weight"),
        pytest.param("de;q=nan, es;q=0.1", "es", id="no number"),
        pytest.param("de;q=9, es;q=0.1", "es", id="weight out of range"),
        pytest.param("xx," * 5000 + "de", "", id="endless"),
        pytest.param("\x00\r\n, ;;;q=", "", id="nonsense"),
    ],
)
def test_a_visitor_is_spoken_to_in_the_language_liked_best(wish, tag):
    assert preferred(wish, SPOKEN) == tag


@pytest.mark.parametrize("tag", [tag for tag, _name in LANGUAGES])
def test_a_page_says_which_language_it_is_written_in(world, tag):
    page = world.get("/subscribe", headers={"Accept-Language": tag})

    assert f'<html lang="{tag}"' in page.text
    assert "Accept-Language" in page.headers["vary"]
