"""A digest as the two parts of a mail: pieces in order, numbered, and kept in size."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from digest.compose import headings, wording
from digest.compose.addresses import OwnLinks
from digest.compose.body import Body, Entry, Lines, fit
from digest.compose.digest import Shelf, shelf
from digest.compose.fragments import NOTHING, Shown, filled, joined, size
from digest.compose.pieces import Pieces
from digest.compose.telling import said_reasons, summary_of
from digest.compose.wire import encoded
from digest.model import Addressee, Digest, Form, Frequency, MentionKind, Pick
from digest.render import Language

# A large client clips HTML near 102 kB and takes the footer with it.
HTML_BYTES = 90_000
# What the heading of the title lines and the note on what was left out may take of it.
NOTE_BYTES = 4_000
# Titles beyond these are beyond the preheader's end.
PREHEADER_TITLES = 4
# Title lines by what they tell: the first stand above the picks of a week, the last are the
# first to go where room is short.
MOST_VOTED = MentionKind.MOST_VOTED
MENTIONS = (MOST_VOTED, MentionKind.REVISED, MentionKind.ALSO_NEW)


class Letter(NamedTuple):
    """Both parts of a mail, in encoded pieces.

    Attributes:
        unsubscribe: the address of the page that ends the subscription, None if there is none.
        unsubscribe_by_mail: a `mailto:` address.
    """

    html: Sequence[bytes]
    text: Sequence[bytes]
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
    preheader = encoded(escape(headings.preheader(titles)))
    own = pieces.addresses.own(subscriber, digest)
    web_copy = encoded(own.web_copy)
    footer = _footer(pieces, language, digest, subscriber, own, web_copy)

    def html_of(body: Body) -> tuple[bytes, ...]:
        return filled(frame.html, preheader, opening.html, b"".join(body.html), footer.html)

    entries = _entries(pieces, language, digest.picks, subscriber, web_copy)
    mentioned = _mentioned(pieces, language, digest)
    body = _in_order(pieces, entries, mentioned)
    html = html_of(body)
    # Text is never shorter encoded, so most mails need not be measured exactly.
    if sum(map(len, html)) > HTML_BYTES:
        room = HTML_BYTES - size(*html_of(Body(pieces)))
        body = _in_room(pieces, language, digest.picks, entries, mentioned, room, web_copy)
        html = html_of(body)
    return Letter(
        html,
        filled(frame.text, NOTHING.text, opening.text, b"".join(body.text), footer.text),
        own.unsubscribe if pieces.has_web else None,
        pieces.addresses.by_mail(subscriber),
    )


def _in_order(
    pieces: Pieces, entries: Sequence[Entry], mentioned: Mapping[MentionKind, Lines]
) -> Body:
    """Write the picks, and title lines above and below them."""
    body = Body(pieces)
    if MOST_VOTED in mentioned:
        body.add_lines(mentioned[MOST_VOTED])
    body.add_items(entries)
    for kind, lines in mentioned.items():
        if kind is not MOST_VOTED:
            body.add_lines(lines)
    return body


def _in_room(
    pieces: Pieces,
    language: Language,
    picks: Sequence[Pick],
    entries: Sequence[Entry],
    mentioned: Mapping[MentionKind, Lines],
    room: int,
    web_copy: bytes,
) -> Body:
    """Write as many whole picks as fit in so many bytes of HTML, then as many title lines."""
    sizes = [size(heading.html, *filled(item.html, *html)) for heading, item, html, _ in entries]
    left = room - sum(sizes)
    if left >= 0:
        return _in_order(pieces, entries, _fitting(mentioned, left))
    places = zip(picks, pieces.places, strict=False)
    lines = [pieces.line(language, pick.item, "", place) for pick, place in places]
    whole, short = fit(sizes, [size(line.html) for line in lines], room - NOTE_BYTES)
    body = Body(pieces)
    body.add_items(entries[:whole])
    heading = pieces.lines(language, language.gettext("Also chosen for you"))
    body.add_lines(Lines(heading, lines[whole : whole + short]))
    if whole + short < len(picks):
        left_out = pieces.left_out(language, len(picks) - whole - short)
        body.add(left_out, web_copy)
    return body


def _fitting(mentioned: Mapping[MentionKind, Lines], room: int) -> dict[MentionKind, Lines]:
    """Give as many title lines of each kind as fit: the least telling are dropped first."""
    found: dict[MentionKind, Lines] = {}
    for kind, (heading, lines) in mentioned.items():
        left = room - size(*heading.html.pieces)
        fitting = 0
        for line in lines:
            left -= size(line.html)
            if left < 0:
                break
            fitting += 1
            room = left
        found[kind] = Lines(heading, lines[:fitting])
    return found


def _mentioned(pieces: Pieces, language: Language, digest: Digest) -> dict[MentionKind, Lines]:
    """Give the title lines of each kind that there are, the most telling first."""
    found: dict[MentionKind, Lines] = {}
    for kind in MENTIONS:
        mentions = [one for one in digest.mentions if one.kind is kind]
        if not mentions:
            continue
        heading = pieces.lines(language, headings.mention_heading(language, kind, digest))
        lines = [
            pieces.line(
                language,
                one.item,
                headings.mention_note(language, one, digest.edition),
                pieces.bullet,
            )
            for one in mentions
        ]
        found[kind] = Lines(heading, lines)
    return found


def _entries(
    pieces: Pieces,
    language: Language,
    picks: Sequence[Pick],
    subscriber: Addressee,
    web_copy: bytes,
) -> list[Entry]:
    entries: list[Entry] = []
    is_short = subscriber.form is Form.SHORT
    thumbnails = subscriber.thumbnails
    # Most readers' sections are their interests, which need no looking up.
    is_plain = not (subscriber.revisions or _is_weekly(subscriber))
    section: Shelf | None = None
    said = pieces.reasons(language, [said_reasons(pick) for pick in picks])
    for pick, reasons, place, number in zip(
        picks, said, pieces.places, pieces.numbers, strict=False
    ):
        item, heading = pick.item, NOTHING
        if not (is_plain and section and section.interest == pick.interest):
            where = shelf(subscriber, item, pick.interest)
            if where != section:
                heading = pieces.section(language, headings.shelf_name(language, where))
                section = where
        has_reasons = reasons is not NOTHING
        if is_short:
            brief = pieces.brief(language, item, has_reasons)
            entries.append(Entry(heading, brief, (place, reasons.html), (place, reasons.text)))
            continue
        if pick.sentences is None:
            summary = pieces.summary_in(language, item, summary_of(pick))
        else:
            summary = pieces.summary(language, item, pick.sentences)
        picture = pieces.picture(item) if thumbnails else None
        shown = pieces.item(language, item, pick.upvotes, pick.comments, has_reasons, picture)
        html = (place, number, web_copy, summary.html, reasons.html)
        text = (place, number, web_copy, summary.text, reasons.text)
        entries.append(Entry(heading, shown, html, text))
    return entries


def _is_weekly(subscriber: Addressee) -> bool:
    return subscriber.schedule.frequency is Frequency.WEEKLY


def _footer(
    pieces: Pieces,
    language: Language,
    digest: Digest,
    subscriber: Addressee,
    own: OwnLinks,
    web_copy: bytes,
) -> Shown:
    following = digest.day.next_digest_at
    moment = NOTHING
    if following:
        moment = pieces.moment(language, following, subscriber.schedule.timezone)
    address = wording.line(subscriber.email, wording.TITLE_ROOM)
    interests = pieces.names(language, subscriber.interest_names)
    form = pieces.footer(language, following is not None)
    links = (encoded(own.unsubscribe), encoded(own.preferences), web_copy)
    return Shown(
        joined(form.html, encoded(escape(address)), interests.html, moment.html, *links),
        joined(form.text, encoded(address), interests.text, moment.text, *links),
    )
