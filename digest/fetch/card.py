"""A Hugging Face paper as a page shows it, before it becomes an Announcement.

Rendered HTML and every text rendering show the same few facts in the same few spellings;
here they are read once.  Facts: counts may be abbreviated (`11.3k`), `-` means none; a date
shows no year where it is the year of the capture, and a count may follow it (`Mar 12 3`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from digest.identity import keys
from digest.model import Announcement, Links, Source
from digest.spellings import arxiv_id, canonical_link, is_invalid_arxiv_id
from digest.tex import from_tex
from digest.text import fold, one_line, paragraphs

SITE = "https://huggingface.co"
MAX_ITEMS = 5_000
MAX_TITLE_CHARS = 500
MAX_SUMMARY_CHARS = 20_000
# A trending page shows a sentence made by a machine where it has one: 150 to 300 characters.
# Abstracts have 560 to 1,920.
MAX_AI_SUMMARY_CHARS = 400
# So many papers with a year show that none of the year after the newest is among them.
ENOUGH_YEARS = 10

COUNT = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?[kKmM]?"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY = re.compile(
    r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"(?:r?uary|ch|il|e|y|ust|t|tember|ober|ember)?\.?\s"
    r"(?P<day>\d{1,2})(?!\d)(?:,\s(?P<year>\d{4})\b)?"
)
_AUTHORS = re.compile(r"[\s\[•*·-]*(\d{1,6}) authors?\b", re.ASCII)
_PAPER_PATH = re.compile(r"/papers/(?P<id>[\w.-]+?)(?:\.md)?/?(?:[#?].*)?", re.ASCII)
_PERIODS = ("trending", "date", "week", "month", "submit")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDay:
    """A date as shown; the year is None where the page leaves it out."""

    month: int
    day: int
    year: int | None = None

    def in_year(self, year: int) -> date | None:
        """Give the date, None where there is no such day in that year."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One paper as shown; text still raw."""

    title: str
    summary: str = ""
    ai_summary: str = ""
    paper_id: str | None = None
    author_count: int | None = None
    organisation: str | None = None
    day: CardDay | None = None
    upvotes: int | None = None
    comments: int | None = None
    code: str | None = None


def read_count(text: str) -> int | None:
    """Read `12`, `1,234`, `11.3k` or `-` (none: 0); None for anything else."""
    text = text.strip()
    if text in ("-", "–"):
        return 0
    if not re.fullmatch(COUNT, text, re.ASCII) or len(text) > 12:
        return None
    scale = {"k": 1_000, "m": 1_000_000}.get(text[-1].lower(), 1)
    return round(float(text.rstrip("kKmM").replace(",", "")) * scale)


def read_author_count(text: str) -> int | None:
    """Read the number of `3 authors`, list and link marks around it allowed."""
    found = _AUTHORS.match(text)
    return int(found[1]) if found else None


def read_day(text: str) -> tuple[CardDay, str] | None:
    """Read a leading date, and give what follows it."""
    found = DAY.match(text)
    if not found:
        return None
    year = int(found["year"]) if found["year"] else None
    day = CardDay(month=MONTHS.index(found["month"].lower()) + 1, day=int(found["day"]), year=year)
    return (day, text[found.end() :]) if day.in_year(year or 2024) else None


def read_organisation(text: str) -> str | None:
    """Read an organisation; its handle before the name goes where it can be told."""
    words = one_line(text, 200).strip("[]").split()
    for split in range(1, len(words)):
        name = " ".join(words[split:])
        if fold(" ".join(words[:split])).replace(" ", "") == fold(name).replace(" ", ""):
            return name
    return " ".join(words) or None


def read_paper_id(link: str) -> str | None:
    """Read the id of a link to a paper's page on the Hub, relative or absolute."""
    path = link.removeprefix(SITE)
    found = _PAPER_PATH.fullmatch(path)
    return found["id"] if found and found["id"] not in _PERIODS else None


def paper_links(paper_id: str | None, *, code: str | None, project: str | None = None) -> Links:
    """Give the addresses where a paper of the Hub can be read."""
    known = arxiv_id(paper_id or "")
    return Links(
        page=canonical_link(f"{SITE}/papers/{paper_id}") if paper_id else None,
        pdf=f"https://arxiv.org/pdf/{known[0]}" if known else None,
        code=canonical_link(code or ""),
        project=canonical_link(project or ""),
        discussion=f"{SITE}/papers/{known[0]}#community" if known else None,
    )


def clean_title(text: str) -> str:
    """Make a title one readable line."""
    return one_line(from_tex(text), MAX_TITLE_CHARS)


def clean_summary(text: str) -> str:
    """Make an abstract readable paragraphs."""
    return paragraphs(from_tex(text), MAX_SUMMARY_CHARS)


def announcements(
    cards: Iterable[Card], source: Source, *, capture_year: int | None
) -> list[Announcement]:
    """Turn cards into announcements: each paper once, in order, at most MAX_ITEMS.

    Args:
        capture_year: the year that dates without one mean; None leaves them out.
    """
    found: dict[str, Announcement] = {}
    for card in cards:
        title = clean_title(card.title)
        if not title or len(found) >= MAX_ITEMS or is_invalid_arxiv_id(card.paper_id or ""):
            continue
        summary = clean_summary(card.summary)
        links = paper_links(card.paper_id, code=card.code)
        identity = keys(
            arxiv=card.paper_id,
            guid=(source.name, card.paper_id) if card.paper_id else None,
            link=links.page,
            title=title,
            summary=summary,
        )
        year = (card.day.year or capture_year) if card.day else None
        published_on = card.day.in_year(year) if card.day and year else None
        found.setdefault(
            identity[0],
            Announcement(
                keys=identity,
                title=title,
                summary=summary,
                ai_summary=clean_summary(card.ai_summary) or None,
                author_count=card.author_count,
                organisation=card.organisation,
                links=links,
                published_on=published_on,
                published_on_inferred=bool(card.day and not card.day.year and published_on),
                upvotes=card.upvotes,
                comments=card.comments,
            ),
        )
    return list(found.values())


def capture_day(
    page: CardDay | None, cards: Sequence[Card], captured_by: date
) -> tuple[date | None, int | None]:
    """Conclude the day of a page and the year that its dates without a year mean.

    Papers of the year of the capture show no year, so that year is later than every year
    shown; and a paper is not newer than the page.  With many years shown it is the next one,
    else the latest year that lets the page be no newer than *captured_by*.

    Args:
        page: the date in the header, None where the page shows none.
        captured_by: a day on which the document is known to have existed.

    Returns:
        (day of the page or None, year of the capture or None)
    """
    years = [card.day.year for card in cards if card.day and card.day.year]
    yearless = [card.day for card in cards if card.day and not card.day.year]
    if not page and not yearless:
        return None, None
    newest = max([page] if page else yearless, key=lambda day: (day.month, day.day))
    # The reader's day may be a day behind the page's.
    limit = captured_by + timedelta(days=1)
    latest = limit.year
    while latest > 2000 and (newest.in_year(latest) or date.max) > limit:
        latest -= 1
    if yearless and len(years) >= ENOUGH_YEARS:
        ids = filter(None, (arxiv_id(card.paper_id or "") for card in cards))
        id_years = [2000 + int(known[:2]) for known, _ in ids if "/" not in known]
        latest = min(latest, max(max(years) + 1, *id_years, 0))
    return (page.in_year(latest) if page else None), latest
