"""The mail in pieces: each fragment rendered and encoded once, kept, and joined per reader.

An item looks the same to everyone but for its summary and reasons, so a template leaves
holes for these; a run over thousands of readers renders each item once a language.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from html import escape

from digest.compose import headings, wording
from digest.compose.addresses import Addresses, OwnLinks
from digest.compose.colours import DARK_CARD, DARK_PAGE, LIGHT_CARD, LIGHT_PAGE, shades
from digest.compose.columns import WIDTH, columns, wrap
from digest.compose.fragments import (
    NOTHING,
    NUMBER,
    Both,
    Shown,
    form_of,
    in_place,
    joined,
    verbatim,
)
from digest.compose.reasons import Reasons
from digest.compose.telling import summary_by
from digest.compose.wire import encoded
from digest.config import MailSettings
from digest.links import Links
from digest.model import Day, Item
from digest.render import Language, Templates

# An item takes some 4 kB a language, a summary 1.2 kB, a section 0.5 kB.  What is kept of
# personal parts is full after some thousand readers, so that a hundred times as many take no more.
KEPT_ITEMS = 4096
KEPT_SUMMARIES = 8192
KEPT_SECTIONS = 4096
KEPT_FRAMES = 512
MOST_NUMBERS = 1000


def look(mail: MailSettings) -> dict[str, object]:
    """Give what every template of a mail may use: colours, logo, contact, plain text's tools."""
    return {
        "shades": shades(mail.accent),
        "page": LIGHT_PAGE,
        "card": LIGHT_CARD,
        "dark_page": DARK_PAGE,
        "dark_card": DARK_CARD,
        "logo": wording.line(mail.logo_text, wording.NAME_ROOM),
        "logo_image": mail.logo_image,
        "logo_width": mail.logo_width,
        "contact": wording.line(mail.contact, wording.TITLE_ROOM),
        "wrap": wrap,
        "columns": columns,
        "width": WIDTH,
    }


def _title(item: Item) -> dict[str, object]:
    """Give what every fragment with an item's title needs."""
    return {
        "title": wording.title(item),
        "url": wording.page(item),
        "item_language": wording.language_tag(item.language),
    }


class Pieces:
    """Renders the fragments of the mail and keeps them.

    Args:
        mail: colours, logo and contact; fixed for the life of the cache.
        unsubscribe: where to unsubscribe by mail.
        links: makes the addresses of readers' pages; None = there are no pages.
        leaving: gives a reader's own address to unsubscribe by mail at, by id.
    """

    def __init__(
        self,
        mail: MailSettings,
        templates: Templates,
        unsubscribe: str,
        links: Links | None,
        leaving: Callable[[str], str] | None = None,
    ) -> None:
        self._templates = templates
        self._links = links
        self.has_web = links is not None
        self.addresses = Addresses(unsubscribe, links, leaving)
        self._thumbnails = mail.thumbnails
        self._look = look(mail) | {"unsubscribe": unsubscribe, "has_web": links is not None}
        self.frame = lru_cache(KEPT_FRAMES)(self._frame)
        self.opening = lru_cache(KEPT_FRAMES)(self._opening)
        self.section = lru_cache(KEPT_SECTIONS)(self._section)
        self.item = lru_cache(KEPT_ITEMS)(self._item)
        self.summary = lru_cache(KEPT_SUMMARIES)(self._summary)
        self.moment = lru_cache(KEPT_FRAMES)(self._moment)
        numbers = range(1, MOST_NUMBERS + 1)
        self.numbers = tuple(encoded(str(number)) for number in numbers)
        # As wide as two digits and a stop, so that the text beside them stands in line.
        self.places = tuple(encoded(f"{place:>2}.") for place in numbers)
        self.bullet = encoded("  –")
        self.reasons = Reasons(templates, self._look).shown
        self._summary_form = lru_cache(KEPT_FRAMES)(self._summary_around)
        self.line = lru_cache(KEPT_ITEMS)(self._line)
        self.lines = lru_cache(KEPT_FRAMES)(self._lines)
        self.brief = lru_cache(KEPT_ITEMS)(self._brief)
        self.left_out = lru_cache(KEPT_FRAMES)(self._left_out)
        self.footer = lru_cache(KEPT_FRAMES)(self._footer)

    def picture(self, item: Item) -> str | None:
        """Give the address of an item's thumbnail, as the operator wants it fetched."""
        address = wording.safe_url(item.thumbnail)
        if address is None or self._thumbnails == "off":
            return None
        if self._thumbnails == "proxied" and self._links:
            return f"{self._links.base_url}/thumbnail/{item.id}"
        return address

    def _frame(self, language: Language, edition: date) -> Both:
        holes = ("preheader", "opening", "body", "footer")
        return self._both("frame", language, holes, edition=edition)

    def _opening(
        self,
        language: Language,
        edition: date,
        is_weekly: bool,  # noqa: FBT001 - keywords cost a cached call a microsecond
        day: Day,
        picks: int,
        since: date | None,
    ) -> Shown:
        return self._shown(
            "opening",
            language,
            heading=headings.headline(language, edition, is_weekly=is_weekly),
            sentences=headings.on_the_day(language, day, picks, since),
        )

    def _section(self, language: Language, name: str) -> Shown:
        return self._shown("section", language, name=name)

    def _item(
        self,
        language: Language,
        item: Item,
        upvotes: int | None,
        comments: int | None,
        has_reasons: bool,  # noqa: FBT001 - likewise
        picture: str | None,
    ) -> Both:
        votes, spoken = wording.counts(language, upvotes, comments)
        return self._both(
            "item",
            language,
            ("place", "pick", "web_copy", "summary", "reasons"),
            has_reasons=has_reasons,
            authors=wording.authors(language, item),
            organisation=wording.organisation(item),
            votes=votes,
            sparkline=wording.sparkline(item.votes_by_day),
            rising=wording.rising(language, item.votes_by_day),
            picture=picture,
            comments=spoken,
            links=wording.links(language, item),
            **_title(item),
        )

    def _summary(self, language: Language, item: Item, sentences: tuple[int, ...]) -> Shown:
        return self.summary_in(language, item, summary_by(item, sentences))

    def summary_in(self, language: Language, item: Item, text: str) -> Shown:
        """Show an item's summary, or what is chosen of it."""
        if not text:
            return NOTHING
        tag, is_ai = wording.language_tag(item.language), bool(item.ai_summary)
        form, indent, hanging = self._summary_form(language, tag, is_ai)
        plain = wrap(text, indent, hanging)[indent:]
        return Shown(joined(form.html, encoded(escape(text))), joined(form.text, encoded(plain)))

    def _summary_around(
        self,
        language: Language,
        tag: str,
        is_ai: bool,  # noqa: FBT001 - likewise
    ) -> tuple[Both, int, int]:
        """Give what stands around a summary, and how many blanks stand for it in text.

        Those before the first line stand for the template's own words, which are part of it.
        """
        values = {"is_ai": is_ai, "item_language": tag}
        around = self._templates.form(
            "mail/summary.txt", language, ("summary",), **self._look | values
        )
        before = around[0].rpartition("\n")[2]
        form = self._both("summary", language, ("summary",), **values)
        return form, columns(before), len(before) - len(before.lstrip())

    def names(self, language: Language, interests: Sequence[str]) -> Shown:
        """Name a reader's interests."""
        words = [wording.line(name, wording.NAME_ROOM) for name in interests]
        return verbatim(
            language.enumeration(words) or language.gettext("what is popular"), indent=2
        )

    def _moment(self, language: Language, at: datetime, zone: str) -> Shown:
        return verbatim(language.moment(at, zone))

    def _line(self, language: Language, item: Item, note: str, place: bytes) -> Shown:
        return in_place(self._both("line", language, ("place",), note=note, **_title(item)), place)

    def _lines(self, language: Language, name: str) -> Both:
        return self._both("lines", language, ("lines",), name=name)

    def _brief(
        self,
        language: Language,
        item: Item,
        has_reasons: bool,  # noqa: FBT001 - likewise
    ) -> Both:
        holes = ("place", "reasons")
        return self._both("brief", language, holes, has_reasons=has_reasons, **_title(item))

    def _left_out(self, language: Language, items: int) -> Both:
        said = headings.left_out(language, items)
        return self._both("left_out", language, ("web_copy",), said=said)

    def _footer(self, language: Language, has_next: bool) -> Both:  # noqa: FBT001 - likewise
        holes = ["address", "interests", "next_digest"]
        if self.addresses.are_own:
            holes += OwnLinks._fields
        return self._both("footer", language, holes, has_next=has_next)

    def _both(
        self, name: str, language: Language, holes: Sequence[str], /, **values: object
    ) -> Both:
        values |= self._look
        html = self._templates.form(f"mail/{name}.html", language, holes, **values)
        text = self._templates.form(f"mail/{name}.txt", language, (*holes, NUMBER), **values)
        return Both(form_of(html, holes), form_of(text, holes))

    def _shown(self, name: str, language: Language, /, **values: object) -> Shown:
        both = self._both(name, language, (), **values)
        return Shown(joined(both.html), joined(both.text))
