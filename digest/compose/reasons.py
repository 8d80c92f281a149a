"""Why an item was picked, as a mail shows it: chips in HTML, one wrapped line in plain text."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import NamedTuple

from digest.compose.columns import wrap
from digest.compose.fragments import Shown
from digest.compose.wire import encoded
from digest.compose.wording import ITS_OWN_WORDS, REASON_ROOM, reason_words
from digest.model import Said
from digest.render import Language, Templates

# Lines that neither cleaning nor HTML nor quoted-printable writes in another way.
PLAIN = re.compile(rf"(?:\w[\w .,;:()/+-]{{0,{REASON_ROOM - 1}}}(?<! )\n)+", re.ASCII)


class Around(NamedTuple):
    """What stands around reasons in a language.

    Attributes:
        chip: around each in HTML, as it travels.
        plain_chip: the same, with the end of what is plain.
        words: around each in text.
        line: around all of them in text.
    """

    chip: Sequence[bytes]
    plain_chip: Sequence[str]
    words: Sequence[str]
    line: Sequence[str]


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
        chip, plain_chip, words, line = self._around(language)
        said = [
            value if kind in ITS_OWN_WORDS else reason_words(language, kind, value)
            for kind, value in reasons
        ]
        lines = "\n".join([*said, ""])
        # Most are plain: to see that of all at once is a third of the work of making them so.
        if "  " not in lines and PLAIN.fullmatch(lines):
            html = "".join([one.join(plain_chip) for one in said]).encode()
        else:
            said = [reason_words(language, kind, value) for kind, value in reasons]
            html = b"".join([encoded(escape(one)).join(chip) for one in said])
        text = "; ".join([one.join(words) for one in said]).join(line)
        return Shown(html, encoded(wrap(text, indent=4, hanging=9)))

    def _stretches_around(self, language: Language) -> Around:
        html, text = (
            self._templates.form(f"mail/reason.{end}", language, ("words",), **self._look)[::2]
            for end in ("html", "txt")
        )
        why = language.gettext("Why: %(reasons)s", reasons="\0").partition("\0")[::2]
        first, *others = chip = [encoded(one) for one in html]
        plain = [first.decode(), *[f"=\r\n{one.decode()}" for one in others]]
        return Around(chip, plain, text, why)
