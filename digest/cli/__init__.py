"""The command line: what may be typed, and the exit codes.

Commands import the parts they need when they run, so that `digest --help` answers at once;
this is the one room where an import stands inside a function.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from digest import __version__
from digest.cli import days, lists, outbox, setup, status, suppressions, templates
from digest.cli.options import Options
from digest.errors import ConfigError, DigestError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="digest",
    help="Trending papers in each subscriber's inbox, once a day.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: the decorated one costs 0.15 s of imports at every start.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
setup.register(app)
days.register(app)
status.register(app)
lists.register(app)
outbox.register(app)
suppressions.register(app)
templates.register(app)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"digest {__version__}")
        raise typer.Exit


@app.callback()
def choose(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="DIGEST_CONFIG",
            help="Settings file; else ./config.toml, else /etc/digest/config.toml.",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug logs.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Hold the options that every command shares."""
    context.obj = Options(config=config, debug=debug)


def main() -> None:
    """Run a command; a failure of ours is one sentence on standard error."""
    try:
        app()
    except DigestError as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(f"digest: {error}\n")
        sys.exit(USAGE if isinstance(error, ConfigError) else FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
