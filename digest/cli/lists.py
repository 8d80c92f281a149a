"""Commands that show and change what is stored: items, sources, subscribers."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import files
from digest.cli.options import Json, options, read_where

sources = typer.Typer(help="The places that announce items.", no_args_is_help=True)
subscribers = typer.Typer(help="The addresses that get a digest.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="The subscriber's address.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(items)
    app.command()(explain)
    app.add_typer(sources, name="sources")
    app.add_typer(subscribers, name="subscribers")
    files.register(subscribers)


def items(
    context: typer.Context,
    new: Annotated[bool, typer.Option("--new", help="Only what digests may still carry.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List stored items, newest first."""
    from digest import operations
    from digest.cli import console

    found = operations.stored_items(options(context).app(), limit, eligible_only=new)
    if json:
        console.json_object(found)
        return
    console.table(
        f"{len(found)} items",
        ("first seen", "votes", "title", "key", "sources"),
        [(one.first_seen_at, one.upvotes, one.title, one.keys[0], one.sources) for one in found],
    )


def explain(
    context: typer.Context,
    address: Address,
    item: Annotated[str, typer.Argument(help="Its id, key, link or title.")],
    json: Json = False,
) -> None:
    """Show the whole sum of an item's score for one reader."""
    from digest import operations
    from digest.cli import console

    rows = operations.explain(options(context).app(), address, item)
    if json:
        console.json_object(rows)
    elif not rows:
        console.lines("muted: a word or an author of this item hides it from this reader")
    else:
        console.table(
            rows[-1].value,
            ("share", "why", "what", "interest"),
            [
                (
                    f"{one.share:+.4f}",
                    one.kind,
                    f"{one.value} ({one.detail})" if one.detail else one.value,
                    one.interest,
                )
                for one in (*rows[:-1], replace(rows[-1], value=""))
            ],
        )


@sources.command("list")
def list_sources(context: typer.Context, json: Json = False) -> None:
    """List the configured sources."""
    from digest import operations
    from digest.cli import console

    states = operations.source_states(options(context).app())
    if json:
        console.json_object(states)
        return
    console.table(
        "Sources",
        ("source", "kind", "every", "url", "items usually"),
        [
            (
                *(one.source.name, one.source.kind, one.source.every),
                *(one.source.url, one.usual_count),
            )
            for one in states
        ],
    )


@sources.command("test")
def try_source(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="URL_OR_FILE", help="Address, file or name.")],
    kind: Annotated[
        str, typer.Option(help="huggingface, arxiv, feed, api, page, file, or auto.")
    ] = "auto",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=WHERE",
            help="Where a fact stands: JMESPath (api) or CSS (page); may be repeated.",
        ),
    ] = None,
    private_network: Annotated[
        bool, typer.Option("--private-network", help="Allow addresses of the private network.")
    ] = False,
    json: Json = False,
) -> None:
    """Read one listing and show what was understood; nothing is stored."""
    import asyncio

    from digest.cli import console
    from digest.trial import try_listing

    source = options(context).source_or(
        what, kind=kind, private_network=private_network, where=read_where(where)
    )
    trial = asyncio.run(try_listing(source))
    if json:
        console.json_object(trial.as_object())
    else:
        console.lines(*trial.lines())
    if trial.error:
        raise typer.Exit(1)


@sources.command("import")
def import_sources(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="OPML, as feed readers export it.")],
    write: Annotated[
        bool, typer.Option("--write", help="Append to the settings file, not to the terminal.")
    ] = False,
    json: Json = False,
) -> None:
    """Turn a feed reader's list into [[sources]] to paste, or add them to the settings file."""
    from digest import imports
    from digest.cli import console

    shared = options(context)
    found = imports.read_feed_list(file)
    known = shared.settings().sources if write or shared.path.exists() else ()
    tables = imports.source_tables(found.feeds, known)
    if write and tables:
        imports.append_tables(shared.path, tables)
    if json:
        console.json_object({"feeds": found.feeds, "new": len(tables), "warnings": found.warnings})
        return
    if not write:
        console.lines(*tables)
    for warning in found.warnings:
        console.complain(f"odd: {warning}")
    where = f"written to {shared.path}" if write else "to paste"
    console.complain(f"{len(found.feeds)} feeds, {len(tables)} of them new, {where}")


@subscribers.command("import-library")
def import_library(
    context: typer.Context,
    address: Address,
    file: Annotated[
        Path,
        typer.Argument(help="BibTeX, RIS, CSL-JSON, or an export of Zotero or Web of Science."),
    ],
    interest: Annotated[
        str, typer.Option(help="The interest that the works are examples of.")
    ] = "library",
    json: Json = False,
) -> None:
    """Make the works of a library examples of what a subscriber wants."""
    from digest import imports, operations
    from digest.cli import console

    library = imports.read_library_file(file)
    app = options(context).app()
    imported = imports.import_library(
        app, operations.find_subscriber(app, address), library, interest
    )
    if json:
        console.json_object({"records": library.records, "imported": imported})
        return
    for warning in library.warnings:
        console.complain(f"odd: {warning}")
    if imported.to_paste:
        console.lines(imported.to_paste)
        console.complain(f"{address} stands in the settings file: paste these lines there")
    else:
        console.lines(
            f"{library.records} records, {imported.added} new examples of interest {interest}"
        )


@subscribers.command("list")
def list_subscribers(context: typer.Context, json: Json = False) -> None:
    """List the subscribers."""
    from digest import operations
    from digest.cli import console

    found = operations.all_subscribers(options(context).app())
    if json:
        console.json_object(found)
        return
    console.table(
        f"{len(found)} subscribers",
        ("address", "status", "at", "zone", "next digest", "interests", "from"),
        [
            (
                *(one.email, one.status, f"{one.schedule.at:%H:%M} {one.schedule.frequency}"),
                *(one.schedule.timezone, one.next_digest_at),
                [interest.name for interest in one.interests],
                "config" if one.config_owned else "command line",
            )
            for one in found
        ],
    )


@subscribers.command("add")
def add_subscriber(
    context: typer.Context,
    address: Address,
    topic: Annotated[
        list[str] | None, typer.Option(help="An interest in plain words; may be repeated.")
    ] = None,
    keyword: Annotated[
        list[str] | None, typer.Option(help="A keyword or phrase; may be repeated.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name, as Europe/Berlin.")] = None,
    at: Annotated[str | None, typer.Option(help="Local time, as 07:30.")] = None,
    frequency: Annotated[str | None, typer.Option(help="daily, weekdays or weekly.")] = None,
    max_items: Annotated[int | None, typer.Option(min=1, max=100, help="Items a digest.")] = None,
) -> None:
    """Add a subscriber, confirmed by you; what is left out comes from [digest]."""
    from digest import operations
    from digest.cli import console

    fields = {
        "email": address,
        "timezone": timezone,
        "at": at,
        "frequency": frequency,
        "max_items": max_items,
    }
    added = operations.add_subscriber(
        options(context).app(), fields, topics=topic or [], keywords=keyword or []
    )
    console.lines(f"added: {added.email}, first digest {console.instant(added.next_digest_at)}")


@subscribers.command("remove")
def remove_subscriber(context: typer.Context, address: Address) -> None:
    """Unsubscribe an address; its history is kept."""
    from digest import operations
    from digest.cli import console

    operations.remove_subscriber(options(context).app(), address)
    console.lines(f"unsubscribed: {address}")


@subscribers.command("erase")
def erase_subscriber(context: typer.Context, address: Address) -> None:
    """Erase an address with everything of it, from the disk too."""
    from digest import operations
    from digest.cli import console

    operations.erase_subscriber(options(context).app(), address)
    console.lines(f"erased: {address}")


@subscribers.command("show")
def show_subscriber(context: typer.Context, address: Address, json: Json = False) -> None:
    """Show one subscriber: wishes, schedule, digests so far."""
    from digest import operations
    from digest.cli import console

    app = options(context).app()
    subscriber = operations.find_subscriber(app, address)
    digests = operations.digests_of(app, subscriber)
    if json:
        console.json_object({"subscriber": subscriber, "digests": digests})
        return
    console.table(
        subscriber.email,
        ("", ""),
        [
            ("status", subscriber.status),
            ("digest at", f"{subscriber.schedule.at:%H:%M} {subscriber.schedule.timezone}"),
            ("frequency", subscriber.schedule.frequency),
            ("next digest", subscriber.next_digest_at),
            ("at most", f"{subscriber.max_items} items, at least {subscriber.at_least}"),
            ("popularity", subscriber.popularity),
            *((f"interest: {one.name}", one.text or one.keywords) for one in subscriber.interests),
        ],
    )
    console.table(
        "Digests",
        ("edition", "state", "items", "first item"),
        [
            (one.edition, one.state, len(one.picks), one.picks[0].item.title if one.picks else "")
            for one in digests
        ],
    )
