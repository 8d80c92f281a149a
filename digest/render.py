"""Templates and the words of a language: Jinja2 environments, catalogues, dates, numbers.

An operator's folder overrides the shipped templates file by file.  The style sheet of the
mail is written into its templates once, when they are loaded; never once a message.  A
template may leave *holes*, filled by the caller for each reader while the rest is kept.
"""

import io
import logging
import re
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
from css_inline import CSSInliner, InlineError
from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)
from markupsafe import Markup

from digest.errors import RenderError

logger = logging.getLogger(__name__)

Form = tuple[str, ...]
"""Static text and names of holes in turn; static text stands first and last."""

# NUL cannot occur in clean text, so no item can forge a hole.
HOLE = re.compile(r"\x00([a-z_]+)\x00")
JINJA = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
KEPT_RULES = re.compile(r"(?<=<head>)(<style>.*?</style>)(.*?)(?=</head>)", re.DOTALL)
STYLE_SHEET = "mail/style.css"
# The messages' own language.  Plain "en" is no country's English: days come before months.
ENGLISH = Locale("en", "GB")
# What an expression of a template can raise beside Jinja2's own errors.
TEMPLATE_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def shipped_folder() -> Path:
    """Find our own templates: inside the package (wheel), else beside it (source tree)."""
    package = Path(__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


class Language:
    """A reader's language: its words from a gettext catalogue, dates and numbers from CLDR.

    Args:
        tag: BCP 47; an unknown one, or one without a catalogue, reads as English.
        folders: where `mail/locale/<language>.po` may stand, most important first.

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

    def gettext(self, message: str, **values: object) -> str:
        """Translate a message and fill its `%(name)s` places."""
        return self._words.ugettext(message) % values

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Translate the form of a message that *count* asks for; `%(n)s` is that number."""
        return self._words.ungettext(one, many, count) % (values | {"n": self.number(count)})

    def day(self, on: date) -> str:
        """Write a day in full: Saturday, 21 November 2026."""
        return str(format_date(on, "full", locale=self._locale))

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
        return str(format_list(list(words), locale=self._locale))


class Templates:
    """The templates by name (`mail/item.html`): HTML is autoescaped, text is not.

    Args:
        folder: the operator's own templates; a broken one of them is reported once as an
            ERROR and ours stands in for it until the next start.
    """

    def __init__(self, folder: Path | None = None) -> None:
        shipped = shipped_folder()
        self._folders = [shipped] if folder is None else [folder, shipped]
        self._own = folder is not None
        self._broken: set[str] = set()
        self._languages: dict[str, Language] = {}
        self._environments: dict[tuple[str, bool], Environment] = {}

    def language(self, tag: str) -> Language:
        """Give the language nearest to a BCP 47 tag."""
        if tag not in self._languages:
            self._languages[tag] = Language(tag, self._folders)
        return self._languages[tag]

    def render(self, name: str, language: Language, /, **values: object) -> str:
        """Render one template.

        Raises:
            RenderError: it is missing, or ours is broken.
        """
        return self.form(name, language, (), **values)[0]

    def form(
        self, name: str, language: Language, holes: Iterable[str], /, **values: object
    ) -> Form:
        """Render one template around holes: each stands in it as a variable of that name.

        Raises:
            RenderError: it is missing, or ours is broken.
        """
        wanted = set(holes)
        values |= {hole: Markup(f"\x00{hole}\x00") for hole in wanted}  # noqa: S704 - our own text
        if self._own and name not in self._broken:
            try:
                return self._form(name, language, wanted, values, own=True)
            except TEMPLATE_ERRORS as error:
                self._broken.add(name)
                logger.error("template broken, ours is used: name=%s cause=%s", name, error)
        try:
            return self._form(name, language, wanted, values, own=False)
        except TEMPLATE_ERRORS as error:
            raise RenderError(f"template: {name}: {error}, reinstall the program") from error

    def _form(
        self,
        name: str,
        language: Language,
        holes: set[str],
        values: dict[str, object],
        *,
        own: bool,
    ) -> Form:
        template = self._environment(language, own=own).get_template(name)
        form = tuple(HOLE.split(template.render(values)))
        strange = set(form[1::2]) - holes
        if strange or any("\x00" in text for text in form[::2]):
            raise ValueError(f"a hole was changed by a filter (of {', '.join(sorted(holes))})")
        return form

    def _environment(self, language: Language, *, own: bool) -> Environment:
        key = (language.tag, own)
        if key not in self._environments:
            folders = self._folders if own else self._folders[-1:]
            self._environments[key] = _environment(language, folders)
        return self._environments[key]


class _Loader(BaseLoader):
    """Reads templates from folders, first one first; those of mails get their style."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._files = FileSystemLoader(folders)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        source, path, _ = self._files.get_source(environment, template)
        if template.startswith("mail/") and template.endswith(".html"):
            style_sheet, _, _ = self._files.get_source(environment, STYLE_SHEET)
            source = inline_style(source, style_sheet)
        return source, path, None


def _environment(language: Language, folders: Sequence[Path]) -> Environment:
    environment = Environment(
        loader=_Loader(folders),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals.update(
        gettext=language.gettext, ngettext=language.ngettext, _=language.gettext
    )
    environment.globals["language"] = language
    environment.filters.update(
        day=language.day,
        short_day=language.short_day,
        moment=language.moment,
        number=language.number,
        enumeration=language.enumeration,
    )
    return environment


@cache
def inline_style(source: str, style_sheet: str) -> str:
    """Write a style sheet into the elements of a template; its Jinja2 parts stay untouched.

    A whole document keeps the at-rules of the sheet in its head; a fragment takes only
    what can stand in `style` attributes.  Inside a tag, Jinja2 may stand in the values of
    attributes only.

    Raises:
        ValueError: the markup or the style sheet cannot be read.
    """
    parts: list[str] = []

    def veiled(text: str) -> str:
        pieces = JINJA.split(text)
        for place in range(1, len(pieces), 2):
            parts.append(pieces[place])
            token = f"jinja{len(parts) - 1}part"
            before = "".join(pieces[:place])
            # A comment may stand where text would be moved about, as between table rows.
            in_tag = before.rfind("<") > before.rfind(">")
            is_statement = not pieces[place].startswith("{{")
            pieces[place] = f"<!--{token}-->" if is_statement and not in_tag else token
        return "".join(pieces)

    markup, rules = veiled(source), re.sub(r"<!--|-->", "", veiled(style_sheet))
    try:
        if "<html" in markup:
            inliner = CSSInliner(
                extra_css=rules, keep_at_rules=True, load_remote_stylesheets=False, minify_css=True
            )
            # The kept rules come first, which moves the charset beyond the 1024 bytes in which
            # HTML asks for it.
            styled = KEPT_RULES.sub(r"\2\1", inliner.inline(markup))
        else:
            inliner = CSSInliner(load_remote_stylesheets=False, minify_css=True)
            styled = inliner.inline_fragment(markup, rules)
    except InlineError as error:
        raise ValueError(f"style sheet: {error}") from error
    restored = re.sub(
        r"(?:<!--|&lt;!--)?jinja(\d+)part(?:-->|--&gt;)?",
        lambda match: parts[int(match[1])],
        styled,
    )
    return restored.rstrip("\n") + "\n"


def _catalogue(tag: str, folders: Sequence[Path]) -> tuple[Locale, NullTranslations]:
    """Find the locale and the words for a tag; English is in the messages themselves."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return ENGLISH, NullTranslations()
    if locale.language == "en":
        return locale if locale.territory else ENGLISH, NullTranslations()
    for folder in folders:
        path = folder / "mail" / "locale" / f"{locale.language}.po"
        try:
            return locale, _read_catalogue(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, PoFileError) as error:
            logger.error("catalogue broken, passed over: file=%s cause=%s", path.name, error)
    return ENGLISH, NullTranslations()


def _read_catalogue(path: Path) -> Translations:
    """Read a gettext catalogue as text, so that an operator's correction needs no compiler."""
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, abort_invalid=True))
    compiled.seek(0)
    return Translations(compiled)
