"""Commands around the installation: init, check, migrate, demo."""

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import options


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (init, check, migrate, demo):
        app.command()(command)


def init(
    context: typer.Context,
    sender: Annotated[str | None, typer.Option("--from", help="From: address.")] = None,
    smtp_host: Annotated[str | None, typer.Option(help="The relay's name.")] = None,
    smtp_port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    smtp_user: Annotated[str | None, typer.Option(help="Login name, if the relay asks.")] = None,
    subscriber: Annotated[str | None, typer.Option(help="The first reader's address.")] = None,
    topic: Annotated[str | None, typer.Option(help="What that reader wants, in words.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name, as Europe/Berlin.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write a settings file; asks for what flags leave out."""
    from digest.cli import console
    from digest.starter import Answers, write_settings

    def ask(question: str, given: str | None, usual: str) -> str:
        return given if given is not None else typer.prompt(question, default=usual)

    path = options(context).path
    write_settings(
        path,
        Answers(
            sender=ask("Send mail from", sender, "digest@example.org"),
            smtp_host=ask("SMTP relay", smtp_host, "localhost"),
            smtp_port=smtp_port or typer.prompt("SMTP port", default=587, type=int),
            smtp_user=ask("SMTP login (empty for none)", smtp_user, ""),
            subscriber=ask("First subscriber's address", subscriber, "you@example.org"),
            topic=ask("What shall the digest look for", topic, "language models"),
            timezone=ask("Time zone", timezone, "UTC"),
        ),
        force=force,
    )
    console.lines(f"written: {path}", 'next: "digest check", then "digest fetch", "digest serve"')


def check(context: typer.Context) -> None:
    """Try settings, database, each source and the relay."""
    import asyncio

    from digest.check import check_all
    from digest.cli import console

    failed = False

    async def show() -> None:
        nonlocal failed
        async for finding in check_all(options(context).settings()):
            failed = failed or not finding.is_good
            mark = "ok    " if finding.is_good else "FAILED"
            console.lines(f"{mark}  {finding.what}: {finding.text}")

    asyncio.run(show())
    if failed:
        raise typer.Exit(1)


def migrate(context: typer.Context) -> None:
    """Bring the database to this program's schema."""
    from digest.cli import console
    from digest.store.database import Database

    database = Database(options(context).settings().database.url)
    database.upgrade()
    console.lines("database is at this program's schema")


def demo(
    folder: Annotated[Path, typer.Option(help="Where the results go.")] = Path("demo"),
) -> None:
    """Run two invented days for real, all on loopback."""
    import asyncio

    from digest.demo.run import run_demo

    asyncio.run(run_demo(folder))
