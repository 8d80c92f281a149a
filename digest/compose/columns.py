"""Plain text in columns: wrapped as a terminal shows it, where some signs are two wide."""

import re
from unicodedata import combining, east_asian_width

WIDTH = 72
# Wide scripts put no blanks between words and may be broken between any two signs.
UNIT = re.compile(r"\s+|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\uff60]|[^\s]")


def columns(text: str) -> int:
    """Count the columns that a line of text takes on a terminal."""
    if text.isascii():
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
    later = " " * (indent if hanging is None else hanging)
    lines: list[str] = []
    line, used, blank = " " * indent, indent, False
    for word in text.split():
        for part in _parts(word, width - len(later)):
            size = columns(part)
            gap = 1 if blank else 0
            if used + gap + size > width and line.strip():
                lines.append(line)
                line, used, gap = later, len(later), 0
            line += " " * gap + part
            used += gap + size
            blank = False
        blank = True
    lines.append(line)
    return "\n".join(lines)


def _parts(word: str, room: int) -> list[str]:
    """Break a word where it may or must be: between wide signs, or at the end of the line."""
    if columns(word) <= room and (word.isascii() or columns(word) == len(word)):
        return [word]
    if word.startswith(("http://", "https://", "mailto:")):
        return [word]
    parts: list[str] = [""]
    size = 0
    for sign in word:
        wide = east_asian_width(sign) in "WF"
        if parts[-1] and (wide or size + columns(sign) > room):
            parts.append("")
            size = 0
        parts[-1] += sign
        size += columns(sign)
    return parts
