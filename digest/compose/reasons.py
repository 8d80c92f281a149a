"""Why an item was picked, as a mail shows it: chips in HTML, one wrapped line in plain text."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from itertools import chain
from typing import NamedTuple

from digest.compose.columns import WIDTH, wrap
from digest.compose.fragments import NOTHING, Shown
from digest.compose.wire import encoded
from digest.compose.wording import ITS_OWN_WORDS, REASON_ROOM, reason_words
from digest.model import Said
from digest.render import Language, Templates

# Lines that neither cleaning nor HTML nor quoted-printable writes in another way.
PLAIN = re.compile(rf"(?:\w[\w .,;:()/+-]{{0,{REASON_ROOM - 1}}}(?<! )\n)+", re.ASCII)
INDENT = 4


class Around(NamedTuple):
    """What stands around reasons in a language.

    Attributes:
        chip: around each in HTML, as it travels.
        plain_chip: the same, with the end of what is plain.
        words: around each in text.
        line: around all of them in text.
        plain_line: what begins the line in text, as it travels, where nothing else stands around
            them; None = what stands there must be looked at.
    """

    chip: Sequence[bytes]
    plain_chip: Sequence[str]
    words: Sequence[str]
    line: Sequence[str]
    plain_line: str | None


class Reasons:
    """Shows reasons.  Keeps none: readers share too few, and most are quick to show.

    Args:
        look: what every template of a mail may use.
    """

    def __init__(self, templates: Templates, look: Mapping[str, object]) -> None:
        self._templates = templates
        self._look = look
        self._around = cache(self._stretches_around)

    def shown(self, language: Language, reasons: Sequence[Sequence[Said]]) -> list[Shown]:
        """Join the reasons for each pick of a mail; `NOTHING` where there are none."""
        around = self._around(language)
        said = [
            [
                value if kind in ITS_OWN_WORDS else reason_words(language, kind, value)
                for kind, value in one
            ]
            for one in reasons
        ]
        # Most are plain: to see that of all at once is a third of the work of making them so.
        if _are_plain(said):
            return [_plain(around, one) if one else NOTHING for one in said]
        return [
            (_plain(around, one) if _are_plain([one]) else _any(language, around, pairs))
            if pairs
            else NOTHING
            for one, pairs in zip(said, reasons, strict=True)
        ]

    def _stretches_around(self, language: Language) -> Around:
        html, text = (
            self._templates.form(f"mail/reason.{end}", language, ("words",), **self._look)[::2]
            for end in ("html", "txt")
        )
        why = language.gettext("Why: %(reasons)s", reasons="\0").partition("\0")[::2]
        first, *others = chip = [encoded(one) for one in html]
        plain = [first.decode(), *[f"=\r\n{one.decode()}" for one in others]]
        before, after = why
        is_alone = list(text) == ["", ""] and not after and wrap(f"{before}x") == f"{before}x"
        begun = f"{' ' * INDENT}{before}"
        is_plain = is_alone and encoded(begun + "x") == f"{begun}x=\r\n".encode()
        return Around(chip, plain, text, why, begun if is_plain else None)


def _are_plain(said: Sequence[Sequence[str]]) -> bool:
    lines = "\n".join([*chain.from_iterable(said), ""])
    are_lines = lines.count("\n") == sum(map(len, said))
    return are_lines and "  " not in lines and PLAIN.fullmatch(lines) is not None


def _plain(around: Around, said: Sequence[str]) -> Shown:
    html = "".join([one.join(around.plain_chip) for one in said]).encode()
    if around.plain_line is not None:
        line = f"{around.plain_line}{'; '.join(said)}"
        if len(line) <= WIDTH:
            return Shown(html, f"{line}=\r\n".encode())
    return Shown(html, _line(around, said))


def _any(language: Language, around: Around, reasons: Sequence[Said]) -> Shown:
    said = [reason_words(language, kind, value) for kind, value in reasons]
    html = b"".join([encoded(escape(one)).join(around.chip) for one in said])
    return Shown(html, _line(around, said))


def _line(around: Around, said: Sequence[str]) -> bytes:
    text = "; ".join([one.join(around.words) for one in said]).join(around.line)
    return encoded(wrap(text, indent=INDENT, hanging=9))
