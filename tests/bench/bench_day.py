"""The whole day for N subscribers and M items: fetch, compose, deliver, with real SMTP.

    .venv/bin/python tests/bench/bench_day.py --subscribers 10000 --items 500

Prints for each stage its rate and the peak memory so far.  The relay is Postfix's smtp-sink where
it is installed (Debian package postfix), else a small sink of our own in another process.
"""

import argparse
import asyncio
import json
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time as stopwatch
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from digest.app import App
from digest.cli import console
from digest.config_file import load_settings
from digest.model import Interest, Schedule, Subscriber, new_id
from digest.pipeline.composing import compose_due
from digest.pipeline.delivering import deliver_due
from digest.pipeline.fetching import fetch_due
from digest.store import subscribers

SEED = 20261121
DAY = datetime(2026, 11, 21, 6, tzinfo=UTC)
INSERT_BATCH = 1000

FIELDS = [
    "retrieval",
    "reranking",
    "transformers",
    "diffusion",
    "proteins",
    "enzymes",
    "exoplanets",
    "galaxies",
    "robots",
    "grasping",
    "tokenizers",
    "attention",
    "memory",
    "quantum",
    "lattices",
    "graphs",
    "neurons",
    "cells",
    "imaging",
    "segmentation",
    "tomography",
    "speech",
    "translation",
    "summarisation",
    "reasoning",
    "planning",
    "safety",
    "alignment",
    "privacy",
    "fairness",
    "optimisation",
    "convexity",
    "sampling",
    "inference",
    "causality",
    "climate",
    "weather",
    "turbulence",
    "batteries",
    "catalysts",
    "polymers",
    "genomics",
    "transcriptomics",
    "epidemics",
    "traffic",
    "markets",
    "auctions",
    "games",
    "proofs",
    "compilers",
    "kernels",
]
VERBS = [
    "learning",
    "scaling",
    "probing",
    "measuring",
    "compressing",
    "aligning",
    "predicting",
    "searching",
]
ENDINGS = [
    "under noise",
    "without labels",
    "at scale",
    "from few examples",
    "in the wild",
    "by design",
]

SETTINGS = """
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
connections = 8
per_connection = 1000

[mail]
from = "Daily Digest <digest@example.org>"

[database]
url = "{database}"

[[sources]]
name = "papers"
kind = "huggingface"
url = "listing.json"
backlog = "include"
"""


class Clock:
    """Stands still at the bench's own morning."""

    def __call__(self):
        return DAY


def listing(items, chance):
    """Make the answer of api/daily_papers with so many invented papers."""
    return [
        {
            "paper": {
                "id": f"2611.{number:05d}",
                "title": f"{chance.choice(VERBS).title()} {' and '.join(topics)} {ending}",
                "summary": abstract(topics, chance),
                "authors": [{"name": f"Author {chance.randrange(5000)}"} for _ in range(5)],
                "publishedAt": "2026-11-20T00:00:00.000Z",
                "upvotes": int(chance.paretovariate(1.2)),
            },
            "publishedAt": "2026-11-20T20:00:00.000Z",
            "numComments": chance.randrange(5),
        }
        for number in range(1, items + 1)
        for topics in [chance.sample(FIELDS, 3)]
        for ending in [chance.choice(ENDINGS)]
    ]


def abstract(topics, chance):
    """Make about 1,000 letters around some topics."""
    sentences = [
        f"We study {chance.choice(topics)} by {chance.choice(VERBS)} {' and '.join(others)}, and"
        f" find that {chance.choice(topics)} improves by {chance.randrange(1, 40)} per cent."
        for _ in range(9)
        for others in [chance.sample(FIELDS, 4)]
    ]
    return " ".join(sentences)


def reader(number, chance):
    """Make a subscriber with two interests, due this morning."""
    interests = tuple(
        Interest(
            name=topic, keywords=(topic,), text=f"{topic} {' '.join(chance.sample(FIELDS, 2))}"
        )
        for topic in chance.sample(FIELDS, 2)
    )
    return Subscriber(
        id=new_id(DAY),
        email=f"reader{number}@example.org",
        schedule=Schedule(at=time(5)),
        interests=interests,
        next_digest_at=DAY - timedelta(hours=1),
    )


@contextmanager
def relay():
    """Run a relay that takes everything; give its port and its name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
    command = (
        [sink, *(["-u", "nobody"] if not Path("/root").stat().st_uid else [])]
        if sink
        else [sys.executable, str(Path(__file__).with_name("smtp_sink.py"))]
    )
    process = subprocess.Popen([*command, f"127.0.0.1:{port}", "1024"])
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield port, "smtp-sink" if sink else "our own sink"
    finally:
        process.terminate()
        process.wait()


def report(stage, count, what, seconds):
    """Print one line of the result."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.lines(
        f"{stage:<10} {count:>9,} {what:<12} {seconds:>8.2f} s {count / seconds:>10,.0f} {what}/s"
        f"   peak {peak:,.0f} MiB"
    )


async def run_day(folder, options, port, relay_name):
    """Run the three stages once and print their rates."""
    chance = random.Random(SEED)
    (folder / "listing.json").write_text(json.dumps(listing(options.items, chance)))
    database = options.database or "sqlite:///digest.db"
    (folder / "config.toml").write_text(SETTINGS.format(port=port, database=database))
    app = App(load_settings(folder / "config.toml"), clock=Clock())
    app.open()
    console.lines(
        f"{options.subscribers:,} subscribers, {options.items:,} items, "
        f"{database.partition(':')[0]}, relay {relay_name}"
    )
    for start in range(0, options.subscribers, INSERT_BATCH):
        numbers = range(start, min(start + INSERT_BATCH, options.subscribers))
        with app.database.write() as connection:
            for number in numbers:
                subscribers.add_subscriber(connection, reader(number, chance), DAY)
    with console.bars() as progress:
        begun = stopwatch.perf_counter()
        async with app.fetcher() as fetcher:
            [check] = await fetch_due(
                app.database, fetcher, clock=app.clock, names=["papers"], progress=progress
            )
        assert check.new == options.items, check
        fetched = stopwatch.perf_counter()
        digests = compose_due(app.database, app.composer, clock=app.clock, progress=progress)
        composed = stopwatch.perf_counter()
        async with app.transport() as transport:
            handover = await deliver_due(
                *(app.database, app.builder, transport, app.settings.deliver),
                clock=app.clock,
                stop=asyncio.Event(),
                progress=progress,
            )
        delivered = stopwatch.perf_counter()
    assert len(digests) == options.subscribers
    assert handover.sent == sum(digest.state == "composed" for digest in digests)
    report("fetch", check.items, "items", fetched - begun)
    report("compose", len(digests), "subscribers", composed - fetched)
    report("deliver", handover.sent, "messages", delivered - composed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database; else SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, relay() as (port, name):
        asyncio.run(run_day(Path(folder), options, port, name))


if __name__ == "__main__":
    main()
