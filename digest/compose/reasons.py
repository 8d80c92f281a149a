"""Why an item was picked, as a mail shows it: chips in HTML, one wrapped line in plain text."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape

from digest.compose import wording
from digest.compose.columns import wrap
from digest.compose.fragments import Shown
from digest.compose.wire import encoded
from digest.model import Said
from digest.render import Language, Templates

# Lines that neither HTML nor quoted-printable writes in another way, nor breaks.
PLAIN = re.compile(r"(?:\w[\w .,;:()/+-]{0,70}(?<! )\n)+", re.ASCII)


class Reasons:
    """Shows reasons.  Keeps none: readers share too few, and most are quick to show.

    Args:
        look: what every template of a mail may use.
    """

    def __init__(self, templates: Templates, look: Mapping[str, object]) -> None:
        self._templates = templates
        self._look = look
        self._around = cache(self._stretches_around)

    def shown(self, language: Language, reasons: Sequence[Said]) -> Shown:
        """Join reasons."""
        chip, words, line = self._around(language)
        said = [wording.reason_words(language, kind, value) for kind, value in reasons]
        if PLAIN.fullmatch("\n".join([*said, ""])):
            # To look once at all of them is half the work of escaping and encoding each.
            chips = [f"{one}=\r\n" for one in said]
        else:
            chips = [encoded(escape(one)).decode() for one in said]
        html = "".join([one.join(chip) for one in chips]).encode()
        text = "; ".join([one.join(words) for one in said]).join(line)
        return Shown(html, encoded(wrap(text, indent=4, hanging=9)))

    def _stretches_around(
        self, language: Language
    ) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Give what stands around a reason: in HTML as it travels, in text, and around them all."""
        html, text = (
            self._templates.form(f"mail/reason.{end}", language, ("words",), **self._look)[::2]
            for end in ("html", "txt")
        )
        why = language.gettext("Why: %(reasons)s", reasons="\0").partition("\0")[::2]
        return [encoded(one).decode() for one in html], text, why
