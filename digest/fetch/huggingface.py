"""Hugging Face Daily Papers: API answers and pages (day, week, month, search, trending).

A page carries the API's entries as hydration data beside its rendered cards; the data is
read first, the cards are the fall-back.  Nothing is fetched here.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from digest.errors import ParseError
from digest.fetch.card import (
    MAX_AI_SUMMARY_CHARS,
    Card,
    CardDay,
    announcements,
    capture_day,
    read_author_count,
    read_count,
    read_day,
    read_organisation,
    read_paper_id,
)
from digest.fetch.document import decode, excerpt, load_json, read_page
from digest.fetch.huggingface_entry import describe, read_entries
from digest.fetch.huggingface_entry import read_day as read_instant_day
from digest.model import Announcement, Listing, Source
from digest.text import one_line

MAX_ERROR_CHARS = 200

_ASKED = re.compile(r"/(?:date|week|month)/(\d{4}-W?\d\d(?:-\d\d)?)\b")


def parse_json(
    content: bytes,
    source: Source,
    fetched_at: datetime,  # noqa: ARG001 every parser takes the same
    *,
    base: str = "",
) -> Listing:
    """Read an answer of `/api/daily_papers` or `/api/papers/search`, or one paper's.

    An empty array is a valid listing without items.

    Raises:
        ParseError: no JSON, an answer that says "error", no array, or no readable entry.
    """
    value, warnings = load_json(content, source.name)
    if isinstance(value, dict) and "id" in value and "title" in value:
        value = [value]
    if isinstance(value, dict) and "error" in value:
        said = one_line(str(value["error"]), MAX_ERROR_CHARS)
        raise ParseError(f"the server answered with an error: {said}", source=source.name)
    if not isinstance(value, list):
        raise ParseError(f"expected an array of papers, got {describe(value)}", source=source.name)
    found, odd = read_entries(value, source)
    shown_on = _day_of(found)
    return Listing(
        kind="huggingface",
        announcements=tuple(found),
        shown_on=shown_on,
        warnings=(*warnings, *odd, *_other_period(source, base, shown_on)),
    )


def parse_html(
    content: bytes,
    source: Source,
    fetched_at: datetime,
    *,
    base: str = "",
) -> Listing:
    """Read a page of huggingface.co/papers: a day, week or month, a search, trending.

    Raises:
        ParseError: neither hydration data nor cards: a login or error page, or a new layout.
    """
    markup, decoding = decode(content)
    page = read_page(markup, source.name)
    warnings = list(decoding)
    props = _hydration(page, warnings)
    cards = [card for node in page.css("article") if (card := _read_card(node))]
    entries = props.get("dailyPapers") if props else None
    if not isinstance(entries, list):
        if not cards:
            title = page.css_first("title")
            hint = ': for any other page give kind = "page"' if source.kind == "auto" else ""
            raise ParseError(
                "expected the data or the cards of Daily Papers, got "
                f"{excerpt(title.text()) if title else 'a page without title'}{hint}",
                source=source.name,
            )
        warnings.append(f"no data of Daily Papers in the page: {len(cards)} cards read instead")
        _, year = capture_day(None, cards, fetched_at.date())
        found = announcements(cards, source, capture_year=year)
        if year and any(one.published_on_inferred for one in found):
            warnings.append(f"dates without a year were read as of {year}")
    else:
        found, odd = read_entries(entries, source)
        warnings += odd
        if len(cards) != len(entries):
            warnings.append(f"the page's data has {len(entries)} papers, it shows {len(cards)}")
    shown_on = _shown_on(props or {}, page) or _day_of(found)
    return Listing(
        kind="huggingface",
        announcements=tuple(found),
        shown_on=shown_on,
        warnings=(*warnings, *_other_period(source, base, shown_on)),
    )


# --- pages ------------------------------------------------------------------------------


def _hydration(page: LexborHTMLParser, warnings: list[str]) -> Mapping[str, Any] | None:
    """Find the properties that hold the papers; the attribute is decoded by the parser."""
    named = page.css('[data-target="DailyPapers"][data-props]')
    for node in named or page.css("[data-props]"):
        try:
            props = json.loads(node.attributes.get("data-props") or "")
        except (ValueError, RecursionError) as error:
            if named:
                warnings.append(f"the page's data is no JSON: {one_line(str(error), 100)}")
            continue
        if isinstance(props, dict) and "dailyPapers" in props:
            return props
    return None


def _read_card(node: LexborNode) -> Card | None:
    """Read a rendered card: day pages show no abstract, search and trending pages do."""
    heading = node.css_first("h3 a[href]")
    paper_id = read_paper_id(heading.attributes.get("href") or "") if heading else None
    if not heading or not paper_id:
        return None
    vote = node.css_first('a[href*="/login?next="] .leading-none')
    comments = node.css_first('a[href$="#community"]')
    counts = (read_author_count(item.text()) for item in node.css("li"))
    text = next(iter(node.css("p")), None)
    summary = text.text() if text else ""
    machine_made = len(summary) <= MAX_AI_SUMMARY_CHARS
    organisation, day = _foot(node)
    return Card(
        title=heading.text(),
        summary="" if machine_made else summary,
        ai_summary=summary if machine_made else "",
        paper_id=paper_id,
        author_count=next((count for count in counts if count is not None), None),
        organisation=organisation,
        day=day,
        upvotes=read_count(vote.text()) if vote else None,
        comments=read_count(comments.text()) if comments else None,
    )


def _foot(node: LexborNode) -> tuple[str | None, CardDay | None]:
    """Read the last line of a card, "3 authors · May 30" or "NVIDIA · May 30, 2025"."""
    time = node.css_first("time[datetime]")
    if time and (told := read_instant_day(time.attributes.get("datetime"))):
        return None, CardDay(month=told.month, day=told.day, year=told.year)
    lines = [line for line in map(str.strip, node.text(separator="\n").split("\n")) if line]
    for place, line in enumerate(lines):
        # The dot is a line of its own, or stands before the date.
        dated = read_day(line.lstrip("· ")) if line[:1] == "·" or lines[place - 1] == "·" else None
        if not dated:
            continue
        above = [one for one in lines[:place] if one != "·"]
        has_authors = any(read_author_count(one) is not None for one in above)
        link = next((a for a in reversed(node.css("a[href]")) if _is_organisation(a)), None)
        name = read_organisation(link.text()) if link and not has_authors else None
        return name, dated[0]
    return None, None


def _is_organisation(link: LexborNode) -> bool:
    return re.fullmatch(r"/[\w.-]+", link.attributes.get("href") or "", re.ASCII) is not None


def _shown_on(props: Mapping[str, Any], page: LexborHTMLParser) -> date | None:
    shown = read_instant_day(props.get("dateString")) or read_instant_day(props.get("date"))
    if shown:
        return shown
    # The time of a card is that of its paper.
    of_cards = {time.mem_id for time in page.css("article time[datetime]")}
    times = (time for time in page.css("time[datetime]") if time.mem_id not in of_cards)
    return next((read_instant_day(time.attributes.get("datetime")) for time in times), None)


# --- days -------------------------------------------------------------------------------


def _day_of(found: Sequence[Announcement]) -> date | None:
    """Conclude the day of a listing: the one that most of its papers were announced on."""
    days = Counter(announcement.announced_on for announcement in found)
    (day, papers) = days.most_common(1)[0] if days else (None, 0)
    return day if papers * 2 > len(found) else None


def _other_period(source: Source, base: str, shown_on: date | None) -> tuple[str, ...]:
    """Warn where a period was asked for and another one came, as on days without papers.

    Args:
        base: where the listing came from in the end; a date without papers is redirected.
    """
    asked = _period(source.url)
    if not asked:
        return ()
    got = _period(base) if base else asked
    # A next page names the period that was asked for too.
    if got != asked:
        return (f"asked for {asked}, was sent to {one_line(base, 200)}",)
    if not shown_on or asked in _spellings(shown_on):
        return ()
    return (f"asked for {asked}, the listing is of {shown_on}",)


def _period(url: str) -> str | None:
    """Read the day, week or month that an address names, as it is written there."""
    parts = urlsplit(url)
    if in_path := _ASKED.search(parts.path):
        return in_path[1]
    query = parse_qs(parts.query)
    return next((query[name][0] for name in ("date", "week", "month") if name in query), None)


def _spellings(day: date) -> tuple[str, str, str]:
    year, week, _ = day.isocalendar()
    return day.isoformat(), f"{year}-W{week:02}", f"{day:%Y-%m}"
