"""Commands for whoever changes how the mails look."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # the real imports happen when a command runs
    from digest.cli.options import Options
    from digest.gallery.kinds import Exhibit

templates = typer.Typer(help="How the mails look.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(templates, name="templates")


@templates.callback()
def _group() -> None:
    """How the mails look."""


@templates.command()
def copy(
    folder: Annotated[Path, typer.Argument(help="Where to.")] = Path("templates"),
    force: Annotated[bool, typer.Option("--force", help="Write over files of yours.")] = False,
) -> None:
    """Copy the mail's templates, style sheet and words into a folder, to change them there."""
    from digest.cli import console
    from digest.gallery.copying import copy_templates

    for path in copy_templates(folder, force=force):
        console.lines(f"written: {path}")
    console.lines(
        "next: keep what you change and delete the rest, so that it follows the program;",
        f'set mail.templates = "{folder}", and look with "digest preview --serve"',
    )


def serve_kinds(shared: "Options", address: str | None, listen: str) -> None:
    """Show every kind of mail in the browser, and the digest of one reader, until interrupted."""
    from digest import operations
    from digest.cli import console
    from digest.config import check_listen
    from digest.gallery.kinds import digest_exhibit, exhibits
    from digest.gallery.server import Show, serve_gallery
    from digest.render import Templates, shipped_folder

    try:
        host, _, port = check_listen(listen).rpartition(":")
    except ValueError as error:
        raise typer.BadParameter(f"--listen: {error}") from error
    real = None
    if address:
        app = shared.app()
        subscriber = operations.find_subscriber(app, address)
        real = app.digest_now(subscriber), subscriber

    def build() -> "list[Exhibit]":
        mail = shared.settings_or_usual().mail
        looks = Templates(mail.templates)
        shown = list(exhibits(mail, looks))
        if real and real[0].picks:
            shown.insert(0, digest_exhibit(mail, looks, *real))
        return shown

    watched = [shared.path, shared.settings_or_usual().mail.templates or shipped_folder()]
    serve_gallery(
        Show(build, watched),
        host,
        int(port),
        lambda url: console.lines(f"every kind of mail: {url} (Ctrl-C ends it)"),
    )
