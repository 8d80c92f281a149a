"""The words of a language: gettext catalogues, dates and numbers from CLDR."""

import io
import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

logger = logging.getLogger(__name__)

# The messages' own language.  Plain "en" is no country's English: days come before months.
ENGLISH = Locale("en", "GB")
# Whose catalogues make up a language; a message means the same in mail and page.
ROOMS = ("mail", "web")


class Language:
    """A reader's language: its words from a gettext catalogue, dates and numbers from CLDR.

    Args:
        tag: BCP 47; an unknown one, or one without a catalogue, reads as English.
        folders: where `mail/locale/<language>.po` and `web/locale/...` may stand, most
            important first.

    Attributes:
        tag: what the text is really written in, for `lang` and Content-Language.
        direction: "ltr" or "rtl".
    """

    def __init__(self, tag: str, folders: Sequence[Path]) -> None:
        locale, words = _catalogue(tag, folders)
        self._locale = locale
        self._words = words
        self.tag = "en" if locale == ENGLISH else str(locale).replace("_", "-")
        self.direction = locale.text_direction
        self._places = cache(self._list_of)

    def gettext(self, message: str, **values: object) -> str:
        """Translate a message and fill its `%(name)s` places."""
        return self._words.ugettext(message) % values

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Translate the form of a message that *count* asks for; `%(n)s` is that number."""
        return self._words.ungettext(one, many, count) % (values | {"n": self.number(count)})

    def day(self, on: date) -> str:
        """Write a day in full: Saturday, 21 November 2026."""
        return str(format_date(on, "full", locale=self._locale))

    def long_day(self, on: date) -> str:
        """Write a day in full but for its year: Saturday 21 November."""
        return str(format_skeleton("MMMMEEEEd", on, locale=self._locale))

    def short_day(self, on: date) -> str:
        """Write a day shortly, without its year: Sat 21 Nov."""
        return str(format_skeleton("MMMEd", on, locale=self._locale))

    def weekday(self, on: date) -> str:
        """Name a day of the week: Saturday."""
        return str(format_date(on, "EEEE", locale=self._locale))

    def moment(self, at: datetime, zone: str) -> str:
        """Write an instant as the clock of *zone* shows it: Sun 22 Nov, 07:00."""
        local = at.astimezone(ZoneInfo(zone))
        return f"{self.short_day(local)}, {format_time(local, 'short', locale=self._locale)}"

    def number(self, value: int) -> str:
        """Write a number with the language's separators: 1,234."""
        return str(format_decimal(value, locale=self._locale))

    def enumeration(self, words: Iterable[str]) -> str:
        """Join words as a sentence does: a, b and c."""
        said = tuple(words)
        return self._places(len(said)) % said

    def _list_of(self, places: int) -> str:
        return str(format_list(["%s"] * places, locale=self._locale))


def _catalogue(tag: str, folders: Sequence[Path]) -> tuple[Locale, NullTranslations]:
    """Find the locale and the words for a tag; English is in the messages themselves."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return ENGLISH, NullTranslations()
    if locale.language == "en":
        return locale if locale.territory else ENGLISH, NullTranslations()
    words = [
        found
        for room in ROOMS
        if (found := _words(folders, Path(room) / "locale" / f"{locale.language}.po"))
    ]
    for one in words[1:]:
        words[0].merge(one)
    return (locale, words[0]) if words else (ENGLISH, NullTranslations())


def _words(folders: Sequence[Path], place: Path) -> Translations | None:
    """Give the most important catalogue that stands at a place and can be read."""
    for folder in folders:
        path = folder / place
        try:
            return _read_catalogue(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, PoFileError) as error:
            logger.error("catalogue broken, passed over: file=%s cause=%s", path.name, error)
    return None


def _read_catalogue(path: Path) -> Translations:
    """Read a gettext catalogue as text, so that an operator's correction needs no compiler."""
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, abort_invalid=True))
    compiled.seek(0)
    return Translations(compiled)
