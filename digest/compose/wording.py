"""What the mail says in words: reasons, authors, counts, the line on the day, the subject.

Every word goes through the reader's `Language`; everything from outside becomes one clean
line of bounded length here, so that templates and encoders only meet tame text.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

from digest.compose.extract import cut
from digest.model import Day, Digest, Item, Reason, ReasonKind, Subscriber
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
# Clients show some 90 characters of the subject and the preheader beside it.
SUBJECT_TITLE_ROOM = 78
PREHEADER_ROOM = 150
# A digest that looks back further than this beyond its usual rhythm says so.
USUAL_WINDOW = timedelta(days=3)
# Looked up once: an enumeration's members are slow to reach, and each mail asks for many.
KEYWORD, TOPIC, POPULARITY = ReasonKind.KEYWORD, ReasonKind.TOPIC, ReasonKind.POPULARITY


class Link(NamedTuple):
    """A labelled address."""

    label: str
    url: str


@lru_cache(maxsize=16384)
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


def shown_reasons(reasons: Sequence[Reason]) -> list[Reason]:
    """Put reasons in order of weight; popularity speaks only where nothing else does.

    A keyword that the topic holds as well is said once.
    """
    telling = [one for one in reasons if one.kind is not POPULARITY]
    said: dict[str, Reason] = {}
    for one in sorted(telling or reasons, key=_weight):
        said.setdefault(one.value.casefold(), one)
    return list(said.values())


def reason_words(language: Language, kind: ReasonKind, value: str) -> str:
    """Say one reason in a few words."""
    shown = line(value, REASON_ROOM)
    match kind:
        case ReasonKind.KEYWORD | ReasonKind.TOPIC:
            return shown
        case ReasonKind.AUTHOR:
            return language.gettext("by %(name)s", name=shown)
        case ReasonKind.ORGANISATION:
            return language.gettext("from %(name)s", name=shown)
        case ReasonKind.CATEGORY:
            return language.gettext("in %(name)s", name=shown)
        case ReasonKind.EXAMPLE:
            return language.gettext("like “%(title)s”", title=shown)
        case ReasonKind.FEEDBACK:
            return language.gettext("like “%(title)s”, which you chose", title=shown)
        case ReasonKind.LESS_OF:
            return language.gettext("although: %(name)s", name=shown)
        case ReasonKind.POPULARITY:
            return language.gettext("much voted for")
        case ReasonKind.OUTSIDE:
            return _outside_words(language, value)


def _outside_words(language: Language, why: str) -> str:
    if why == "rising":
        return language.gettext("outside your interests: rising today")
    if why == "popular":
        return language.gettext("outside your interests: much voted for")
    return language.gettext("outside your interests: new today")


def matched_words(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """Give the values of the reasons that are words of the item, in the order of *reasons*."""
    return tuple([one.value for one in reasons if one.share > 0 and one.kind in (KEYWORD, TOPIC)])


def on_the_day(language: Language, day: Day, picks: int, since: date | None) -> tuple[str, ...]:
    """Say what the day brought, honestly: one sentence a fact, the usual one first.

    Args:
        picks: how many items were chosen.
        since: where the digest looks back further than usual, the first day of its window.
    """
    places = len(day.source_names)
    brought = language.ngettext("%(n)s new item", "%(n)s new items", day.new_items)
    origin = language.ngettext("from %(n)s source", "from %(n)s sources", places)
    chosen = language.ngettext("%(n)s chosen for you", "%(n)s chosen for you", picks)
    said = [
        language.gettext(
            "%(brought)s %(origin)s, %(chosen)s.", brought=brought, origin=origin, chosen=chosen
        )
        if day.new_items
        else language.gettext("%(chosen)s.", chosen=chosen)
    ]
    if since:
        said.append(
            language.gettext("This digest catches up since %(day)s.", day=language.short_day(since))
        )
    if day.failed_sources:
        names = language.enumeration(line(name, NAME_ROOM) for name in day.failed_sources)
        said.append(
            language.ngettext(
                "%(names)s could not be read today; what it announces comes later.",
                "%(names)s could not be read today; what they announce comes later.",
                len(day.failed_sources),
                names=names,
            )
        )
    return tuple(said)


def looks_back_to(digest: Digest, subscriber: Subscriber) -> date | None:
    """Give the first day of a digest's window if it is longer than this reader's rhythm."""
    # A day of grace: sources are late and clocks change.
    back = digest.composed_at - digest.window_from - timedelta(days=1)
    if back <= USUAL_WINDOW:
        return None
    days = sorted(subscriber.schedule.weekdays)
    gaps = (after - day for day, after in pairwise([*days, days[0] + 7]))
    return digest.window_from.date() if back > timedelta(days=max(gaps)) else None


@lru_cache(maxsize=4096)
def subject(language: Language, pattern: str, edition: date, title: str, count: int) -> str:
    """Fill the operator's subject pattern: `{date}`, `{title}`, `{more}`, `{count}`.

    Args:
        title: of the first pick.
        count: of all picks.
    """
    more = language.ngettext(", and %(n)s more", ", and %(n)s more", count - 1)
    return one_line(
        pattern.format(
            date=language.short_day(edition),
            title=cut(title, SUBJECT_TITLE_ROOM),
            more=more if count > 1 else "",
            count=language.number(count),
        )
    )


def preheader(titles: Sequence[str]) -> str:
    """Give the preview beside the subject: the titles that the subject does not show."""
    return cut(" · ".join(titles[1:] or titles), PREHEADER_ROOM)


def _weight(reason: Reason) -> float:
    return -abs(reason.share)
