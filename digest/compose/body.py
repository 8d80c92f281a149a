"""What stands between a mail's opening and its footer: items and title lines, kept in size."""

from collections.abc import Sequence
from typing import NamedTuple

from digest.compose.fragments import NOTHING, Both, Shown, filled, numbered
from digest.compose.pieces import Pieces


class Entry(NamedTuple):
    """One pick, rendered for its reader; the heading is that of a section it begins.

    Attributes:
        html, text: what fills the item's holes, but for the numbers of its links.
    """

    heading: Shown
    item: Both
    html: tuple[bytes, ...]
    text: tuple[bytes, ...]


class Lines(NamedTuple):
    """Title lines under their heading."""

    heading: Both
    lines: Sequence[Shown]


class Body:
    """What stands between opening and footer, in order; numbers the links of the text."""

    def __init__(self, pieces: Pieces) -> None:
        self.html: list[bytes] = []
        self.text: list[bytes] = []
        self._pieces = pieces
        self._links = 0

    def add_items(self, entries: Sequence[Entry]) -> None:
        """Add items."""
        # No function of ours is called in this loop: it is a good part of what a mail costs.
        all_html, all_text = self.html, self.text
        numbers, begun = self._pieces.numbers, self._links
        for heading, (in_html, in_text), html, text in entries:
            if heading is not NOTHING:
                all_html.append(heading.html)
                all_text.append(heading.text)
            end = begun + in_text.numbers
            all_html += in_html.order(in_html.pieces + html)
            all_text += in_text.order(in_text.pieces + text + numbers[begun:end])
            begun = end
        self._links = begun

    def add_lines(self, shown: Lines) -> None:
        """Add title lines under their heading; nothing where there are none."""
        if not shown.lines:
            return
        html = b"".join([line.html for line in shown.lines])
        text = b"".join([line.text for line in shown.lines])
        text, self._links = numbered(text, self._pieces.numbers, self._links)
        self.html += filled(shown.heading.html, html)
        self.text += filled(shown.heading.text, text)

    def add(self, shown: Both, part: bytes) -> None:
        """Add a fragment with one hole."""
        self.html += filled(shown.html, part)
        self.text += filled(shown.text, part)


def fit(whole: Sequence[int], short: Sequence[int], room: int) -> tuple[int, int]:
    """Say how many items are shown whole, and how many after them as a title line.

    As many are whole as leave room for the title lines of all the others; where not even
    the title lines fit alone, the last ones are left out.

    Args:
        whole, short: sizes of each item in both shapes, in the order shown.
        room: what they may take together.
    """
    used, lines = 0, sum(short)
    fitting = 0 if lines <= room else None
    for count, (size, line) in enumerate(zip(whole, short, strict=True), start=1):
        used += size
        lines -= line
        if used + lines <= room:
            fitting = count
    if fitting is not None:
        return fitting, len(whole) - fitting
    shown = used = 0
    for line in short:
        used += line
        if used > room:
            break
        shown += 1
    return 0, shown
