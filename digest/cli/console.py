"""What the command line prints: tables, bars, JSON; never a decision."""

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from digest.named import named
from digest.protocols import Progress as Watcher

out = Console()
err = Console(stderr=True)

STAGE_LABELS = {
    "fetch": "Fetching sources",
    "compose": "Composing digests",
    "deliver": "Delivering messages",
    "rows": "Reading rows",
    "store": "Storing subscribers",
}


@contextmanager
def bars() -> Iterator[Watcher]:
    """Show a bar for each stage of a round while it runs; nothing where nobody watches."""
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task_by_stage = {}

        def watch(stage: str, done: int, total: int | None) -> None:
            if stage not in task_by_stage:
                label = STAGE_LABELS.get(stage, stage)
                task_by_stage[stage] = progress.add_task(label, total=total)
            progress.update(task_by_stage[stage], completed=done, total=total)

        yield watch


def table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    whole: Collection[str] = (),
) -> None:
    """Print a table; a long cell wraps at words, and markup in foreign text stays text.

    Args:
        whole: headings of columns that are never wrapped: what somebody will copy.
    """
    # Not the table's own title, which would be folded to its width.
    out.print(Text(title, style="bold"), soft_wrap=True)
    grid = Table(
        header_style="dim",
        show_header=any(headings),
        box=None,
        pad_edge=False,
    )
    for heading in headings:
        grid.add_column(heading, overflow="fold", no_wrap=heading in whole)
    for row in rows:
        grid.add_row(*(Text(_cell(value)) for value in row))
    out.print(grid)
    out.print()


def lines(*texts: str) -> None:
    """Print lines of plain text, as they are."""
    for text in texts:
        out.print(Text(text), soft_wrap=True)


def complain(text: str) -> None:
    """Print one line of plain text on standard error."""
    err.print(Text(text), soft_wrap=True)


def json_object(value: object) -> None:
    """Print one JSON value on standard output, for scripts."""
    json.dump(named(value), sys.stdout, default=_plain, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def instant(at: datetime | None) -> str:
    """Show an instant, to the minute, in UTC."""
    return at.strftime("%Y-%m-%d %H:%MZ") if at else "–"


def _cell(value: object) -> str:
    if value is None or isinstance(value, datetime):
        return instant(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(part) for part in value)
    return str(value)


def _plain(value: Any) -> object:  # noqa: ANN401 - the contract of json.dump
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
