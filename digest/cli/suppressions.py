"""Commands for the addresses that get no mail, remembered by their hash."""

from typing import Annotated

import typer

from digest.cli.options import Json, options

suppressions = typer.Typer(help="The addresses that get no mail.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="The address.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(suppressions, name="suppressions")


@suppressions.command("list")
def list_suppressions(context: typer.Context, json: Json = False) -> None:
    """List what is remembered; the addresses themselves are not."""
    from digest import operations
    from digest.cli import console

    found = operations.suppressions(options(context).app())
    if json:
        console.json_object(found)
        return
    console.table(
        f"Addresses that get no mail: {len(found)}",
        ("since", "reason", "hash of the address"),
        [(one.since, one.reason, one.address_hash) for one in found],
    )
    if found:
        console.lines("An address itself is not kept: name it, and its hash is found.")


@suppressions.command("add")
def add_suppression(context: typer.Context, address: Address) -> None:
    """Write to an address no more, whether it is subscribed or not."""
    from digest import operations
    from digest.cli import console

    operations.suppress(options(context).app(), address)
    console.lines(f"suppressed: {address}")


@suppressions.command("remove")
def remove_suppression(context: typer.Context, address: Address) -> None:
    """Let an address sign up again; a subscription that ended stays ended."""
    from digest import operations
    from digest.cli import console

    operations.unsuppress(options(context).app(), address)
    console.lines(f"may sign up again: {address}")
