"""Subscribers as files, CSV and JSON: what is written is read back to the same.

Files are foreign until read: of bounded size, in any delimiter and encoding that spreadsheets
write, with rows that may be wrong.  Wrong rows are told by their line; the others are kept.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TextIO

from pydantic import Field, TypeAdapter, ValidationError

from digest.config import (
    WEEKDAYS,
    DigestSettings,
    InterestSettings,
    SubscriberSettings,
    check_address,
)
from digest.errors import ConfigError
from digest.model import Interest, Subscriber
from digest.protocols import Progress

MOST_BYTES = 256 * 1024 * 1024
MOST_ROWS = 1_000_000
# The longest cell is that of somebody's interests.
MOST_CHARS = 100_000
MOST_INTERESTS = 100
NAME_CHARS = 200
ROWS_A_STEP = 1000

WISHES = (
    *("max_items", "at_least", "minimum_score", "popularity"),
    *("explore", "form", "thumbnails", "revisions", "language"),
)
COLUMNS = (
    *("email", "name", "timezone", "at", "weekdays", "frequency"),
    *WISHES,
    *("paused_until", "interests"),
)
# What other programs call the address.
ADDRESS_NAMES = {"e_mail", "mail", "address", "email_address", "e_mail_address"}
DELIMITERS = ",;\t"
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection); an apostrophe
# before it makes it text, and is taken off again.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
MARKED = re.compile(r"''*[=+\-@\t\r]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What needs no look at each sign: the longest of RFC 5321 section 4.5.3.1.1, dots within.
LOCAL_CHARS = 64
PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
INTERESTS: TypeAdapter[tuple[InterestSettings, ...]] = TypeAdapter(
    Annotated[tuple[InterestSettings, ...], Field(max_length=MOST_INTERESTS)]
)
BLANK = Interest(name="")


class Fault(NamedTuple):
    """A row that is left out: where it stands, counted from 1, and why."""

    line: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A row that was understood."""

    line: int
    subscriber: Subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberFile:
    """What a file holds.

    Attributes:
        wanted: with ids and due times yet to be given.
        unknown: columns that say nothing to us.
    """

    wanted: list[Wanted]
    faults: list[Fault]
    unknown: list[str]


def read_file(path: Path, defaults: DigestSettings, progress: Progress) -> SubscriberFile:
    """Read a CSV or JSON file, told apart by what it holds; gaps are filled from [digest].

    Raises:
        ConfigError: it cannot be read, is too large, or is neither.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path}: larger than {MOST_BYTES // 2**20} MB: cut it into parts")
    try:
        text = _decoded(content)
        is_json = text.lstrip()[:1] in ("[", "{")
        rows, unknown = (_json_rows if is_json else _csv_rows)(text)
        return _read_rows(rows, unknown, defaults, progress)
    except (ValueError, csv.Error, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error


def write_csv(to: TextIO, subscribers: Iterable[Subscriber]) -> None:
    """Write a row a subscriber, under a row of names."""
    writer = csv.writer(to, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    for one in subscribers:
        table = as_table(one)
        writer.writerow([_tame(_cell(table.get(name, ""))) for name in COLUMNS])


def write_json(to: TextIO, subscribers: Iterable[Subscriber]) -> None:
    """Write an array of tables, each as [[subscribers]] of the settings file has it."""
    to.write("[")
    for place, one in enumerate(subscribers):
        to.write(",\n" if place else "\n")
        json.dump(as_table(one), to, ensure_ascii=False)
    to.write("\n]\n")


def as_table(subscriber: Subscriber) -> dict[str, Any]:
    """Give a subscriber's wishes in plain values, under the names of the settings file."""
    schedule = subscriber.schedule
    table: dict[str, Any] = {
        "email": subscriber.email,
        "name": subscriber.name,
        "timezone": schedule.timezone,
        "at": f"{schedule.at:%H:%M}",
        "weekdays": [WEEKDAYS[day] for day in sorted(schedule.weekdays)],
        "frequency": str(schedule.frequency),
        **{name: getattr(subscriber, name) for name in WISHES},
        "interests": [_as_table(one) for one in subscriber.interests],
    }
    if subscriber.paused_until:
        table["paused_until"] = subscriber.paused_until.isoformat()
    return table


def _as_table(interest: Interest) -> dict[str, Any]:
    usual = asdict(BLANK)
    return {key: value for key, value in asdict(interest).items() if value != usual[key]}


# --- rows of a file ---------------------------------------------------------------------

Row = Mapping[str, Any]
Rows = Sequence[tuple[int, Row | str]]
"""Line and fields of each row, or what is wrong with it."""


def _decoded(content: bytes) -> str:
    """Read what spreadsheets write: UTF-8, with or without a mark, or UTF-16 with one."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: not UTF-8: save the file as UTF-8") from error


def _json_rows(text: str) -> tuple[Rows, list[str]]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(entries, list):
        raise ValueError("expected an array of subscribers")
    if len(entries) > MOST_ROWS:
        raise ValueError(f"more than {MOST_ROWS} entries: cut it into parts")
    unknown = {key for one in entries if isinstance(one, dict) for key in one} - {*COLUMNS}
    rows: list[tuple[int, Row | str]] = [
        (
            place,
            {key: value for key, value in one.items() if key in COLUMNS and value is not None}
            if isinstance(one, dict)
            else "expected an object",
        )
        for place, one in enumerate(entries, start=1)
    ]
    return rows, sorted(unknown)[:20]


def _csv_rows(text: str) -> tuple[Rows, list[str]]:
    csv.field_size_limit(MOST_CHARS)
    # Excel may say first what it separates by.
    said = re.match(r"sep=(.)\r?\n", text)
    first = text[said.end() if said else 0 :].partition("\n")[0]
    delimiter = said[1] if said else max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    rows: list[tuple[int, Row | str]] = []
    line = 1
    try:
        for cells in reader:
            at, line = line, reader.line_num + 1
            if not any(cells) or (said and at == 1):
                continue
            if names is None:
                names = _column_names(cells)
                # A plain list of addresses has no names.
                if names != ["email"] or cells[0].strip().lower() in ("email", *ADDRESS_NAMES):
                    continue
            rows.append((at, _csv_row(names, cells)))
            if len(rows) > MOST_ROWS:
                raise ValueError(f"more than {MOST_ROWS} rows: cut it into parts")
    except csv.Error as error:
        raise ValueError(f"line {line}: unreadable: {error}") from error
    if names is None:
        raise ValueError("empty: expected a row of names such as email,name,timezone")
    return rows, [name for name in names if name not in COLUMNS][:20]


def _column_names(cells: Sequence[str]) -> list[str]:
    if len(cells) == 1 and "@" in cells[0]:
        return ["email"]
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells]
    names = ["email" if name in ADDRESS_NAMES else name for name in names]
    if names.count("email") != 1:
        raise ValueError("expected one column named email")
    twice = {name for name in names if name in COLUMNS and names.count(name) > 1}
    if twice:
        raise ValueError(f"two columns named {', '.join(sorted(twice))}")
    return names


def _csv_row(names: Sequence[str], cells: Sequence[str]) -> Row | str:
    if len(cells) > len(names) and any(cells[len(names) :]):
        return f"{len(cells)} cells under {len(names)} names"
    pairs = zip(names, cells, strict=False)
    return {name: _untamed(cell) for name, cell in pairs if name in COLUMNS and cell.strip()}


# --- rows to subscribers ----------------------------------------------------------------


def _read_rows(
    rows: Rows, unknown: list[str], defaults: DigestSettings, progress: Progress
) -> SubscriberFile:
    faults: list[Fault] = []
    wanted: list[Wanted] = []
    reader = _RowReader(defaults)
    for place, (line, row) in enumerate(rows):
        if place % ROWS_A_STEP == 0:
            progress("rows", place, len(rows))
        try:
            if isinstance(row, str):
                raise ValueError(row)
            wanted.append(Wanted(line=line, subscriber=reader.subscriber(row)))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            faults.append(Fault(line, f"{name}: {first['msg'].removeprefix('Value error, ')}"))
        except (ValueError, TypeError) as error:
            faults.append(Fault(line, str(error)))
    progress("rows", len(rows), len(rows))
    return SubscriberFile(wanted=wanted, faults=faults, unknown=unknown)


class _RowReader:
    """Reads rows; what many of them share, their hour and their mail host, is checked once."""

    def __init__(self, defaults: DigestSettings) -> None:
        self._defaults = defaults
        self._prototypes: dict[str, Subscriber] = {}
        self._domains: dict[str, str] = {}

    def subscriber(self, row: Row) -> Subscriber:
        """Make a subscriber of a row.

        Raises:
            ValueError: the row is wrong.
        """
        email, name, interests = (row.get(key) or "" for key in ("email", "name", "interests"))
        if not isinstance(email, str) or not isinstance(name, str) or len(name) > NAME_CHARS:
            raise ValueError(f"email, name: expected texts of at most {NAME_CHARS} characters")
        wishes = {key: row[key] for key in row if key not in ("email", "name", "interests")}
        if CONTROLS.search(email + name) or _has_controls([wishes, interests]):
            raise ValueError("control characters")
        return replace(
            self._prototype(wishes),
            email=self._address(email.strip()),
            name=name.strip(),
            interests=_interests(interests),
        )

    def _prototype(self, wishes: Row) -> Subscriber:
        said = json.dumps(wishes, sort_keys=True)
        if said not in self._prototypes:
            fields = dict(wishes)
            paused_until = _instant(fields.pop("paused_until", None))
            if isinstance(fields.get("weekdays"), str):
                fields["weekdays"] = re.findall(r"\w+", fields["weekdays"])
            settings = SubscriberSettings.model_validate(fields | {"email": "nobody@example.org"})
            made = settings.subscriber(
                self._defaults, subscriber_id="", next_digest_at=None, config_owned=False
            )
            self._prototypes[said] = replace(made, paused_until=paused_until)
        return self._prototypes[said]

    def _address(self, email: str) -> str:
        local, _, domain = email.rpartition("@")
        if len(local) > LOCAL_CHARS or not PLAIN_LOCAL.fullmatch(local):
            return check_address(email)
        if domain not in self._domains:
            try:
                longest = check_address(f"{'x' * LOCAL_CHARS}@{domain}")
            except ValueError:  # wrong, or too long for the longest alone
                return check_address(email)
            self._domains[domain] = longest.rpartition("@")[2]
        return f"{local}@{self._domains[domain]}"


def _interests(given: object) -> tuple[Interest, ...]:
    """Read interests: tables, the same as JSON, or topics in plain words, apart by `|`."""
    if not given:
        return ()
    if isinstance(given, str) and not given.lstrip().startswith("["):
        topics = dict.fromkeys(part.strip() for part in given.split("|"))
        given = [{"name": topic[:100], "text": topic} for topic in topics if topic]
    elif isinstance(given, str):
        try:
            given = json.loads(given)
        except json.JSONDecodeError as error:
            raise ValueError(f"interests: not JSON: {error.msg}") from error
    if _has_controls(given):
        raise ValueError("control characters")
    found = INTERESTS.validate_python(given)
    if len({one.name for one in found}) < len(found):
        raise ValueError("interests: two have the same name")
    return tuple(one.interest() for one in found)


def _instant(value: object) -> datetime | None:
    if not value:
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError("paused_until: expected an instant such as 2026-12-01T00:00Z") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _has_controls(value: object) -> bool:
    if isinstance(value, str):
        return CONTROLS.search(value) is not None
    if isinstance(value, Mapping):
        return any(_has_controls(one) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(_has_controls(one) for one in value)


# --- cells ------------------------------------------------------------------------------


def _cell(value: object) -> str:
    if isinstance(value, list):
        is_plain = all(isinstance(one, str) for one in value)
        return " ".join(value) if is_plain else json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tame(cell: str) -> str:
    return f"'{cell}" if FORMULA.match(cell) else cell


def _untamed(cell: str) -> str:
    return cell[1:] if MARKED.match(cell) else cell
