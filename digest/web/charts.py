"""Small bar charts as figures for inline SVG: numbers alone, styled by classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

# Units of the drawing; the page stretches it.
BAR, GAP, HEIGHT = 8, 2, 48
# What is not nothing is to be seen.
LEAST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One day's bar; `is_known` = False draws a mark that nothing was counted."""

    x: int
    y: int
    height: int
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One series.

    Attributes:
        id: unique within the page.
        last: of the newest day; None = not counted.
        most: of all days.
        width, height: of the drawing.
    """

    id: str
    name: str
    bars: tuple[Bar, ...]
    days: tuple[date, ...]
    counts: tuple[int | None, ...]
    last: int | None
    most: int
    total: int
    width: int
    height: int = HEIGHT
    bar: int = BAR


def chart(chart_id: str, name: str, days: Sequence[date], counts: Sequence[int | None]) -> Chart:
    """Draw a bar a day, the highest as high as the drawing; *days* are not empty."""
    most = max((count or 0 for count in counts), default=0)
    bars = [
        Bar(x=place * (BAR + GAP), y=HEIGHT - height, height=height, is_known=count is not None)
        for place, count in enumerate(counts)
        for height in [_height(count, most)]
    ]
    return Chart(
        id=chart_id,
        name=name,
        bars=tuple(bars),
        days=tuple(days),
        counts=tuple(counts),
        last=counts[-1],
        most=most,
        total=sum(count or 0 for count in counts),
        width=len(counts) * (BAR + GAP) - GAP,
    )


def _height(count: int | None, most: int) -> int:
    if not count:
        return 0
    return max(LEAST, round(HEIGHT * count / most))
