"""A digest as the two parts of a mail: pieces in order, numbered, and kept in size."""

from collections.abc import Sequence
from html import escape
from itertools import chain
from typing import NamedTuple

from digest.compose import wording
from digest.compose.extract import telling_sentences
from digest.compose.pieces import (
    NOTHING,
    Both,
    Form,
    OwnLinks,
    Piece,
    Pieces,
    Shown,
    filled,
    joined,
    piece,
)
from digest.model import Digest, Item, Pick, Reason, Subscriber
from digest.render import Language

# A large client clips HTML near 102 kB and takes the footer with it.
HTML_BYTES = 90_000
# What the heading of the title lines and the note on what was left out may take of it.
NOTE_BYTES = 4_000
# Titles beyond these are beyond the preheader's end.
PREHEADER_TITLES = 4
# How often an item's HTML names its reader's web copy: "more" and "less" stand below it.
VERDICTS = 2


class Letter(NamedTuple):
    """Both parts of a mail, in encoded pieces.

    Attributes:
        unsubscribe: the address of the page that ends the subscription, None if there is none.
        unsubscribe_by_mail: a `mailto:` address.
    """

    html: list[bytes]
    text: list[bytes]
    unsubscribe: str | None = None
    unsubscribe_by_mail: str = ""


class Entry(NamedTuple):
    """One pick, rendered for its reader; the heading is that of a section it begins."""

    heading: Shown
    item: Both
    summary: Shown
    reasons: Shown
    size: int


def write_letter(
    pieces: Pieces, language: Language, digest: Digest, subscriber: Subscriber
) -> Letter:
    """Write both parts of a subscriber's mail; they say the same.

    Items that would make the HTML too large are shown as title lines, last ones first.
    """
    frame = pieces.frame(language, digest.edition)
    opening = pieces.opening(
        language,
        digest.edition,
        digest.day,
        len(digest.picks),
        wording.looks_back_to(digest, subscriber),
    )
    titles = [wording.title(pick.item) for pick in digest.picks[:PREHEADER_TITLES]]
    preheader = piece(escape(wording.preheader(titles)))
    own = pieces.own_links(subscriber, digest)
    web_copy = piece(own.web_copy)
    footer = _footer(pieces, language, digest, subscriber, own, web_copy)
    around = (opening.html, preheader, footer.html)
    room = HTML_BYTES - frame.html.size - sum(part.size for part in around)
    body = _body(pieces, language, digest.picks, room, web_copy)
    return Letter(
        _framed(frame.html, preheader, opening.html, body.html, footer.html),
        _framed(frame.text, NOTHING.text, opening.text, body.text, footer.text),
        own.unsubscribe if pieces.has_web else None,
        pieces.by_mail(subscriber),
    )


def fit(whole: Sequence[int], short: Sequence[int], room: int) -> tuple[int, int]:
    """Say how many items are shown whole, and how many after them as a title line.

    As many are whole as leave room for the title lines of all the others; where not even
    the title lines fit alone, the last ones are left out.

    Args:
        whole, short: sizes of each item in both shapes, in the order shown.
        room: what they may take together.
    """
    used, lines = 0, sum(short)
    fitting = 0 if lines <= room else None
    for count, (size, line) in enumerate(zip(whole, short, strict=True), start=1):
        used += size
        lines -= line
        if used + lines <= room:
            fitting = count
    if fitting is not None:
        return fitting, len(whole) - fitting
    shown = used = 0
    for line in short:
        used += line
        if used > room:
            break
        shown += 1
    return 0, shown


def _body(
    pieces: Pieces, language: Language, picks: Sequence[Pick], room: int, web_copy: Piece
) -> Letter:
    """Write the picks, as many whole ones as fit."""
    entries = _entries(pieces, language, picks)
    sizes = [entry.size + VERDICTS * web_copy.size for entry in entries]
    if sum(sizes) <= room:
        body, _ = _whole(pieces, entries, web_copy)
        return body
    lines = [pieces.short(language, pick.item) for pick in picks]
    whole, short = fit(sizes, [line.html.size for line in lines], room - NOTE_BYTES)
    body, links = _whole(pieces, entries[:whole], web_copy)
    if whole:
        _add(body, pieces.section(language, language.gettext("Also chosen for you")))
    for place, line in enumerate(lines[whole : whole + short], start=whole):
        links = _add_line(body, pieces, line, place, links)
    if whole + short < len(picks):
        _add(body, pieces.left_out(language, len(picks) - whole - short))
    return body


def _entries(pieces: Pieces, language: Language, picks: Sequence[Pick]) -> list[Entry]:
    entries: list[Entry] = []
    section: str | None = None
    for pick in picks:
        name = pick.interest or language.gettext("Popular today")
        heading = NOTHING if name == section else pieces.section(language, name)
        section = name
        shown = wording.shown_reasons(pick.reasons)
        summary = _summary(pieces, language, pick.item, shown)
        reasons = NOTHING
        if shown:
            few = shown[: wording.REASONS_SHOWN]
            reasons = pieces.reasons(language, *[(one.kind, one.value) for one in few])
        item = pieces.item(language, pick.item, pick.upvotes, pick.comments, bool(shown))
        size = heading.html.size + item.html.size + summary.html.size + reasons.html.size
        entries.append(Entry(heading, item, summary, reasons, size))
    return entries


def _summary(pieces: Pieces, language: Language, item: Item, reasons: Sequence[Reason]) -> Shown:
    """Take the source's machine-made summary, which the mail marks as such, or extract."""
    if item.ai_summary:
        text = telling_sentences(item.ai_summary, ())
    else:
        text = telling_sentences(item.summary, wording.matched_words(reasons))
    return pieces.summary(language, item.language, text, bool(item.ai_summary)) if text else NOTHING


def _whole(pieces: Pieces, entries: Sequence[Entry], web_copy: Piece) -> tuple[Letter, int]:
    """Write whole items; gives the number of links in the text as well."""
    html: list[bytes] = []
    text: list[bytes] = []
    links = 0
    for place, (heading, item, summary, reasons, _) in enumerate(entries):
        if heading is not NOTHING:
            html.append(heading.html.encoded)
            text.append(heading.text.encoded)
        where = (pieces.places[place], pieces.numbers[place], web_copy.encoded)
        html += filled(item.html, *where, summary.html.encoded, reasons.html.encoded)
        numbers = pieces.numbers[links : links + item.text.numbers]
        text += filled(item.text, *where, summary.text.encoded, reasons.text.encoded, *numbers)
        links += item.text.numbers
    return Letter(html, text), links


def _add_line(body: Letter, pieces: Pieces, line: Both, place: int, links: int) -> int:
    """Add a title line; gives the number of links in the text so far."""
    where = pieces.places[place]
    numbers = pieces.numbers[links : links + line.text.numbers]
    body.html.extend(filled(line.html, where))
    body.text.extend(filled(line.text, where, *numbers))
    return links + line.text.numbers


def _add(body: Letter, shown: Shown) -> None:
    body.html.append(shown.html.encoded)
    body.text.append(shown.text.encoded)


def _footer(
    pieces: Pieces,
    language: Language,
    digest: Digest,
    subscriber: Subscriber,
    own: OwnLinks,
    web_copy: Piece,
) -> Shown:
    following = digest.day.next_digest_at
    moment = NOTHING
    if following:
        moment = pieces.moment(language, following, subscriber.schedule.timezone)
    address = wording.line(subscriber.email, wording.TITLE_ROOM)
    interests = pieces.names(language, *[interest.name for interest in subscriber.interests])
    form = pieces.footer(language, following is not None)
    links = (piece(own.unsubscribe), piece(own.preferences), web_copy)
    return Shown(
        joined(form.html, piece(escape(address)), interests.html, moment.html, *links),
        joined(form.text, piece(address), interests.text, moment.text, *links),
    )


def _framed(
    frame: Form, preheader: Piece, opening: Piece, body: list[bytes], footer: Piece
) -> list[bytes]:
    """Put stretches of the mail into the holes of its frame."""
    around = [[one] for one in frame.pieces]
    stretches = [*around, [preheader.encoded], [opening.encoded], body, [footer.encoded]]
    return list(chain.from_iterable(frame.order(stretches)))
