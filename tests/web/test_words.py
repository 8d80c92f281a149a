"""Every word of the pages in every language that we ship; the operator's page is in English."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from digest.render import shipped_folder
from digest.web import app, guard

ROOT = Path(__file__).parents[2]
METHODS = [("digest/web/*.py", "python"), ("templates/web/*.html", "jinja2")]
# What is translated where it is shown, not where it stands.
CONSTANTS = {
    *(*app.BAD_LINK, *app.NO_PAGE, *app.UNREADABLE, *app.BUSY),
    *(guard.TOO_LARGE, guard.FOREIGN_FORM),
}
OPERATORS = ("admin", "charts", "operator")
PLACE = re.compile(r"%\((\w+)\)s")
TAGS = ("de", "es", "fr", "zh")


def messages():
    """Find what the sources ask to be translated; of plural messages the first form."""
    for name, _line, message, *_ in extract_from_dir(ROOT, METHODS):
        if not Path(name).name.startswith(OPERATORS):
            yield message[0] if isinstance(message, tuple) else message


def catalogue(room, tag):
    with (shipped_folder() / room / "locale" / f"{tag}.po").open("rb") as file:
        read = read_po(file, abort_invalid=True)
    return {one.id[0] if one.pluralizable else one.id: one.string for one in read if one.id}


@pytest.mark.parametrize("tag", TAGS)
def test_every_message_is_translated_once_and_none_is_left_over(tag):
    mail, web = catalogue("mail", tag), catalogue("web", tag)
    wanted = {*messages(), *CONSTANTS}

    assert wanted - set(mail) == set(web)
    assert all(web.values())


@pytest.mark.parametrize("tag", TAGS)
def test_translations_fill_the_places_of_their_message(tag):
    for message, translated in catalogue("web", tag).items():
        for form in [translated] if isinstance(translated, str) else translated:
            assert set(PLACE.findall(form)) == set(PLACE.findall(message)), message


@pytest.mark.parametrize(
    ("tag", "offer"),
    [
        ("en", "Get trending papers in your inbox once a day!"),
        ("de", "Einmal am Tag die gefragtesten Arbeiten im Postfach!"),
        ("es", "¡Los artículos del momento en tu correo, una vez al día!"),
        ("fr", "Les articles du moment dans votre boîte, une fois par jour !"),
        ("zh", "每天一次，把热门论文送到您的邮箱！"),
    ],
)
def test_the_home_page_speaks_the_visitors_language(world, tag, offer):
    assert offer in world.get("/", headers={"Accept-Language": tag}).text


def test_signed_pages_speak_the_subscribers_language_whatever_the_browser_says(world):
    reader = world.joined()
    world.post(world.preferences(reader), data={"language": "de"})

    page = world.get(world.preferences(reader), headers={"Accept-Language": "fr"}).text

    assert '<html lang="de"' in page
    assert "Frühere Ausgaben" in page
