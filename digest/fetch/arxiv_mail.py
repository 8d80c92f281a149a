r"""arXiv's plain-text forms to a Listing: daily mailings, listings, metadata records (.abs).

All are made of records that open with a line `\\` and an id.  What a record is, its own marks
say; the separators between sections get lost when mails are forwarded.  Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

from digest.errors import ParseError
from digest.fetch.arxiv_item import MAX_ITEMS, announcement, join_doubles, split_authors
from digest.fetch.document import HEAD_BYTES, decode, excerpt
from digest.model import Announce, Announcement, Listing, Source
from digest.spellings import arxiv_id, doi

CROSS = "(*cross-listing*)"
# Two formats of head, before and since 2007; mails that were forwarded quote each line.
HEAD = re.compile(
    r"(?P<quote>(?:>\s?)*)(?:arXiv:|Paper(?: \(\*cross-listing\*\))?:)\s*(?P<id>\S+)(?P<mark>.*)"
)
RULE = re.compile(r"\\\\|-{20,}|[%-]{20,}|/\* .* \*/")
DAY_BLOCK = re.compile(r"/\* \w{3}, (?P<day>\d{1,2} \w{3} \d{4}) \*/")
FIELD = re.compile(r"(?P<name>[A-Z][A-Za-z-]{1,20}(?: \(revised[^()]{0,10}\))?):\s*(?P<value>.*)")
REPLACED = re.compile(r"replaced with revised version\s+(?P<value>.*)")
RECEIVED = re.compile(
    r"received from\s.*\bto\s+(?P<until>\w{3},? +\d{1,2} \w{3} \d{2,4} [\d:]+ GMT)"
)
SIZE_WITHDRAWN = re.compile(r"\(0kb,I\)\s*$")
SIGN = re.compile(
    r"^(?:>\s?)*\\\\[ \t]*\r?\n(?:>\s?)*(?:(?:arXiv:|Paper[ :])|/\* \w{3}, )"
    r"|^(?:>\s?)*\s?received from .{10,40} GMT\s+to ",
    re.MULTILINE,
)


def is_mailing(content: bytes) -> bool:
    """Tell by its beginning whether a document is a mailing, listing or record of arXiv."""
    return SIGN.search(decode(content[: 4 * HEAD_BYTES])[0]) is not None


def parse(content: bytes, source: Source, fetched_at: datetime) -> Listing:  # noqa: ARG001
    """Read a mailing, a listing of days or of a month, or a metadata record.

    Raises:
        ParseError: it holds no record and does not say that the day has none.
    """
    text, decoding = decode(content)
    lines = _unquoted(text)
    records = list(_records(lines))
    shown_on = _shown_on(lines[: records[0].place] if records else lines)
    if not records and not is_mailing(content):
        raise ParseError(f"expected an arXiv mailing, got {excerpt(text)}", source=source.name)
    warnings = list(decoding)
    if len(records) > MAX_ITEMS:
        warnings.append(f"only the first {MAX_ITEMS} of {len(records)} records were read")
    found = [_announcement(record, shown_on) for record in records[:MAX_ITEMS]]
    days = {one.announced_on for one in found if one.announced_on}
    return Listing(
        kind="arxiv",
        announcements=join_doubles(found),
        shown_on=shown_on or max(days, default=None),
        warnings=tuple(warnings),
    )


# --- records ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Record:
    place: int
    identifier: str
    version: int | None
    mark: str
    announced_on: date | None
    lines: list[str] = field(default_factory=list)


def _unquoted(text: str) -> list[str]:
    lines = text.splitlines()
    quotes = (found["quote"] for line in lines if (found := HEAD.fullmatch(line.rstrip())))
    quote = next(quotes, "").rstrip()
    return [line.removeprefix(quote).removeprefix(" ") for line in lines] if quote else lines


def _records(lines: list[str]) -> Iterator[_Record]:
    """Cut a document into records; an id counts as a head only behind a rule."""
    record: _Record | None = None
    announced_on: date | None = None
    behind_rule = True
    for place, line in enumerate(lines):
        bare = line.strip()
        head = HEAD.fullmatch(line.rstrip()) if behind_rule else None
        if head and (known := arxiv_id(head["id"])):
            if record:
                yield record
            mark = CROSS if CROSS in line else ""
            record = _Record(place, *known, mark, announced_on)
        elif block := DAY_BLOCK.fullmatch(bare):
            announced_on = _day(block["day"])
        elif record:
            record.lines.append(line)
        if bare:
            behind_rule = RULE.match(bare) is not None
    if record:
        yield record


def _announcement(record: _Record, shown_on: date | None) -> Announcement:
    fields, abstract = _fields(record.lines)
    dates = [value for name, value in fields if name.startswith(("Date", "replaced"))]
    named = dict(reversed(fields))
    is_replaced = "replaced" in named
    versions = [1 + sum(name.startswith("Date (") for name, _ in fields)] if "Date" in named else []
    return announcement(
        record.identifier,
        title=named.get("Title", ""),
        summary=abstract,
        authors=split_authors(named.get("Authors", "") or named.get("Author", "")),
        categories=named.get("Categories", "").split(),
        doi=doi(named.get("DOI", "").split(" ")[0]),
        comment=named.get("Comments", ""),
        version=record.version or max(versions, default=None),
        published_on=_day(named.get("Date", "")),
        announce=_announce(is_replaced=is_replaced, is_cross=bool(record.mark)),
        announced_on=record.announced_on or shown_on,
        withdrawn=bool(dates and SIZE_WITHDRAWN.search(dates[-1])),
    )


def _announce(*, is_replaced: bool, is_cross: bool) -> Announce:
    if is_replaced:
        return Announce.REPLACEMENT_CROSS if is_cross else Announce.REPLACEMENT
    return Announce.CROSS_LIST if is_cross else Announce.NEW


def _fields(lines: list[str]) -> tuple[list[tuple[str, str]], str]:
    """Give a record's named fields in order, and its abstract."""
    fields: list[tuple[str, str]] = []
    for place, line in enumerate(lines):
        if RULE.match(line.strip()):
            return fields, _abstract(lines[place + 1 :])
        replaced = REPLACED.match(line)
        named = None if line[:1].isspace() else FIELD.match(line)
        if replaced:
            fields.append(("replaced", replaced["value"]))
        elif named:
            fields.append((named["name"], named["value"]))
        elif fields and line.strip():
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}")
    return fields, ""


def _abstract(lines: list[str]) -> str:
    """Join an abstract up to the next rule; a line that is moved in begins a paragraph."""
    text: list[str] = []
    for line in lines:
        if RULE.match(line.strip()):
            break
        text.append(f"\n{line}" if line.startswith("  ") else line)
    return "\n".join(text)


# --- days -------------------------------------------------------------------------------


def _shown_on(head: list[str]) -> date | None:
    """Give the day of a mailing: its own date, else the working day after its last submission."""
    for line in head:
        if line.startswith("Date:"):
            return _day(line.removeprefix("Date:"))
    for line in head:
        received = RECEIVED.search(line)
        if received and (until := _day(received["until"])):
            # Announced on the evening of that day, Friday's on Sunday; dated a day later.
            return until + timedelta(days={4: 3, 5: 2}.get(until.weekday(), 1))
    return None


def _day(text: str) -> date | None:
    """Read the UTC day of a date of RFC 822 or of `3 Mar 2023`; None if there is none."""
    try:
        at = parsedate_to_datetime(text.partition("(")[0].strip())
    except (ValueError, OverflowError):
        return _plain_day(text)
    try:
        return at.astimezone(UTC).date() if at.tzinfo else at.date()
    except OverflowError:
        return None


def _plain_day(text: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), "%d %b %Y").date()  # noqa: DTZ007 a day has no zone
    except ValueError:
        return None
