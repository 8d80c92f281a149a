"""Stretches of a mail as they travel: encoded once, with holes for what differs by reader."""

from collections.abc import Sequence
from html import escape
from itertools import chain, count
from operator import itemgetter
from typing import NamedTuple, Protocol, TypeVar

from digest.compose.columns import wrap
from digest.compose.wire import decoded, encoded

# The hole that may come several times: before each address of the text.
NUMBER = "number"
# Cannot occur in quoted-printable.
NUMBER_STANDS_HERE = b"\0"

Part = TypeVar("Part")


class Order(Protocol):
    """Picks what it was made for out of a sequence, as `operator.itemgetter` does."""

    def __call__(self, parts: Sequence[Part], /) -> tuple[Part, ...]: ...


class Form(NamedTuple):
    """A fragment with holes.

    Attributes:
        pieces: what stands around the holes, as it travels.
        order: picks the finished fragment out of `pieces` and the parts after them.
        numbers: how many parts at the end are numbers of links.
    """

    pieces: tuple[bytes, ...]
    order: Order
    numbers: int


class Both(NamedTuple):
    """A fragment with holes, in HTML and in plain text."""

    html: Form
    text: Form


class Shown(NamedTuple):
    """A fragment without holes as it travels, in HTML and in plain text."""

    html: bytes
    text: bytes


NOTHING = Shown(encoded(""), encoded(""))


def filled(form: Form, *parts: bytes) -> tuple[bytes, ...]:
    """Put parts into the holes of a form.

    Args:
        parts: one for each hole that the form was made with, in that order, then as many
            numbers as it has.
    """
    # Two steps in C; a loop over holes here was a quarter of what a mail costs.
    return form.order(form.pieces + parts)


def joined(form: Form, *parts: bytes) -> bytes:
    """Put parts into the holes of a form and join it all."""
    return b"".join(filled(form, *parts))


def in_place(both: Both, place: bytes) -> Shown:
    """Put its place into a title line; `numbered` puts the numbers of its links."""
    numbers = [NUMBER_STANDS_HERE] * both.text.numbers
    return Shown(joined(both.html, place), joined(both.text, place, *numbers))


def numbered(lines: bytes, numbers: Sequence[bytes], begun: int) -> tuple[bytes, int]:
    """Put numbers into title lines, from the place *begun* on; say as well where they end."""
    parts = lines.split(NUMBER_STANDS_HERE)
    end = begun + len(parts) - 1
    pairs = zip(parts, (*numbers[begun:end], b""), strict=True)
    return b"".join(chain.from_iterable(pairs)), end


def form_of(static_and_holes: Sequence[str], names: Sequence[str]) -> Form:
    """Make a form of what a template gave; its hole "number" may come several times."""
    pieces = tuple(encoded(text) for text in static_and_holes[::2])
    holes = static_and_holes[1::2]
    places = {name: len(pieces) + place for place, name in enumerate(names)}
    numbers = count(len(pieces) + len(names))
    order: list[int] = [0]
    for following, hole in enumerate(holes, start=1):
        order += (next(numbers) if hole == NUMBER else places[hole], following)
    # With one index itemgetter gives no tuple; a slice does.
    getter = itemgetter(*order) if holes else itemgetter(slice(1))
    return Form(pieces, getter, holes.count(NUMBER))


def verbatim(text: str, indent: int = 0) -> Shown:
    """Show a text of a reader's own as it is."""
    return Shown(encoded(escape(text)), encoded(wrap(text, indent=indent)))


def size(*parts: bytes) -> int:
    """Count the bytes that parts of the mail were before encoding."""
    return len(decoded(b"".join(parts)).encode())
