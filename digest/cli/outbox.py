"""Commands that show and change the outbox: what waits, what was answered, try again, cancel."""

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Json, options

if TYPE_CHECKING:  # the real imports happen when a command runs
    from digest.model import Attempt

outbox = typer.Typer(help="The messages that wait, went out or failed.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id, as `outbox list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(outbox, name="outbox")


@outbox.command("list")
def list_deliveries(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option(help="Only pending, sent, failed or cancelled ones.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    json: Json = False,
) -> None:
    """List deliveries, newest first."""
    from digest import operations
    from digest.cli import console

    found = operations.deliveries(options(context).app(), status, limit)
    if json:
        console.json_object(found)
        return
    console.table(
        f"Deliveries, newest first: {len(found)}",
        ("delivery", "recipient", "status", "tries", "last reply"),
        [(one.id, one.recipient, one.status, one.attempts, one.last_reply or "") for one in found],
        whole=("delivery", "status", "tries"),
    )
    if found:
        console.lines('"digest outbox show DELIVERY" tells every attempt at one.')


@outbox.command("show")
def show_delivery(context: typer.Context, delivery: Id, json: Json = False) -> None:
    """Show one delivery with every attempt and what the relay answered."""
    from digest import operations
    from digest.cli import console

    found, attempts = operations.delivery(options(context).app(), delivery)
    if json:
        console.json_object({"delivery": found, "attempts": attempts})
        return
    console.table(
        found.id,
        ("", ""),
        [
            ("recipient", found.recipient),
            ("kind", found.kind),
            ("status", found.status),
            ("Message-ID", f"<{found.message_id}>"),
            ("made", found.created_at),
            ("tries", found.attempts),
            *([("next try", found.next_attempt_at)] if found.status == "pending" else []),
        ],
    )
    console.table(
        "Attempts, oldest first" if attempts else "Attempts: none yet",
        ("at", "outcome", "relay", "reply"),
        [(one.at, one.outcome, one.reply.relay, _reply(one)) for one in attempts],
        whole=("at", "outcome"),
    )


@outbox.command("retry")
def retry_delivery(context: typer.Context, delivery: Id) -> None:
    """Make a waiting or failed delivery due now."""
    from digest import operations
    from digest.cli import console

    operations.retry_delivery(options(context).app(), delivery)
    console.lines(f"due now: {delivery}")


@outbox.command("cancel")
def cancel_delivery(context: typer.Context, delivery: Id) -> None:
    """Take a waiting delivery out of the outbox for good."""
    from digest import operations
    from digest.cli import console

    operations.cancel_delivery(options(context).app(), delivery)
    console.lines(f"cancelled: {delivery}")


def _reply(attempt: "Attempt") -> str:
    doubt = " (uncertain: the relay may have taken it)" if attempt.reply.uncertain else ""
    return f"{attempt.reply.code or '–'} {attempt.reply.text}{doubt}"
