"""The command that shows how the installation is doing, now and over the last days."""

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Json, options

if TYPE_CHECKING:  # the real imports happen when the command runs
    from digest.operations import Status
    from digest.overview import Overview

# What JSON shows of the past where no --days is given.
USUAL_DAYS = 30


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(status)


def status(
    context: typer.Context,
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="Show the figures of so many days, too.")
    ] = None,
    json: Json = False,
) -> None:
    """Show how sources, subscribers and outbox are doing."""
    from digest import operations
    from digest.cli import console

    state = operations.status(options(context).app(), days or USUAL_DAYS)
    if json:
        console.json_object(state)
        return
    for alarm in state.overview.alarms:
        console.lines(f"! {alarm}")
    _show_now(state)
    if days:
        _show_days(state.overview)
    console.lines(
        f"items stored: {state.items}", f"next digest: {console.instant(state.next_digest_at)}"
    )


def _show_now(state: "Status") -> None:
    from digest.cli import console

    console.table(
        "Sources",
        ("source", "last good", "next check", "failures", "last error"),
        [
            (
                *(one.source.name, one.last_ok_at, one.next_check_at),
                *(one.failures or "", one.last_error if one.failures else ""),
            )
            for one in state.sources
        ],
    )
    console.table("Subscribers", ("", ""), state.subscribers.items())
    console.table(
        "Outbox",
        ("", ""),
        [(name.replace("_", " "), value) for name, value in state.outbox.items()],
    )
    console.table("Attempts in the last hour", ("", ""), state.attempts.items())
    if state.overview.relays:
        console.table(
            "Relays: the newest attempts of the last hour",
            ("relay", "sent", "deferred", "failed"),
            [(one.relay, one.sent, one.deferred, one.failed) for one in state.overview.relays],
        )
    if state.last_errors:
        console.table(
            "Last errors of the day",
            ("at", "delivery", "outcome", "reply"),
            [
                (one.at, one.delivery_id, one.outcome, f"{one.reply.code} {one.reply.text}")
                for one in state.last_errors
            ],
        )
    if state.kept_away:
        console.table(
            "Of the settings file, but kept away (they left, bounced or complained)",
            ("address", "reason", "since"),
            [(one.address, one.reason, one.since) for one in state.kept_away],
        )


def _show_days(overview: "Overview") -> None:
    from digest.cli import console

    def show(title: str, series: dict[str, tuple[int | None, ...]]) -> None:
        rows = zip(overview.days, *series.values(), strict=True)
        console.table(
            title,
            ("day (UTC)", *series),
            [(day, *("" if one is None else one for one in counts)) for day, *counts in rows],
        )

    show("New items by source", {one.state.source.name: one.new_items for one in overview.sources})
    show("Subscribers at the end of the day", overview.subscribers)
    show("Deliveries", overview.attempts)
    console.table(
        "Most feedback",
        ("item", "more like this", "less like this"),
        [(one.title, one.more, one.less) for one in overview.feedback],
    )
