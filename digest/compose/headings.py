"""What the mail says of the whole in words: subject, preheader, headline, the line on the day.

Every word goes through the reader's `Language`.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from digest.compose.digest import Shelf
from digest.compose.extract import cut
from digest.compose.wording import NAME_ROOM, NOTHING_TO_SHOW, counts, line, section_name
from digest.model import Addressee, Day, Digest, Mention, MentionKind
from digest.render import Language
from digest.text import one_line

# Clients show some 90 characters of the subject and the preheader beside it.
SUBJECT_TITLE_ROOM = 78
PREHEADER_ROOM = 150
# A digest that looks back further than this beyond its usual rhythm says so.
USUAL_WINDOW = timedelta(days=3)
# Source names told one by one; beyond these they are counted.
NAMES_SHOWN = 4
# Looked up once: an enumeration's members are slow to reach, and most mentions are of this kind.
ALSO_NEW = MentionKind.ALSO_NEW


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
        said.append(
            language.ngettext(
                "%(names)s could not be read today; what it announces comes later.",
                "%(names)s could not be read today; what they announce comes later.",
                len(day.failed_sources),
                names=_names(language, day.failed_sources),
            )
        )
    if day.quiet_sources:
        said.append(
            language.gettext(
                "Nothing was announced by %(names)s, as on a weekend or a holiday.",
                names=_names(language, day.quiet_sources),
            )
        )
    return tuple(said)


def _names(language: Language, names: Sequence[str]) -> str:
    shown = [line(name, NAME_ROOM) for name in names[:NAMES_SHOWN]]
    if others := len(names) - len(shown):
        shown.append(language.ngettext("%(n)s more source", "%(n)s more sources", others))
    return language.enumeration(shown)


def looks_back_to(digest: Digest, subscriber: Addressee) -> date | None:
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


def shelf_name(language: Language, where: Shelf) -> str:
    """Give the heading of a section."""
    if where.on:
        return language.long_day(where.on)
    if where.is_late:
        return language.gettext("Late arrivals")
    return line(section_name(language, where.interest), NAME_ROOM) or NOTHING_TO_SHOW


def headline(language: Language, edition: date, *, is_weekly: bool) -> str:
    """Give the headline of a digest."""
    day = language.day(edition)
    return language.gettext("The week to %(day)s", day=day) if is_weekly else day


def mention_heading(language: Language, kind: MentionKind, digest: Digest) -> str:
    """Give the heading over a digest's title lines of one kind."""
    match kind:
        case MentionKind.MOST_VOTED:
            return language.gettext("Most voted this week")
        case MentionKind.REVISED:
            return language.gettext("New versions")
        case MentionKind.ALSO_NEW:
            is_today = digest.edition - digest.window_from.date() <= USUAL_WINDOW
            return language.gettext("Also new today") if is_today else language.gettext("Also new")


def mention_note(language: Language, mention: Mention, edition: date) -> str:
    """Say beside a title line why it is there, "" where its heading says it."""
    if mention.kind is ALSO_NEW:
        return ""
    if mention.kind is MentionKind.REVISED and mention.sent_on:
        is_recent = timedelta() < edition - mention.sent_on < timedelta(days=7)
        name_day = language.weekday if is_recent else language.short_day
        return language.gettext(
            "v%(version)s of what you got on %(day)s",
            version=mention.item.version,
            day=name_day(mention.sent_on),
        )
    if mention.kind is MentionKind.MOST_VOTED:
        return counts(language, mention.item.upvotes, None)[0]
    return ""


def left_out(language: Language, items: int) -> str:
    """Say that chosen items had no room."""
    return language.ngettext(
        "%(n)s more was chosen but made this mail too long.",
        "%(n)s more were chosen but made this mail too long.",
        items,
    )
