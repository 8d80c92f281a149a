"""Commands that bring subscribers in from files, and write them out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from digest.cli.options import Json, options

if TYPE_CHECKING:  # the real imports happen when a command runs
    from digest.enrolment import Enrolment

# Of a long list the terminal shows so much; `--json` shows all.
SHOWN = 20


def register(subscribers: typer.Typer) -> None:
    """Add this file's commands."""
    subscribers.command("import")(import_subscribers)
    subscribers.command("export")(export_subscribers)


def import_subscribers(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a row of names, or JSON.")],
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They said yes, and you can show it.")
    ] = False,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask each by mail; who does not answer is forgotten.")
    ] = False,
    per_hour: Annotated[
        int | None,
        typer.Option(min=1, help="With --ask: mails an hour; else web.sign_ups_per_hour."),
    ] = None,
    json: Json = False,
) -> None:
    """Add many subscribers, all or none; what is left out of a row comes from [digest]."""
    from digest.cli import console
    from digest.enrolment import Consent, enrol

    if confirmed == ask:
        raise typer.BadParameter("give one of --confirmed and --ask")
    app = options(context).app()
    with console.bars() as progress:
        done = enrol(
            app,
            file,
            Consent.ASK if ask else Consent.CONFIRMED,
            per_hour=per_hour,
            progress=progress,
        )
    if json:
        console.json_object(done)
    else:
        _tell(done)


def export_subscribers(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; - is the terminal.")] = Path("-"),
    form: Annotated[
        Literal["csv", "json"] | None,
        typer.Option("--format", help="csv or json; else by the name of the file, else csv."),
    ] = None,
) -> None:
    """Write the confirmed subscribers with their wishes, as `import` reads them."""
    from digest import operations
    from digest.cli import console

    app = options(context).app()
    chosen = form or ("json" if file.suffix.lower() == ".json" else "csv")
    if file == Path("-"):
        operations.export_subscribers(app, sys.stdout, chosen)
    else:
        count = operations.export_to_file(app, file, chosen)
        console.lines(f"written: {count} subscribers to {file}")


def _tell(done: "Enrolment") -> None:
    from digest.cli import console

    def some(heading: str, lines: list[str]) -> None:
        if lines:
            console.complain(heading)
            for line in lines[:SHOWN]:
                console.complain(f"  {line}")
            if len(lines) > SHOWN:
                console.complain(f"  and {len(lines) - SHOWN} more, see --json")

    if done.unknown:
        console.complain(f"columns passed over: {', '.join(done.unknown)}")
    some(
        f"{len(done.faults)} rows left out:",
        [f"line {one.line}: {one.cause}" for one in done.faults],
    )
    some(
        f"{len(done.kept_out)} addresses stay out, they get no mail from here:",
        [f"line {one.line}: {one.address}: {one.reason}" for one in done.kept_out],
    )
    some(f"{len(done.existing)} subscribed before, left as they are:", done.existing)
    asked = (
        f", the last is asked at {console.instant(done.asked_until)}" if done.asked_until else ""
    )
    console.lines(f"added: {done.added}{asked}")
