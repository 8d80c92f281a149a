"""Templates: style written in once, an operator's own, holes, languages."""

import logging
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest.errors import RenderError
from digest.render import Templates, inline_style, shipped_folder

STYLE = """
.a { color: {{ accent }}; margin: 0 }
@media (max-width: 480px) { .a { color: red !important } }
"""


def write(folder: Path, name: str, text: str) -> None:
    path = folder / "mail" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_style_is_written_into_elements_and_jinja_stays_whole():
    source = '<p class="a" lang="{{ tag }}">{% if x < 3 %}{{ a > b }}{% endif %}</p>\n'

    styled = inline_style(source, STYLE)

    assert 'style="color:{{ accent }};margin:0"' in styled
    assert 'lang="{{ tag }}"' in styled
    assert ">{% if x < 3 %}{{ a > b }}{% endif %}</p>" in styled


def test_statements_between_table_rows_stay_in_place():
    source = "<table>{% for n in all %}<tr><td>{{ n }}</td></tr>{% endfor %}</table>"

    styled = inline_style(source, "")

    assert "{% for n in all %}<" in styled
    assert "<td>{{ n }}</td></tr>{% endfor %}" in styled


def test_document_keeps_the_at_rules_in_its_head():
    styled = inline_style('<html><head></head><body class="a">x</body></html>', STYLE)

    assert "@media (max-width: 480px)" in styled.partition("</head>")[0]
    assert styled.endswith("</html>\n")


def test_html_is_escaped_and_text_is_not(tmp_path):
    write(tmp_path, "x.html", "<p>{{ title }}</p>")
    write(tmp_path, "x.txt", "{{ title }}")
    templates = Templates(tmp_path)
    english = templates.language("en")

    assert templates.render("mail/x.html", english, title="<b>&") == "<p>&lt;b&gt;&amp;</p>\n"
    assert templates.render("mail/x.txt", english, title="<b>&") == "<b>&"


def test_operators_file_overrides_ours_one_by_one(tmp_path):
    write(tmp_path, "reason.txt", "* {{ words }}")
    templates = Templates(tmp_path)
    english = templates.language("en")
    opening = {"heading": "Saturday", "sentences": ["x"], "wrap": str}

    assert templates.render("mail/reason.txt", english, words="x") == "* x"
    assert "x" in templates.render("mail/opening.txt", english, **opening)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("{% if %}", id="syntax"),
        pytest.param("{{ wrods }}", id="unknown name"),
        pytest.param("{{ words / 2 }}", id="wrong type"),
        pytest.param("{{ words.a.b }}", id="unknown attribute"),
        pytest.param("{% include 'mail/none.txt' %}", id="missing include"),
        pytest.param("{% include 'mail/reason.txt' %}", id="endless"),
        pytest.param(b"\xff", id="no UTF-8"),
    ],
)
def test_broken_template_of_the_operator_is_reported_once_and_ours_is_used(
    tmp_path, caplog, broken
):
    write(tmp_path, "reason.txt", "")
    text = broken if isinstance(broken, bytes) else broken.encode()
    (tmp_path / "mail" / "reason.txt").write_bytes(text)
    templates = Templates(tmp_path)
    english = templates.language("en")

    with caplog.at_level(logging.ERROR):
        shown = [templates.render("mail/reason.txt", english, words="x") for _ in range(2)]

    assert shown == ["x", "x"]
    assert len(caplog.records) == 1
    assert "mail/reason.txt" in caplog.text


def test_missing_template_is_an_error():
    templates = Templates()

    with pytest.raises(RenderError, match=r"mail/none\.html"):
        templates.render("mail/none.html", templates.language("en"))


def test_form_leaves_holes_for_the_caller(tmp_path):
    write(tmp_path, "x.html", "<p>{{ name }}: {{ words }} {{ words }}</p>")
    templates = Templates(tmp_path)

    form = templates.form("mail/x.html", templates.language("en"), ["words"], name="<a>")

    assert form == ("<p>&lt;a&gt;: ", "words", " ", "words", "</p>\n")


def test_hole_changed_by_a_filter_makes_a_template_broken(tmp_path, caplog):
    write(tmp_path, "reason.txt", "{{ words|upper }}")
    templates = Templates(tmp_path)

    form = templates.form("mail/reason.txt", templates.language("en"), ["words"])

    assert form == ("", "words", "")
    assert "hole" in caplog.text


@pytest.mark.parametrize(
    ("tag", "day", "short", "moment", "number"),
    [
        pytest.param(
            "en", "Saturday, 21 November 2026", "Sat 21 Nov", "Sat 21 Nov, 07:30", "1,234", id="en"
        ),
        pytest.param(
            "en-US",
            "Saturday, November 21, 2026",
            "Sat, Nov 21",
            "Sat, Nov 21, 7:30\u202fAM",
            "1,234",
            id="en-US",
        ),
    ],
)
def test_days_and_numbers_follow_the_language(tag, day, short, moment, number):
    language = Templates().language(tag)

    assert language.day(date(2026, 11, 21)) == day
    assert language.short_day(date(2026, 11, 21)) == short
    at = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
    assert language.moment(at, "Europe/Berlin") == moment
    assert language.number(1234) == number


@pytest.mark.parametrize("tag", ["xx", "", "not a tag", "tlh", "../../etc", "it"])
def test_language_without_words_reads_as_english(tag):
    language = Templates().language(tag)

    assert language.tag == "en"
    assert language.gettext("Unsubscribe") == "Unsubscribe"


def test_catalogue_of_the_operator_adds_a_language(tmp_path):
    write(
        tmp_path,
        "locale/ar.po",
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Unsubscribe"\nmsgstr "إلغاء الاشتراك"\n',
    )

    language = Templates(tmp_path).language("ar-EG")

    assert (language.tag, language.direction) == ("ar-EG", "rtl")
    assert language.gettext("Unsubscribe") == "إلغاء الاشتراك"
    assert language.gettext("Contact: %(contact)s", contact="x") == "Contact: x"


def test_broken_catalogue_is_reported_and_reads_as_english(tmp_path, caplog):
    write(tmp_path, "locale/it.po", 'msgid "broken')

    assert Templates(tmp_path).language("it").tag == "en"
    assert "it.po" in caplog.text


def test_shipped_templates_are_found():
    assert (shipped_folder() / "mail" / "frame.html").is_file()
