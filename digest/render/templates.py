"""The Jinja2 environments of mail and pages, an operator's own templates before ours.

An operator's folder overrides the shipped templates file by file.  The style sheet of the
mail is written into its templates once, when they are loaded; never once a message.  A
template may leave *holes*, filled by the caller for each reader while the rest is kept.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from digest.errors import RenderError
from digest.render.language import Language
from digest.render.style import inline_style

logger = logging.getLogger(__name__)

Form = tuple[str, ...]
"""Static text and names of holes in turn; static text stands first and last."""

# NUL cannot occur in clean text, so no item can forge a hole.
HOLE = re.compile(r"\x00([a-z_]+)\x00")
STYLE_SHEET = "mail/style.css"
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
    package = Path(__file__).parents[1]
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


class Templates:
    """The templates by name (`mail/item.html`): HTML is autoescaped, text is not.

    Args:
        folder: the operator's own templates; a broken one of them is reported once as an
            ERROR and ours stands in for it until the next start.

    Attributes:
        broken: the operator's templates that were found broken, with the cause.
    """

    def __init__(self, folder: Path | None = None) -> None:
        shipped = shipped_folder()
        self._folders = [shipped] if folder is None else [folder, shipped]
        self._own = folder is not None
        self.broken: dict[str, str] = {}
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
        if self._own and name not in self.broken:
            try:
                return self._form(name, language, wanted, values, own=True)
            except TEMPLATE_ERRORS as error:
                self._report(name, error)
        try:
            return self._form(name, language, wanted, values, own=False)
        except TEMPLATE_ERRORS as error:
            raise RenderError(f"template: {name}: {error}, reinstall the program") from error

    def load_own(self) -> None:
        """Read all the operator's templates of mails at once, used or not."""
        if not self._own:
            return
        environment = self._environment(self.language("en"), own=True)
        for path in sorted((self._folders[0] / "mail").glob("*.*")):
            name = f"mail/{path.name}"
            if path.suffix not in (".html", ".txt") or name in self.broken:
                continue
            try:
                environment.get_template(name)
            except TEMPLATE_ERRORS as error:
                self._report(name, error)

    def _report(self, name: str, error: Exception) -> None:
        self.broken[name] = str(error)
        logger.error("template broken, ours is used: name=%s cause=%s", name, error)

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
    # Templates of others may be tried without reading them: they reach nothing but words.
    environment = ImmutableSandboxedEnvironment(
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
