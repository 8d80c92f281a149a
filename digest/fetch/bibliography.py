"""A library as reference managers export it to its works.

BibTeX, RIS, Web of Science's tagged text, CSL-JSON, and Zotero's JSON and CSV, told by their
content.  Pure; nothing is fetched or opened.
"""

import csv
import io
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import rispy
from bibtexparser.entrypoint import parse_string
from bibtexparser.model import Entry

from digest.errors import ParseError
from digest.fetch.document import excerpt, load_json, looks_like_json
from digest.fetch.markup import read_markup
from digest.fetch.values import date_of, day, each, inner, text, texts
from digest.fetch.work import Work, collect
from digest.model import Announcement, Source

MAX_RECORDS = 5_000
LIBRARY = Source(name="library", url="")
# A record may name its preprint in a field that is made for something else.
PREPRINT = re.compile(
    r"arxiv(?:\.org/abs/|[:\s]\s?)(?P<id>\d{4}\.\d{4,5}|[a-z-]{2,17}(?:\.[A-Z]{2})?/\d{7})", re.I
)
_BIBTEX = re.compile(r"^\s*@\s*[A-Za-z]+\s*[{(]", re.MULTILINE)
# Two spaces, sometimes one, sometimes none behind the sign.
_RIS_LINE = re.compile(r"(?P<tag>[A-Z][A-Z0-9])\s{1,2}-(?:\s(?P<value>.*)|\s*)")
_RIS = re.compile(r"^\s*TY\s{1,2}-", re.MULTILINE)
_WEB_OF_SCIENCE = re.compile(r"^PT [A-Z]\s*$", re.MULTILINE)
_ZOTERO_COLUMNS = {"Title", "Item Type", "Author"}
_PIECE = re.compile(r'"(?P<quoted>[^"]*)"|\{(?P<braced>[^{}]*)\}|(?P<name>[\w-]+)')
_CONCATENATION = re.compile(
    r'(?:"[^"]*"|\{[^{}]*\}|[\w-]++)(?:\s*+#\s*+(?:"[^"]*"|\{[^{}]*\}|[\w-]++))+'
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
# Of a text in Chinese, Japanese or Korean the bytes over 127 stand in long runs.
MIN_WIDE_RUN = 4

# It logs what it cannot read, with the text in it; a foreign text is no log line.
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What a file holds: records as counted, their works each once, and what was odd."""

    records: int
    works: tuple[Announcement, ...]
    warnings: tuple[str, ...]


def read_library(content: bytes) -> Library:
    """Read the works of a library.

    Raises:
        ParseError: it is none of the known formats, or so broken that nothing can be read.
    """
    document, warnings = _decoded(content)
    works = list(islice(_works(content, document), MAX_RECORDS))
    if len(works) == MAX_RECORDS:
        warnings = (*warnings, f"no more than {MAX_RECORDS} records were read")
    collected = collect(works, lambda work: work, LIBRARY)
    return Library(
        records=len(works),
        works=collected.announcements,
        warnings=(*warnings, *collected.warnings),
    )


def _works(content: bytes, document: str) -> Iterable[Work]:
    if looks_like_json(content):
        return _from_json(content)
    for sign, read in READERS:
        if sign.search(document):
            try:
                return list(islice(read(document), MAX_RECORDS))
            # The libraries trust their input; a broken file shows as any of these.
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                kind = type(error).__name__
                raise ParseError(f"the library breaks its own format: {kind}: {error}") from error
    columns = next(csv.reader(io.StringIO(document[:10_000])), [])
    if _ZOTERO_COLUMNS.issubset(columns):
        return _from_csv(document)
    raise ParseError(
        f"expected BibTeX, RIS, CSL-JSON or an export of Zotero, got {excerpt(document)}"
    )


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode by byte order mark or as UTF-8, else by what the bytes look like."""
    try:
        content.decode("utf-8")
        guess = None
    except UnicodeDecodeError:
        runs = _NOT_ASCII.findall(content[:200_000])
        is_wide = sum(map(len, runs)) >= MIN_WIDE_RUN * len(runs)
        guess = "gb18030" if is_wide else None
    markup = read_markup(content, guess)
    return markup.text.replace("\r\n", "\n").replace("\r", "\n"), markup.warnings


# --- BibTeX -----------------------------------------------------------------------------


def _from_bibtex(document: str) -> Iterator[Work]:
    library = parse_string(document)
    strings = {one.key.lower(): str(one.value) for one in library.strings}
    # Two works under one citation key are still two works.
    twice = (getattr(block, "ignore_error_block", None) for block in library.failed_blocks)
    for entry in (*library.entries, *(block for block in twice if isinstance(block, Entry))):
        yield _bibtex_work(
            {field.key.lower(): _joined(str(field.value), strings) for field in entry.fields}
        )


def _joined(value: str, strings: Mapping[str, str]) -> str:
    """Join what "#" joins: the library leaves `"Neural " # nets` as it stands."""
    if "#" not in value or not _CONCATENATION.fullmatch(value):
        return value
    return "".join(
        strings.get(piece["name"].lower(), "")
        if piece["name"]
        else piece["quoted"] or piece["braced"] or ""
        for piece in _PIECE.finditer(value)
    )


def _bibtex_work(fields: Mapping[str, str]) -> Work:
    prefix = text(fields, "archiveprefix", "eprinttype").lower()
    eprint = text(fields, "eprint") if prefix in ("", "arxiv") else ""
    said = (text(fields, name) for name in ("journal", "note", "url", "howpublished", "number"))
    return Work(
        title=text(fields, "title", "booktitle"),
        summary=text(fields, "abstract"),
        authors=_bibtex_names(text(fields, "author", "editor")),
        arxiv=eprint or _preprint(said),
        doi=text(fields, "doi"),
        page=text(fields, "url"),
        keywords=re.split(r"[;,]\s*", text(fields, "keywords")),
        published_on=day(text(fields, "date"))
        or date_of(text(fields, "year"), text(fields, "month"), text(fields, "day")),
    )


def _bibtex_names(authors: str) -> list[str]:
    # "and others" stands for the rest.
    given = re.split(r"\s+and\s+", authors)
    return [_turned(name) for name in given if name.strip().lower() != "others"]


# --- RIS, Web of Science ----------------------------------------------------------------


def _from_ris(document: str) -> Iterator[Work]:
    for record in rispy.loads("\n".join(_ris_lines(document))):
        yield _ris_work(record)


def _ris_lines(document: str) -> Iterator[str]:
    """Write a RIS document as the standard has it: each record ended, nothing before its tags."""
    is_open, has_tag = False, False
    for line in document.split("\n"):
        match = _RIS_LINE.fullmatch(line.lstrip("\ufeff"))
        if match is None:
            if has_tag:
                yield line
            continue
        tag = match["tag"]
        if tag == "TY":
            if is_open:
                yield "ER  - "
            is_open, has_tag = True, False
        elif is_open:
            is_open, has_tag = tag != "ER", tag != "ER"
        else:
            continue
        yield f"{tag}  - {match['value'] or ''}"
    if is_open:
        yield "ER  - "


def _ris_work(record: Mapping[str, Any]) -> Work:
    links = [*texts(record.get("urls")), *texts(record.get("url"))]
    said = [text(record, name) for name in ("journal_name", "secondary_title", "custom3", "number")]
    written = text(record, "date", "publication_year", "year")
    people = record.get("authors") or record.get("first_authors")
    return Work(
        title=text(record, "title", "primary_title", "translated_title", "short_title"),
        summary=text(record, "abstract", "notes_abstract"),
        authors=[_turned(name) for name in texts(people)],
        arxiv=_preprint([*links, *said, *texts(record.get("notes"))]),
        doi=text(record, "doi"),
        page=next(iter(links), ""),
        keywords=list(texts(record.get("keywords"))),
        published_on=day(written.rstrip("/")),
    )


def _from_web_of_science(document: str) -> Iterator[Work]:
    parser = rispy.WokParser()
    for record in parser.parse(document.lstrip("\ufeff")):
        yield Work(
            title=text(record, "document_title"),
            summary=text(record, "abstract"),
            authors=[
                _turned(name)
                for name in texts(record.get("author_full_name") or record.get("authors"))
            ],
            doi=text(record, "doi"),
        )


# --- JSON, CSV --------------------------------------------------------------------------


def _from_json(content: bytes) -> Iterator[Work]:
    document, _ = load_json(content, LIBRARY.name)
    if isinstance(document, Mapping):
        document = document["items"] if isinstance(document.get("items"), list) else [document]
    if not isinstance(document, list) or not all(isinstance(one, Mapping) for one in document):
        raise ParseError("expected CSL-JSON or an export of Zotero, got other JSON")
    for one in document:
        # Zotero's API wraps each item; attachments and notes are no works.
        fields = inner(one, "data") or one
        if fields.get("itemType") not in ("attachment", "note", "annotation"):
            yield _json_work(fields)


def _json_work(fields: Mapping[str, Any]) -> Work:
    said = (text(fields, name) for name in ("number", "note", "extra", "archiveID", "URL", "url"))
    parts = next(iter(each(inner(fields, "issued"), "date-parts")), None)
    whole = date_of(*parts) if isinstance(parts, list) and len(parts) == 3 else None
    return Work(
        title=text(fields, "title"),
        summary=text(fields, "abstract", "abstractNote"),
        authors=[_json_name(one) for one in each(fields, "author") + each(fields, "creators")],
        arxiv=_preprint(said),
        doi=text(fields, "DOI"),
        page=text(fields, "URL", "url"),
        keywords=[text(one, "tag") for one in each(fields, "tags")],
        published_on=whole or day(text(fields, "date")),
    )


def _json_name(person: object) -> str:
    parts = (text(person, "given", "firstName"), text(person, "family", "lastName"))
    return " ".join(filter(None, parts)) or text(person, "literal", "name")


def _from_csv(document: str) -> Iterator[Work]:
    try:
        for row in csv.DictReader(io.StringIO(document)):
            said = (text(row, name) for name in ("Extra", "Url", "Number"))
            yield Work(
                title=text(row, "Title"),
                summary=text(row, "Abstract Note"),
                authors=[_turned(name) for name in text(row, "Author").split(";")],
                arxiv=_preprint(said),
                doi=text(row, "DOI"),
                page=text(row, "Url"),
                published_on=day(text(row, "Date")),
            )
    except csv.Error as error:
        raise ParseError(f"expected an export of Zotero, got broken CSV: {error}") from error


# --- names and ids ----------------------------------------------------------------------


def _turned(name: str) -> str:
    """Turn "Lovelace, Ada" into the order that all other sources write."""
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}" if comma and given.strip() else name.strip()


def _preprint(said: Iterable[str]) -> str:
    found = filter(None, map(PREPRINT.search, said))
    return next((match["id"] for match in found), "")


READERS: Sequence[tuple[re.Pattern[str], Callable[[str], Iterator[Work]]]] = (
    (_RIS, _from_ris),
    (_WEB_OF_SCIENCE, _from_web_of_science),
    (_BIBTEX, _from_bibtex),
)
