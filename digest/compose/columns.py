"""Plain text in columns: wrapped as a terminal shows it, where some signs are two wide."""

import re
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

WIDTH = 72
# These are of no use to anyone in two parts.
ADDRESSES = ("http://", "https://", "mailto:")
# Latin letters, and the quotation marks and dashes of prose: one column each.
NARROW = re.compile("[ -~\xa1-\xac\xae-\u02ff\u2010-\u2027]*")


def columns(text: str) -> int:
    """Count the columns that a line of text takes on a terminal."""
    if text.isascii() or NARROW.fullmatch(text):
        return len(text)
    return sum(
        0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text
    )


def wrap(text: str, indent: int = 0, hanging: int | None = None, width: int = WIDTH) -> str:
    """Wrap one paragraph, white space folded; no line end after the last line.

    Args:
        indent: blanks before each line.
        hanging: blanks before each line but the first, where they differ.
        width: columns of a line, indent included; only an address may be longer.
    """
    # No printable sign but the blank is white space.
    if not text.isprintable() or "  " in text or text[:1] == " " or text[-1:] == " ":
        text = " ".join(text.split())
    before = " " * indent
    if len(text) + indent <= width and text.isascii():
        return before + text
    later = before if hanging is None else " " * hanging
    if wrapped := _whole_words(text, before, later, width):
        return wrapped
    lines: list[str] = []
    line, used = before, indent
    is_empty = True
    room = width - max(indent, len(later))
    for word in text.split():
        gap = 0 if is_empty else 1
        whole = word.isascii() and len(word) <= room
        for part, size in ((word, len(word)),) if whole else _parts(word, room):
            if used + gap + size > width and not is_empty:
                lines.append(line)
                line, used, gap = later, len(later), 0
            line += " " * gap + part
            used += gap + size
            gap, is_empty = 0, False
    return "\n".join([*lines, line])


def _whole_words(text: str, before: str, later: str, width: int) -> str | None:
    """Wrap text of narrow signs, blanks folded; None if a word must be broken or is wide."""
    if not (text.isascii() or NARROW.fullmatch(text)):
        return None
    lines: list[str] = []
    start, room = 0, width - len(before)
    while len(text) - start > room:
        end = text.rfind(" ", start, start + room + 1)
        if end < 0:
            return None
        lines.append(text[start:end])
        start, room = end + 1, width - len(later)
    lines.append(text[start:])
    return before + f"\n{later}".join(lines)


def _parts(word: str, room: int) -> Sequence[tuple[str, int]]:
    """Break a word where it may or must be: between wide signs, or where a line is full."""
    size = columns(word)
    if (size <= room and size == len(word)) or word.startswith(ADDRESSES):
        return ((word, size),)
    parts: list[tuple[str, int]] = []
    start = taken = 0
    for place, sign in enumerate(word):
        wide = columns(sign)
        if place > start and (wide == 2 or taken + wide > room):
            parts.append((word[start:place], taken))
            start, taken = place, 0
        taken += wide
    return (*parts, (word[start:], taken))
