"""The languages that the pages are written in, and which of them a visitor asks for."""

from collections.abc import Collection
from contextlib import suppress

LANGUAGES = (
    ("en", "English"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("zh", "中文"),
)
SPOKEN = frozenset(tag for tag, _name in LANGUAGES)
# Browsers name a handful; what comes after them is no wish.
MOST_WISHES = 20


def preferred(accept_language: str, spoken: Collection[str]) -> str:
    """Give the language that a visitor likes best among those spoken, "" = none of them.

    Args:
        accept_language: as the browser sent it, `fr-CH, fr;q=0.9, en;q=0.8`.  RFC 9110
            section 12.5.4
        spoken: primary language tags, lower case.
    """
    best, likes_best = "", 0.0
    for wish in accept_language[:500].lower().split(",")[:MOST_WISHES]:
        tag, _, weight = wish.partition(";")
        likes = 1.0
        if weight:
            likes = 0.0
            with suppress(ValueError):
                likes = float(weight.partition("q=")[2])
        primary = tag.strip().partition("-")[0]
        if primary in spoken and likes_best < likes <= 1:
            best, likes_best = primary, likes
    return best
