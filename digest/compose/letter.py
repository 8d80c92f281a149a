"""A digest as the two parts of a mail: pieces in order, numbered, and kept in size."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from digest.compose import wording
from digest.compose.extract import telling_sentences
from digest.compose.pieces import Both, Piece, Pieces, Shown, filled, piece
from digest.model import Digest, Pick, Subscriber
from digest.render import Language

# A large client clips HTML near 102 kB and takes the footer with it.
HTML_BYTES = 90_000
# What the heading of the title lines and the note on what was left out may take of it.
NOTE_BYTES = 4_000


class Letter(NamedTuple):
    """Both parts of a mail, in pieces."""

    html: list[Piece]
    text: list[Piece]


class _Entry(NamedTuple):
    """One pick, rendered for its reader; `heading` where a section begins with it."""

    heading: Shown | None
    item: Both
    summary: Shown | None
    reasons: Shown | None

    def size(self) -> int:
        html = sum(part.size for part in self.item.html.pieces)
        return html + sum(
            one.html.size for one in (self.heading, self.summary, self.reasons) if one
        )


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
    titles = [wording.title(pick.item) for pick in digest.picks]
    preheader = piece(escape(wording.preheader(titles)))
    footer = _footer(pieces, language, digest, subscriber)
    body = Letter([], [])
    around = [*frame.html.pieces, opening.html, preheader, *footer.html]
    room = HTML_BYTES - sum(part.size for part in around)
    _write_picks(body, pieces, language, digest.picks, room)
    html = {
        "preheader": [preheader],
        "opening": [opening.html],
        "body": body.html,
        "footer": footer.html,
    }
    text = {"preheader": [], "opening": [opening.text], "body": body.text, "footer": footer.text}
    return Letter(filled(frame.html, html), filled(frame.text, text))


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


def _write_picks(
    body: Letter, pieces: Pieces, language: Language, picks: Sequence[Pick], room: int
) -> None:
    entries = _entries(pieces, language, picks)
    sizes = [entry.size() for entry in entries]
    whole, lines = len(entries), 0
    if sum(sizes) > room:
        short = [
            sum(part.size for part in pieces.short(language, pick.item).html.pieces)
            for pick in picks
        ]
        whole, lines = fit(sizes, short, room - NOTE_BYTES)
    links = 0
    for place, entry in enumerate(entries[:whole], start=1):
        links = _write_entry(body, pieces, entry, place, links)
    if whole == len(entries):
        return
    also = pieces.section(language, language.gettext("Also chosen for you"))
    body.html.append(also.html)
    body.text.append(also.text)
    for place, pick in enumerate(picks[whole : whole + lines], start=whole + 1):
        line = pieces.short(language, pick.item)
        parts = {"place": [pieces.place(place)]}
        body.html.extend(filled(line.html, parts, pieces.numbers(links)))
        body.text.extend(filled(line.text, parts, pieces.numbers(links)))
        links += line.text.holes.count("number")
    if whole + lines < len(entries):
        note = pieces.left_out(language, len(entries) - whole - lines)
        body.html.append(note.html)
        body.text.append(note.text)


def _entries(pieces: Pieces, language: Language, picks: Sequence[Pick]) -> list[_Entry]:
    entries: list[_Entry] = []
    section: str | None = None
    for pick in picks:
        name = pick.interest or language.gettext("Popular today")
        heading = None if name == section and entries else pieces.section(language, name)
        section = name
        shown = wording.shown_reasons(pick.reasons)
        entries.append(
            _Entry(
                heading=heading,
                item=pieces.item(
                    language, pick.item, pick.upvotes, pick.comments, has_reasons=bool(shown)
                ),
                summary=_summary(pieces, language, pick),
                reasons=pieces.reasons(language, tuple((one.kind, one.value) for one in shown))
                if shown
                else None,
            )
        )
    return entries


def _summary(pieces: Pieces, language: Language, pick: Pick) -> Shown | None:
    """Take the source's machine-made summary, which the mail marks as such, or extract."""
    item = pick.item
    if item.ai_summary:
        text = telling_sentences(item.ai_summary, ())
    else:
        text = telling_sentences(item.summary, wording.matched_words(pick.reasons))
    if not text:
        return None
    return pieces.summary(language, wording.language_tag(item), text, is_ai=bool(item.ai_summary))


def _write_entry(body: Letter, pieces: Pieces, entry: _Entry, place: int, links: int) -> int:
    """Add one item to both parts; gives the number of links in the text so far."""
    if entry.heading:
        body.html.append(entry.heading.html)
        body.text.append(entry.heading.text)
    for form, side, out in ((entry.item.html, 0, body.html), (entry.item.text, 1, body.text)):
        parts = {
            "place": [pieces.place(place)],
            "summary": [entry.summary[side]] if entry.summary else [],
            "reasons": [entry.reasons[side]] if entry.reasons else [],
        }
        out.extend(filled(form, parts, pieces.numbers(links)))
    return links + entry.item.text.holes.count("number")


def _footer(pieces: Pieces, language: Language, digest: Digest, subscriber: Subscriber) -> Letter:
    following = digest.day.next_digest_at
    form = pieces.footer(language, has_next=following is not None)
    names = tuple(interest.name for interest in subscriber.interests)
    address = wording.line(subscriber.email, wording.TITLE_ROOM)
    interests = pieces.names(language, names)
    html = {"address": [piece(escape(address))], "interests": [interests.html]}
    text = {"address": [piece(address)], "interests": [interests.text]}
    if following:
        moment = pieces.moment(language, following, subscriber.schedule.timezone)
        html["next_digest"], text["next_digest"] = [moment.html], [moment.text]
    return Letter(filled(form.html, html), filled(form.text, text))
