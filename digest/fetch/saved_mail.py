"""Alert mails to a Listing: one message, or an mbox of them, newest first.

arXiv's mailings are read as what they are; Google Scholar's and Semantic Scholar's alerts,
and any other mail that links works by arXiv id or DOI, by their links.  Pure.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from digest.errors import ParseError
from digest.fetch import arxiv_mail
from digest.fetch.joining import join
from digest.fetch.work import Work, collect, split_names
from digest.model import Listing, Source
from digest.spellings import arxiv_id, canonical_link, doi
from digest.text import from_html, markup_depth, one_line

KIND = "file"
MAX_MESSAGES = 500
MAX_PARTS = 100
MAX_BODY_CHARS = 2_000_000
MAX_DEPTH = 20_000
MAX_LINKS = 5_000
# Mails that hold nothing are told one by one up to here.
MAX_TOLD = 3
# A link of fewer letters is "PDF" or "View paper", not a title.
MIN_TITLE_LETTERS = 16
HEADINGS = ("h1", "h2", "h3", "h4")
LONG_AGO = datetime.min.replace(tzinfo=UTC)

_SEPARATOR = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))From [^\n]{1,200}\n")
_HEADER = re.compile(rb"[!-9;-~]{1,76}:[ \t]?[^\n]*\n")
_MAIL_HEADER = re.compile(
    rb"(?:\A|\n)(?:Received|Return-Path|From|Message-ID|MIME-Version|Delivered-To):", re.I
)
_PREPRINT = re.compile(r"\barXiv:(?P<id>\d{4}\.\d{4,5})", re.I)
_S2_PAPER = re.compile(r"/paper/(?:[^/?#]+/)?(?P<id>[0-9a-f]{40})\b")
_REDIRECTS = ("scholar.google.", "www.google.", "google.")


def is_mail(content: bytes) -> bool:
    """Say whether a document begins as a message or an mbox does."""
    start = _SEPARATOR.match(content)
    head = content[start.end() if start else 0 :][:8_192].replace(b"\r\n", b"\n")
    if not _HEADER.match(head):
        return False
    block = head.partition(b"\n\n")[0]
    return start is not None or _MAIL_HEADER.search(block) is not None


def parse(content: bytes, source: Source, fetched_at: datetime) -> Listing:
    """Read the works that mails announce.

    Raises:
        ParseError: it is no mail, or no message of it announces anything.
    """
    if not is_mail(content):
        raise ParseError("expected a mail or an mbox of alerts", source=source.name)
    listings: list[Listing] = []
    odd: list[str] = []
    for message in _newest_first(_messages(content), odd):
        sent_at = _sent_at(message) or fetched_at
        try:
            listings.append(_listing(message, source, sent_at))
        except ParseError as error:
            odd.append(f'mail "{_subject(message)}" skipped: {error}')
    if not listings:
        raise ParseError(f"no mail announces a work: {odd[0]}", source=source.name)
    if len(odd) > MAX_TOLD:
        odd = [*odd[:MAX_TOLD], f"{len(odd) - MAX_TOLD} more mails were skipped"]
    return join(listings, odd)


# --- the box ----------------------------------------------------------------------------


def _messages(content: bytes) -> Iterator[bytes]:
    """Split an mbox, newest last; a single message is a box of one.  RFC 4155."""
    starts = list(_SEPARATOR.finditer(content))
    if not starts or starts[0].start() > 0:
        yield content
        return
    ends = [start.start() for start in starts[1:]] + [len(content)]
    for start, end in list(zip(starts, ends, strict=True))[-MAX_MESSAGES:]:
        # Lines of a body that begin with "From " were quoted when the box was written.
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", content[start.end() : end])


def _newest_first(raw_messages: Iterable[bytes], odd: list[str]) -> list[Message]:
    """Parse messages; of those sent at once the later one in the box comes first."""
    messages: list[Message] = []
    for raw in raw_messages:
        try:
            messages.append(message_from_bytes(raw))
        except RecursionError:
            odd.append("mail skipped: its parts are nested too deep")
    messages.reverse()
    messages.sort(key=lambda message: _sent_at(message) or LONG_AGO, reverse=True)
    return messages


def _sent_at(message: Message) -> datetime | None:
    try:
        sent_at = parsedate_to_datetime(str(message["Date"]))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return sent_at.replace(tzinfo=sent_at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _subject(message: Message) -> str:
    return one_line(str(message["Subject"] or ""), 60)


def _bodies(message: Message) -> Iterator[tuple[str, str]]:
    """Give the text parts of a message as (subtype, text)."""
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            return
        if part.get_content_maintype() != "text":
            continue
        try:
            payload = part.get_payload(decode=True)
            charset = part.get_content_charset() or "utf-8"
            text = payload.decode(charset, "replace") if isinstance(payload, bytes) else ""
        except (MessageError, ValueError, LookupError, TypeError, AttributeError):
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
        yield part.get_content_subtype(), text[:MAX_BODY_CHARS]


# --- one message ------------------------------------------------------------------------


def _listing(message: Message, source: Source, sent_at: datetime) -> Listing:
    bodies = list(_bodies(message))
    for subtype, text in bodies:
        body = text.encode("utf-8", "replace")
        if subtype == "plain" and arxiv_mail.is_mailing(body):
            return arxiv_mail.parse(body, source, sent_at)
    pages = (text for subtype, text in bodies if subtype == "html")
    works = [work for text in pages for work in _works(text, sent_at.date())]
    if not works:
        raise ParseError("expected an alert with links to works")
    collected = collect(works, lambda work: work, source)
    return Listing(kind=KIND, announcements=collected.announcements, warnings=collected.warnings)


def _works(markup: str, sent_on: date) -> Iterable[Work]:
    if markup_depth(markup) > MAX_DEPTH:
        raise ParseError("the mail's markup is nested too deep")
    page = LexborHTMLParser(markup)
    if titles := page.css("a.gse_alrt_title"):
        return [_scholar_work(title, sent_on) for title in titles[:MAX_LINKS]]
    links = page.css("a[href]")[:MAX_LINKS]
    found = (_linked_work(link, sent_on) for link in links)
    works: dict[str, Work] = {}
    for work in filter(None, found):
        # The same work is linked by its picture, its title and "read more".
        known = works.get(work.guid or work.page)
        if known is None or len(work.title) > len(known.title):
            works[work.guid or work.page] = work
    return works.values()


def _scholar_work(title: LexborNode, sent_on: date) -> Work:
    """Read a Google Scholar entry: heading, "authors - venue, year", a piece of the text."""
    heading = title.parent
    lines: list[LexborNode] = []
    node = heading.next if heading else None
    while node is not None and node.tag != "h3" and len(lines) < 2:
        if node.tag == "div":
            lines.append(node)
        node = node.next
    by_line = _plain(lines[0]) if lines else ""
    people, _, venue = by_line.partition(" - ")
    preprint = _PREPRINT.search(venue)
    link = _target(title.attributes.get("href") or "")
    return Work(
        title=_plain(title),
        summary=_plain(lines[1]) if len(lines) > 1 else "",
        authors=split_names(people.rstrip("… ")),
        has_all_authors="…" not in people,
        arxiv=preprint["id"] if preprint else "",
        doi=doi(link) or "",
        page=link,
        announced_on=sent_on,
    )


def _linked_work(link: LexborNode, sent_on: date) -> Work | None:
    address = _target(link.attributes.get("href") or "")
    title = _plain(link)
    is_heading = link.css_first("h1, h2, h3, h4") or (link.parent and link.parent.tag in HEADINGS)
    if sum(map(str.isalpha, title)) < (1 if is_heading else MIN_TITLE_LETTERS):
        return None
    paper = _S2_PAPER.search(address)
    if paper and "semanticscholar.org" in (urlsplit(address).hostname or ""):
        return Work(
            title=title,
            guid=paper["id"],
            page=f"https://www.semanticscholar.org/paper/{paper['id']}",
            announced_on=sent_on,
        )
    if arxiv_id(address) or doi(address):
        return Work(title=title, doi=doi(address) or "", page=address, announced_on=sent_on)
    return None


def _target(address: str) -> str:
    """Give where a link of a mail leads behind the redirect that counts its clicks."""
    clean = canonical_link(address) or ""
    parts = urlsplit(clean)
    if (parts.hostname or "").startswith(_REDIRECTS):
        wanted = parse_qs(parts.query, max_num_fields=50)
        target = next(iter(wanted.get("url", []) or wanted.get("q", [])), "")
        return canonical_link(target) or clean
    return clean


def _plain(node: LexborNode) -> str:
    # Not the node's own text: that has nothing in the place of <br>.
    return " ".join(from_html(node.html or "").split())
