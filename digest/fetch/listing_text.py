"""Hugging Face listings saved as text or markdown, in every rendering seen.

Without headings (this file): titles and abstracts in turn, apart by blank lines or line by
line, with or without three lines of authors, dot and date; or with every link target as a
paragraph of its own.  With headings: `listing_markdown`.  All that the renderings share is
the header, whose date is the day of the page and of no paper.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from urllib.parse import unquote

from digest.errors import ParseError
from digest.fetch.card import (
    MAX_AI_SUMMARY_CHARS,
    MAX_ITEMS,
    SITE,
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
from digest.fetch.document import decode, excerpt
from digest.fetch.listing_markdown import HEADING, read_headed
from digest.model import Listing, Source

# Navigation, front matter and banners before the first paper.
MAX_HEADER_CHARS = 20_000
# From the banner on: subscribe, names, periods, search words, the date; blank lines between.
MAX_HEADER_LINES = 40
MAX_ORGANISATION_CHARS = 150
# Titles have 15 to 183 characters, abstracts 560 to 1,920; nearer than this it is a guess.
MAX_TITLE_CHARS = 300
MIN_ABSTRACT_CHARS = 200

_BANNER = re.compile(r"get trending papers in your email inbox", re.I)
_HEADER_LINE = re.compile(
    r"new|get trending papers in your email inbox.*|subscribe|daily papers|trending papers|"
    r"by\W{0,3}AK|by\W{0,3}AK and the research community|and the research community|"
    r"[*•-]? ?(?:daily|weekly|monthly)",
    re.I,
)
_GLUED = re.compile(r"Subscribe(?=[^\s\[(])(?P<title>.+)")
_CAPTURED = re.compile(
    r"^\W{0,4}(?:captured|retrieved|exported|fetched|crawled|saved)\b[^:\n]{0,20}:\s*"
    r"[\"']?(?P<day>\d{4}-\d\d-\d\d)",
    re.I | re.M,
)
_TRENDING = re.compile(r"^#* ?Trending Papers$", re.M)
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_DOT = "·"
_AUTHORS_LINK = re.compile(r"\[?(?P<text>\d{1,6} authors?)\]\((?P<address>[^()\s]{1,500})\)")
_LOGIN = re.compile(r"/login\?next=(?P<path>\S{1,200})")
_HUB_NAME = re.compile(rf"{re.escape(SITE)}/[\w.-]+", re.ASCII)


def parse_text(content: bytes, source: Source, fetched_at: datetime) -> Listing:
    """Read a listing page of huggingface.co/papers that was saved as text or markdown.

    Args:
        fetched_at: when the document was captured, or at the latest when it was read; the
            years of dates without a year follow from it.

    Raises:
        ParseError: no header of a paper listing, or no paper under it.
    """
    text, decoding = decode(content)
    warnings = list(decoding)
    document = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text)
    if not _BANNER.search(document[:MAX_HEADER_CHARS]):
        raise ParseError(
            f"expected the header of a paper listing, got {excerpt(document)}", source=source.name
        )
    header, cards = _read(document)
    if not cards:
        raise ParseError(
            "expected papers under the header of a listing, found none: the layout has changed",
            source=source.name,
        )
    if _TRENDING.search(header):
        cards = [_with_machine_summary(card) for card in cards]

    captured = _CAPTURED.search(header)
    captured_on = _iso_day(captured["day"]) if captured else None
    captured_by = min(filter(None, (captured_on, fetched_at.date())))
    shown_on, year = capture_day(_page_day(header), cards, captured_by)
    if year:
        warnings.append(f"dates without a year were read as of {year}")
    found = announcements(cards, source, capture_year=year)
    if len(found) == MAX_ITEMS:
        warnings.append(f"only the first {MAX_ITEMS} papers were read")
    if bare := sum(not card.summary and not card.ai_summary for card in cards):
        warnings.append(f"{bare} of {len(cards)} papers have no abstract")
    return Listing(
        kind="huggingface",
        announcements=tuple(found),
        shown_on=shown_on,
        warnings=tuple(warnings),
    )


def _read(document: str) -> tuple[str, list[Card]]:
    """Choose the rendering, and part the header from the cards."""
    if heading := HEADING.search(document):
        return document[: heading.start()], _bounded(read_headed(document))
    lines = document.split("\n")
    linked = (i for i, line in enumerate(lines) if read_paper_id(line.strip()))
    if (first := next(linked, None)) is not None:
        return "\n".join(lines[:first]), _bounded(_read_link_lines(lines))
    start, lines = _plain_start(lines)
    return "\n".join(lines[:start]), _bounded(_read_plain(lines[start:]))


def _bounded(cards: Iterator[Card]) -> list[Card]:
    # Trending pages show every card twice.
    return list(islice(cards, 2 * MAX_ITEMS))


def _with_machine_summary(card: Card) -> Card:
    """Tell a machine's sentence, as trending pages show it, from an abstract."""
    if len(card.summary) > MAX_AI_SUMMARY_CHARS:
        return card
    return replace(card, summary="", ai_summary=card.summary)


# --- header -----------------------------------------------------------------------------


def _page_day(header: str) -> CardDay | None:
    """Find the date that stands alone in a header; the last one, nearest to the papers."""
    days = (read_day(line.strip()) for line in header.split("\n"))
    return next((day for day, rest in filter(None, reversed([*days])) if not rest), None)


def _plain_start(lines: list[str]) -> tuple[int, list[str]]:
    """Find the first line of papers; a title glued to the header gets a line of its own."""
    banner = next(i for i, line in enumerate(lines) if _BANNER.search(line))
    start = banner + 1
    for number, raw in enumerate(lines[banner : banner + MAX_HEADER_LINES], banner):
        line = raw.strip()
        if glued := _GLUED.fullmatch(line):
            return number + 1, [*lines[: number + 1], glued["title"], *lines[number + 1 :]]
        day = read_day(line)
        if day and not day[1]:
            return number + 1, lines
        if _HEADER_LINE.fullmatch(line):
            start = number + 1
        elif line == _DOT or len(line) > MAX_TITLE_CHARS:
            break  # the first paper; search words and a title are shorter
    return start, lines


def _iso_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# --- titles and abstracts in turn -------------------------------------------------------


def _read_plain(lines: list[str]) -> Iterator[Card]:
    """Read cards that end in authors, dot and date, or have no such lines."""
    start = 0
    for number, line in enumerate(lines):
        if line.strip() != _DOT or number < start:
            continue
        after = next((i for i in range(number + 1, len(lines)) if lines[i].strip()), number)
        dated = read_day(lines[after].strip())
        if not dated:
            continue
        above = lines[start:number]
        while above and not above[-1].strip():
            above.pop()
        # An author count or an organisation; nothing as long as an abstract.
        short = bool(above) and len(above[-1]) <= MAX_ORGANISATION_CHARS
        who = above.pop().strip(" •*-") if short else ""
        authors = read_author_count(who)
        for card in _pairs(_blocks(above)):
            yield replace(
                card,
                author_count=authors,
                organisation=None if authors is not None else read_organisation(who),
                day=dated[0],
                comments=read_count(dated[1]),
            )
        start = after + 1
    yield from _pairs(_blocks(lines[start:]))


def _blocks(lines: list[str]) -> list[str]:
    """Give paragraphs where blank lines part them, else single lines."""
    text = "\n".join(lines).strip()
    blocks = _BLANK_LINES.split(text)
    return [block for block in (blocks if len(blocks) > 1 else text.split("\n")) if block]


def _pairs(blocks: list[str]) -> Iterator[Card]:
    """Pair titles with abstracts, and get back into step where a block is missing or extra.

    Neither a final full stop nor a capital tells the two apart, so the turn decides; only a
    block far too long for a title is a further paragraph of the abstract before it.
    """
    title, abstract = "", ""
    for block in blocks:
        if not title:
            title = block
        elif not abstract:
            abstract = block
        elif len(block) <= MAX_TITLE_CHARS:
            yield Card(title=title, summary=abstract)
            title, abstract = block, ""
        elif len(abstract) < MIN_ABSTRACT_CHARS:
            # The title before had no abstract: what stood in its place is this one's title.
            yield Card(title=title)
            title, abstract = abstract, block
        else:
            abstract = f"{abstract}\n\n{block}"
    # A title alone at the end is where the document was cut off.
    if abstract:
        yield Card(title=title, summary=abstract)


# --- every link target a paragraph of its own -------------------------------------------


def _read_link_lines(lines: list[str]) -> Iterator[Card]:
    """Read cards whose parts are each followed by the address they link to."""
    card_by_id: dict[str, Card] = {}
    upvotes_by_id: dict[str, int | None] = {}
    current = ""
    for texts, address in _linked_texts(lines):
        if card := card_by_id.get(current):
            card_by_id[current] = _with_part(card, texts, address)
        paper_id = read_paper_id(address)
        if login := _LOGIN.search(address):
            voted = read_paper_id(unquote(login["path"])) or ""
            upvotes_by_id[voted] = read_count(texts[-1].removeprefix("[-]"))
        elif paper_id and paper_id not in card_by_id:
            current = paper_id
            card_by_id[current] = Card(title=" ".join(texts), paper_id=current)
    for paper_id, card in card_by_id.items():
        yield replace(card, upvotes=upvotes_by_id.get(paper_id))


def _linked_texts(lines: list[str]) -> Iterator[tuple[list[str], str]]:
    """Give each address of the Hub with the lines of text before it; text at the end with ""."""
    texts: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        authors = _AUTHORS_LINK.fullmatch(line)
        if authors:
            yield [authors["text"]], authors["address"]
        elif _LOGIN.search(line) or read_paper_id(line) or _HUB_NAME.fullmatch(line):
            if texts:
                yield texts, line
        else:
            texts.append(line)
            continue
        texts = []
    yield texts, ""


def _with_part(card: Card, texts: list[str], address: str) -> Card:
    """Add what one linked part of a card says: count, day, comments, organisation, abstract."""
    if (authors := read_author_count(texts[0] if texts else "")) is not None:
        return replace(card, author_count=authors)
    if _DOT in texts:
        dated = read_day(texts[texts.index(_DOT) + 1]) if texts[-1] != _DOT else None
        comments = read_count(texts[-1]) if address.endswith("#community") else None
        return replace(card, day=dated[0] if dated else None, comments=comments)
    if read_paper_id(address) == card.paper_id and not card.summary:
        return replace(card, summary="\n".join(texts))
    if _HUB_NAME.fullmatch(address) and card.summary:
        return replace(card, organisation=read_organisation(texts[-1]))
    return card
