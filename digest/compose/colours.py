"""Shades of the operator's one accent colour that stay readable on light and on dark.

Source: WCAG 2.2, contrast ratio and relative luminance; AA asks 4.5 for text.
"""

from dataclasses import dataclass
from functools import cache

AA = 4.5
LIGHT_PAGE, LIGHT_CARD = "#f4f2ee", "#ffffff"
DARK_PAGE, DARK_CARD = "#131211", "#1d1b19"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shades:
    """Colours as `#rrggbb`: accent as text, and a tint to stand under text, light and dark."""

    accent: str
    tint: str
    dark_accent: str
    dark_tint: str


@cache
def shades(accent: str) -> Shades:
    """Derive the shades of an accent colour: of its hue, and AA on card and tint alike."""
    tint = mix(accent, LIGHT_CARD, 0.09)
    dark_tint = mix(accent, DARK_CARD, 0.16)
    return Shades(
        accent=_readable(accent, (tint, LIGHT_CARD, LIGHT_PAGE), "#000000"),
        tint=tint,
        dark_accent=_readable(accent, (dark_tint, DARK_CARD, DARK_PAGE), "#ffffff"),
        dark_tint=dark_tint,
    )


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1.0 (the same) to 21.0 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Mix two colours; *share* of the first."""
    channels = (
        round(first * share + second * (1 - share))
        for first, second in zip(_channels(one), _channels(other), strict=True)
    )
    return "#{:02x}{:02x}{:02x}".format(*channels)


def _readable(colour: str, grounds: tuple[str, ...], towards: str) -> str:
    """Move a colour towards black or white until it can be read on every ground."""
    for step in range(21):
        shade = mix(towards, colour, step / 20)
        if all(contrast(shade, ground) >= AA for ground in grounds):
            return shade
    return towards


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
