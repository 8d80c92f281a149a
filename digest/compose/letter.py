"""A digest as the two parts of a mail: pieces in order, numbered, and kept in size."""

from collections.abc import Sequence
from html import escape
from itertools import chain
from typing import NamedTuple

from digest.compose import headings, wording
from digest.compose.body import Body, Entry, Lines, fit
from digest.compose.digest import Shelf, shelf
from digest.compose.fragments import NOTHING, Line, Piece, Shown, joined, piece
from digest.compose.fragments import Form as Fragment
from digest.compose.pieces import OwnLinks, Pieces
from digest.compose.telling import said_reasons, summary_of
from digest.model import (
    Addressee,
    Digest,
    Form,
    Frequency,
    MentionKind,
    Pick,
)
from digest.render import Language

# A large client clips HTML near 102 kB and takes the footer with it.
HTML_BYTES = 90_000
# What the heading of the title lines and the note on what was left out may take of it.
NOTE_BYTES = 4_000
# Titles beyond these are beyond the preheader's end.
PREHEADER_TITLES = 4
# How often an item's HTML names its reader's web copy: "more" and "less" stand below it.
VERDICTS = 2
# Title lines by what they tell: the first stand above the picks of a week, the last are the
# first to go where room is short.
MENTIONS = (MentionKind.MOST_VOTED, MentionKind.REVISED, MentionKind.ALSO_NEW)


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


def write_letter(
    pieces: Pieces, language: Language, digest: Digest, subscriber: Addressee
) -> Letter:
    """Write both parts of a subscriber's mail; they say the same.

    Items that would make the HTML too large are shown as title lines, last ones first.
    """
    frame = pieces.frame(language, digest.edition)
    opening = pieces.opening(
        language,
        digest.edition,
        _is_weekly(subscriber),
        digest.day,
        len(digest.picks),
        headings.looks_back_to(digest, subscriber),
    )
    titles = [wording.title(pick.item) for pick in digest.picks[:PREHEADER_TITLES]]
    preheader = piece(escape(headings.preheader(titles)))
    own = pieces.own_links(subscriber, digest)
    web_copy = piece(own.web_copy)
    footer = _footer(pieces, language, digest, subscriber, own, web_copy)
    around = (opening.html, preheader, footer.html)
    room = HTML_BYTES - frame.html.size - sum(part.size for part in around)
    body = _body(pieces, language, digest, subscriber, room, web_copy)
    return Letter(
        _framed(frame.html, preheader, opening.html, body.html, footer.html),
        _framed(frame.text, NOTHING.text, opening.text, body.text, footer.text),
        own.unsubscribe if pieces.has_web else None,
        pieces.by_mail(subscriber),
    )


def _body(
    pieces: Pieces,
    language: Language,
    digest: Digest,
    subscriber: Addressee,
    room: int,
    web_copy: Piece,
) -> Body:
    """Write the picks, as many whole ones as fit, and as many title lines as fit then."""
    body = Body(pieces)
    picks = digest.picks
    entries = _entries(pieces, language, picks, subscriber, web_copy)
    sizes = [entry.size for entry in entries]
    left = room - sum(sizes)
    if left >= 0:
        if not digest.mentions:
            body.add_items(entries)
            return body
        most_voted, *others = _mentioned(pieces, language, digest, left)
        body.add_lines(most_voted)
        body.add_items(entries)
        for other in others:
            body.add_lines(other)
        return body
    places = zip(picks, pieces.places, strict=False)
    lines = [pieces.line(language, pick.item, "", place) for pick, place in places]
    whole, short = fit(sizes, [line.html.size for line in lines], room - NOTE_BYTES)
    body.add_items(entries[:whole])
    heading = pieces.lines(language, language.gettext("Also chosen for you"))
    body.add_lines(Lines(heading, lines[whole : whole + short]))
    if whole + short < len(picks):
        left_out = pieces.left_out(language, len(picks) - whole - short)
        body.add(left_out, web_copy.encoded)
    return body


def _mentioned(pieces: Pieces, language: Language, digest: Digest, room: int) -> list[Lines]:
    """Give the title lines of each kind, as many as fit: the least telling are dropped first."""
    found: list[Lines] = []
    for kind in MENTIONS:
        lines: list[Line] = []
        heading = pieces.lines(language, headings.mention_heading(language, kind, digest))
        left = room - heading.html.size
        for mention in digest.mentions:
            if mention.kind is kind:
                note = headings.mention_note(language, mention, digest.edition)
                line = pieces.line(language, mention.item, note, pieces.bullet)
                left -= line.html.size
                if left < 0:
                    break
                lines.append(line)
                room = left
        found.append(Lines(heading, lines))
    return found


def _entries(
    pieces: Pieces,
    language: Language,
    picks: Sequence[Pick],
    subscriber: Addressee,
    web_copy: Piece,
) -> list[Entry]:
    entries: list[Entry] = []
    is_short = subscriber.form is Form.SHORT
    # Most readers' sections are their interests, which need no looking up.
    is_plain = not (subscriber.revisions or _is_weekly(subscriber))
    section: Shelf | None = None
    for number, pick in enumerate(picks):
        heading = NOTHING
        if not (is_plain and section and section.interest == pick.interest):
            where = shelf(subscriber, pick.item, pick.interest)
            if where != section:
                heading = pieces.section(language, headings.shelf_name(language, where))
                section = where
        said = said_reasons(pick)
        reasons = pieces.reasons(language, said) if said else NOTHING
        size = heading.html.size + reasons.html.size
        if is_short:
            item = pieces.brief(language, pick.item, bool(said))
            size += item.html.size
            fills = (reasons.html.encoded,), (reasons.text.encoded,)
            entries.append(Entry(heading, item, *fills, size))
            continue
        summary = _summary(pieces, language, pick)
        picture = pieces.picture(pick.item) if subscriber.thumbnails else None
        item = pieces.item(language, pick.item, pick.upvotes, pick.comments, bool(said), picture)
        size += item.html.size + summary.html.size + VERDICTS * web_copy.size
        where_to = (pieces.numbers[number], web_copy.encoded)
        html = (*where_to, summary.html.encoded, reasons.html.encoded)
        text = (*where_to, summary.text.encoded, reasons.text.encoded)
        entries.append(Entry(heading, item, html, text, size))
    return entries


def _is_weekly(subscriber: Addressee) -> bool:
    return subscriber.schedule.frequency is Frequency.WEEKLY


def _summary(pieces: Pieces, language: Language, pick: Pick) -> Shown:
    """Show the summary; one that the source had made by a machine is marked as such."""
    if pick.sentences is not None:
        return pieces.summary(language, pick.item, pick.sentences)
    return pieces.summary_in(language, pick.item, summary_of(pick))


def _footer(
    pieces: Pieces,
    language: Language,
    digest: Digest,
    subscriber: Addressee,
    own: OwnLinks,
    web_copy: Piece,
) -> Shown:
    following = digest.day.next_digest_at
    moment = NOTHING
    if following:
        moment = pieces.moment(language, following, subscriber.schedule.timezone)
    address = wording.line(subscriber.email, wording.TITLE_ROOM)
    interests = pieces.names(language, *subscriber.interest_names)
    form = pieces.footer(language, following is not None)
    links = (piece(own.unsubscribe), piece(own.preferences), web_copy)
    return Shown(
        joined(form.html, piece(escape(address)), interests.html, moment.html, *links),
        joined(form.text, piece(address), interests.text, moment.text, *links),
    )


def _framed(
    frame: Fragment, preheader: Piece, opening: Piece, body: list[bytes], footer: Piece
) -> list[bytes]:
    """Put stretches of the mail into the holes of its frame."""
    around = [[one] for one in frame.pieces]
    stretches = [*around, [preheader.encoded], [opening.encoded], body, [footer.encoded]]
    return list(chain.from_iterable(frame.order(stretches)))
