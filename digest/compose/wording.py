"""What the mail says of an item in words: title, authors, counts, reasons, a sparkline.

Every word goes through the reader's `Language`; everything from outside becomes one clean
line of bounded length here, so that templates and encoders only meet tame text.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from digest.compose.extract import cut
from digest.model import LIKED, Item, ReasonKind
from digest.render import Language
from digest.text import one_line

TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
TITLE_ROOM = 300
# Stands for a name that is all invisible signs.
NOTHING_TO_SHOW = "–"
NAME_ROOM = 80
REASON_ROOM = 48
AUTHORS_SHOWN = 3
REASONS_SHOWN = 4
# Longer addresses are no addresses of papers, and would eat the mail's size.
ADDRESS_ROOM = 1000
# A day on which an item gained so many votes, and such a share of all it has, is a rise.
RISING_VOTES = 5
RISING_SHARE = 0.2
SPARKLINE_DAYS = 7
BARS = "▁▂▃▄▅▆▇█"
# Reasons that say words of the item, as they stand there.
ITS_OWN_WORDS = frozenset([ReasonKind.KEYWORD, ReasonKind.TOPIC])


class Link(NamedTuple):
    """A labelled address."""

    label: str
    url: str


@lru_cache(maxsize=4096)
def line(text: str, room: int) -> str:
    """Give outside text as one clean line of at most *room* characters."""
    # Cut here and not by one_line, which knows nothing of TeX.
    return cut(one_line(text, 10 * room), room)


def safe_url(url: str | None) -> str | None:
    """Let an absolute http(s) address through, anything else is no link."""
    if not url or len(url) > ADDRESS_ROOM or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def title(item: Item) -> str:
    """Give an item's title, ready to be shown."""
    return line(item.title, TITLE_ROOM) or NOTHING_TO_SHOW


def language_tag(language: str | None) -> str:
    """Give the language that an item says it is in; "" = unknown, as in HTML."""
    return language if language and TAG.fullmatch(language) else ""


def page(item: Item) -> str | None:
    """Give the address that an item's title leads to."""
    links = item.links
    for url in (links.page, links.html, links.pdf, links.project, links.code, links.discussion):
        if safe := safe_url(url):
            return safe
    return None


def links(language: Language, item: Item) -> tuple[Link, ...]:
    """Give an item's further addresses, each once, without that of the title."""
    found = {page(item): ""}
    for label, url in (
        (language.gettext("Page"), item.links.page),
        (language.gettext("PDF"), item.links.pdf),
        (language.gettext("HTML"), item.links.html),
        (language.gettext("Code"), item.links.code),
        (language.gettext("Project"), item.links.project),
        (language.gettext("Discussion"), item.links.discussion),
    ):
        if safe := safe_url(url):
            found.setdefault(safe, label)
    return tuple(Link(label, url) for url, label in found.items() if url and label)


def authors(language: Language, item: Item) -> str:
    """Name the first three authors; say how many there are where no names are known."""
    names = [name for one in item.authors[:AUTHORS_SHOWN] if (name := line(one, NAME_ROOM))]
    total = max(item.author_count or 0, len(item.authors))
    if not names:
        return language.ngettext("%(n)s author", "%(n)s authors", total) if total else ""
    return ", ".join(names) + (" et al." if total > len(names) else "")


def organisation(item: Item) -> str:
    """Give the organisation behind an item, "" where unknown."""
    return line(item.organisation or "", NAME_ROOM)


def counts(language: Language, upvotes: int | None, comments: int | None) -> tuple[str, str]:
    """Say votes and comments; "" for what is unknown or none."""
    votes = language.ngettext("%(n)s vote", "%(n)s votes", upvotes) if upvotes else ""
    spoken = language.ngettext("%(n)s comment", "%(n)s comments", comments) if comments else ""
    return votes, spoken


def sparkline(votes: Sequence[tuple[date, int]]) -> str:
    """Draw the votes at the end of each of the last days; "" where fewer than two are known.

    In signs of the text, which every client shows: SVG is not safe in mail.  A day that is
    missing stands as high as the one before.
    """
    if len(votes) < 2:
        return ""
    first, last = max(votes[0][0], votes[-1][0] - timedelta(days=SPARKLINE_DAYS - 1)), votes[-1][0]
    known = dict(votes)
    height = next((count for day, count in reversed(votes) if day <= first), 0)
    heights: list[int] = []
    for number in range((last - first).days + 1):
        height = known.get(first + timedelta(days=number), height)
        heights.append(height)
    top = max(heights)
    if top <= 0:
        return ""
    return "".join(BARS[count * (len(BARS) - 1) // top] for count in heights)


def rising(language: Language, votes: Sequence[tuple[date, int]]) -> str:
    """Say that an item gained much on the last day of its votes; "" where it did not."""
    if len(votes) < 2:
        return ""
    (_, before), (_, now) = votes[-2:]
    gained = now - before
    if gained < RISING_VOTES or gained < RISING_SHARE * now:
        return ""
    return language.gettext("rising: +%(n)s", n=language.number(gained))


def section_name(language: Language, interest: str | None) -> str:
    """Name what picks stand under: an interest in the reader's words, or one of ours."""
    if interest == LIKED:
        return language.gettext("Like what you chose")
    return interest or language.gettext("Popular today")


def reason_words(language: Language, kind: str, value: str) -> str:
    """Say one reason in a few words; *kind* is that of a `ReasonKind`."""
    shown = line(value, REASON_ROOM)
    match ReasonKind(kind):
        case ReasonKind.KEYWORD | ReasonKind.TOPIC:
            return shown
        case ReasonKind.AUTHOR:
            return language.gettext("by %(name)s", name=shown)
        case ReasonKind.ORGANISATION:
            return language.gettext("from %(name)s", name=shown)
        case ReasonKind.CATEGORY:
            return language.gettext("in %(name)s", name=shown)
        case (ReasonKind.RELATED | ReasonKind.EXAMPLE | ReasonKind.FEEDBACK) as likeness:
            return _likeness_words(language, likeness, shown)
        case ReasonKind.LESS_OF:
            return language.gettext("although: %(name)s", name=shown)
        case ReasonKind.POPULARITY:
            return language.gettext("much voted for")
        case ReasonKind.OUTSIDE:
            return _outside_words(language, value)


def _likeness_words(language: Language, kind: ReasonKind, shown: str) -> str:
    if kind is ReasonKind.RELATED:
        return language.gettext("near “%(topic)s”", topic=shown)
    if kind is ReasonKind.EXAMPLE:
        return language.gettext("like “%(title)s”", title=shown)
    return language.gettext("like “%(title)s”, which you chose", title=shown)


def _outside_words(language: Language, why: str) -> str:
    if why == "rising":
        return language.gettext("outside your interests: rising today")
    if why == "popular":
        return language.gettext("outside your interests: much voted for")
    return language.gettext("outside your interests: new today")
