"""Every word of the mail in every language that we ship."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from digest.compose.columns import WIDTH, columns
from digest.compose.message import MessageBuilder
from digest.render import Templates, shipped_folder
from tests.compose.samples import ADA, MAIL, make_digest

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted((shipped_folder() / "mail" / "locale").glob("*.po"))
METHODS = [("digest/compose/*.py", "python"), ("templates/mail/*", "jinja2")]
PLACE = re.compile(r"%\((\w+)\)s")


def messages() -> Iterator[str]:
    """Find what the sources ask to be translated; of plural messages the first form."""
    for _, _, message, *_ in extract_from_dir(ROOT, METHODS):
        yield message[0] if isinstance(message, tuple) else message


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.stem)
def catalogue(request):
    with request.param.open("rb") as file:
        return read_po(file, abort_invalid=True)


def test_four_languages_beside_english():
    assert [path.stem for path in CATALOGUES] == ["de", "es", "fr", "zh"]


def test_every_message_is_translated_and_none_is_left_over(catalogue):
    known = {
        message.id[0] if message.pluralizable else message.id for message in catalogue if message.id
    }

    assert known == set(messages())
    for message in catalogue:
        assert all([message.string] if isinstance(message.string, str) else message.string)


def test_translations_fill_the_places_of_their_message(catalogue):
    for message in catalogue:
        if not message.id:
            continue
        forms = [message.string] if isinstance(message.string, str) else message.string
        wanted = set(PLACE.findall(message.id[-1] if message.pluralizable else message.id))
        for form in forms:
            assert set(PLACE.findall(form)) <= wanted
        # "One more" may be said in words.
        assert set(PLACE.findall(forms[-1])) == wanted


@pytest.mark.parametrize(
    ("tag", "subject", "brought", "moment"),
    [
        pytest.param(
            "de",
            "Sa., 21. Nov. · Nested Embeddings That Stay Honest When They Are Cut Short "
            "und 5 weitere",
            "212 neue Beiträge aus 3 Quellen, 6 für Sie ausgewählt.",
            "Nächste Ausgabe: So., 22. Nov., 07:00",
            id="German",
        ),
        pytest.param(
            "fr-CA",
            "sam. 21 nov. · Nested Embeddings That Stay Honest When They Are Cut Short et 5 autres",
            "212 nouvelles publications de 3 sources, dont 6 choisies pour vous.",
            "Prochaine édition : dim. 22 nov., 07 h 00",
            id="French of Canada",
        ),
        pytest.param(
            "zh",
            "11月21日周六 · Nested Embeddings That Stay Honest When They Are Cut Short，另有 5 篇",
            "3 个来源共 212 篇新内容，为您选出 6 篇。",
            "下一期：11月22日周日, 07:00",
            id="Chinese",
        ),
    ],
)
def test_mail_speaks_the_readers_language(tag, subject, brought, moment):
    reader = replace(ADA, language=tag)
    builder = MessageBuilder(MAIL, Templates())
    digest = make_digest()

    text = builder.text(digest, reader)

    assert builder.subject(digest, reader) == subject
    assert brought in text
    assert moment in text
    assert f'<html lang="{tag}" dir="ltr">' in builder.html(digest, reader)
    assert all(columns(line) <= WIDTH for line in text.split("\n") if "http" not in line)
