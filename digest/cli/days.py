"""Commands that do the day's work: fetch, preview, run, send, serve."""

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Json, options
from digest.cli.templates import serve_kinds

if TYPE_CHECKING:  # the real imports happen when a command runs
    from digest.app import Round
    from digest.model import Subscriber
    from digest.pipeline.claiming import Handover


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (fetch, preview, run, send, serve):
        app.command()(command)


def fetch(
    context: typer.Context,
    source: Annotated[list[str] | None, typer.Argument(help="Names; all if left out.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is new, store nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Read sources now, whether they are due or not."""
    import asyncio

    from digest import operations
    from digest.cli import console

    app = options(context).app()
    names = operations.source_names(app, source)
    with console.bars() as progress:
        checks = asyncio.run(app.fetch(names, dry_run=dry_run, progress=progress))
    if json:
        console.json_object(checks)
    else:
        console.table(
            "Sources read" + (" (nothing stored)" if dry_run else ""),
            ("source", "outcome", "items", "new", "revised", "remarks"),
            [
                (
                    *(check.source_name, check.outcome, check.items, check.new, check.revised),
                    check.error or "; ".join(check.warnings) or "",
                )
                for check in sorted(checks, key=lambda check: check.source_name)
            ],
        )
    if any(check.error for check in checks):
        raise typer.Exit(1)


def preview(
    context: typer.Context,
    address: Annotated[str | None, typer.Argument(help="A subscriber's address.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="Write to a file: .html, .txt or .eml by its ending.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the mail in the browser.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show every kind of mail, anew at each change.")
    ] = False,
    listen: Annotated[str, typer.Option(help="Where --serve answers.")] = "127.0.0.1:8025",
) -> None:
    """Show the digest a subscriber would get now, or every kind of mail."""
    from digest import operations
    from digest.cli import console
    from digest.errors import ConfigError

    if serve:
        serve_kinds(options(context), address, listen)
        return
    if address is None:
        raise ConfigError("preview: whose? give an address, or --serve for every kind of mail")
    app = options(context).app()
    subscriber = operations.find_subscriber(app, address)
    digest = app.digest_now(subscriber)
    if to:
        operations.write_preview(app, digest, subscriber, to)
        console.lines(f"written: {to}")
    elif open_:
        with NamedTemporaryFile(suffix=".html", delete=False) as page:
            operations.write_preview(app, digest, subscriber, Path(page.name))
        typer.launch(page.name)
    elif digest.picks:
        console.lines(app.builder.text(digest, subscriber))
    else:
        console.lines(_nothing_for(subscriber))


def run(context: typer.Context, json: Json = False) -> None:
    """Do one round of whatever is due, for cron or a timer."""
    import asyncio

    from digest.cli import console

    app = options(context).app()
    with console.bars() as progress:
        finished = asyncio.run(app.run_round(progress=progress))
    if json:
        console.json_object(finished)
        return
    for check in finished.checks:
        if check.error:
            console.complain(check.error)
    console.lines(_summary(finished))


def send(
    context: typer.Context,
    only: Annotated[str, typer.Option("--only", help="The subscriber's address.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the mail, store and send nothing.")
    ] = False,
) -> None:
    """Send one subscriber's digest of today now."""
    import asyncio

    from digest import operations
    from digest.cli import console

    app = options(context).app()
    subscriber = operations.find_subscriber(app, only)
    operations.refuse_second_digest(app, subscriber)
    digest = app.digest_now(subscriber)
    if not digest.picks:
        console.lines(_nothing_for(subscriber))
    elif dry_run:
        console.lines(app.builder.text(digest, subscriber))
    else:
        with console.bars() as progress:
            handover = asyncio.run(app.send_now(subscriber, digest, progress=progress))
        console.lines(_handed_over(handover))
        if not handover.sent:
            raise typer.Exit(1)


def serve(
    context: typer.Context,
    only: Annotated[
        str, typer.Option(help="pages or jobs: one half, the other runs beside it.")
    ] = "",
) -> None:
    """Run until stopped: everything at its own hour."""
    import asyncio

    if only not in ("", "pages", "jobs"):
        raise typer.BadParameter(f'expected "pages" or "jobs", got "{only}"', param_hint="--only")
    app = options(context).app()
    asyncio.run(app.serve_pages() if only == "pages" else app.serve(has_pages=not only))


def _summary(finished: "Round") -> str:
    new = sum(check.new for check in finished.checks)
    failed = sum(bool(check.error) for check in finished.checks)
    composed = sum(digest.state == "composed" for digest in finished.digests)
    held = len(finished.digests) - composed
    return (
        f"sources: {len(finished.checks)} checked, {failed} failed, {new} new items\n"
        f"digests: {composed} composed, {held} held\n"
        f"messages: {_handed_over(finished.handover)}"
    )


def _handed_over(handover: "Handover") -> str:
    return f"{handover.sent} sent, {handover.deferred} deferred, {handover.failed} failed"


def _nothing_for(subscriber: "Subscriber") -> str:
    return f"{subscriber.email}: fewer than {subscriber.at_least} new items: no digest now"
