"""Pages under a crowd: home, preferences and search with a full archive, and mail going out beside.

    python tests/bench/bench_web.py [--items N] [--subscribers N] [--clients N] [--seconds N]
        [--deliveries N] [--database URL] [--keep FOLDER]

A real `digest serve` over loopback, asked by clients that hold one connection each and ask again
as soon as they are answered.  The reference is bare uvicorn that answers the home page's very
bytes in the same run.  Then as many readers are made due as --deliveries says, and the home page
is asked for while their digests are composed, rendered and handed to smtp-sink: by jobs in a
process of their own beside the pages (`--only`), and by one process that does it all.
"""

import argparse
import asyncio
import contextlib
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
from bench_day import relay
from make_archive import fill_items, fill_subscribers
from sqlalchemy import func, select, update

from digest.app import App
from digest.config_file import load_settings
from digest.model import DeliveryStatus
from digest.store.schema import deliveries, subscribers

SETTINGS = """
[smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
connections = 8
per_connection = 1000

[mail]
from = "Daily Digest <digest@example.org>"

[database]
url = "{database}"

[service]
tick = "1s"

[web]
base_url = "http://127.0.0.1:{port}"
listen = "127.0.0.1:{port}"
secret_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
"""
BARE = """
import sys, asyncio, uvicorn
BODY = open(sys.argv[2], "rb").read()
HEADERS = [(b"content-type", b"text/html"), (b"content-length", str(len(BODY)).encode())]
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False, lifespan="off")
"""
WARM_SECONDS = 1.0


class Load(NamedTuple):
    """How a crowd was answered."""

    requests: int
    seconds: float
    p50: float
    p99: float
    worst: float

    def __str__(self) -> str:
        return (
            f"{self.requests / self.seconds:7,.0f} requests/s, p50 {self.p50 * 1000:6.1f} ms, "
            f"p99 {self.p99 * 1000:6.1f} ms, worst {self.worst * 1000:6.1f} ms"
        )


# --- the crowd: a process of its own ----------------------------------------------------


async def visitor(port: int, paths: list[str], end: float, took: list[float]) -> None:
    """Ask for one page after the other over one connection."""
    chance = random.Random(id(took) + len(took))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        path = chance.choice(paths)
        began = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - began)
    writer.close()


async def crowd(port: int, paths: list[str], clients: int, seconds: float) -> None:
    """Be the clients, and print what they waited."""
    took: list[float] = []
    began = time.perf_counter()
    end = began + seconds
    await asyncio.gather(*(visitor(port, paths, end, took) for _ in range(clients)))
    seconds = time.perf_counter() - began
    cut = statistics.quantiles(took, n=100)
    print(json.dumps([len(took), seconds, cut[49], cut[98], max(took)]))


def ask(port: int, paths: list[str], clients: int, seconds: float) -> Load:
    """Let a crowd ask, after a moment that does not count."""
    for span in (WARM_SECONDS, seconds):
        wanted = json.dumps([port, paths, clients, span])
        done = subprocess.run(
            [sys.executable, __file__, "--crowd"],
            input=wanted,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
    return Load(*json.loads(done.stdout))


# --- the servers ------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(port: int, *command: str, folder: Path):
    """Run a server until the context ends; gives its process."""
    process = subprocess.Popen(command, cwd=folder)
    try:
        for _ in range(600 if port else 0):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def sent(app: App) -> int:
    with app.database.read() as connection:
        found = select(func.count()).where(deliveries.c.status == DeliveryStatus.SENT)
        return connection.scalar(found)


def main() -> None:
    if "--crowd" in sys.argv:
        port, paths, clients, seconds = json.load(sys.stdin)
        asyncio.run(crowd(port, paths, clients, seconds))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--database", help="URL of an empty PostgreSQL database; else SQLite")
    parser.add_argument("--keep", type=Path, help="folder that the installation stays in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing, relay() as (smtp, _name):
        folder = (asked.keep or Path(passing)).absolute()
        folder.mkdir(exist_ok=True)
        measure(folder, smtp, asked)


def measure(folder: Path, smtp: int, asked: argparse.Namespace) -> None:
    port = free_port()
    database = asked.database or "sqlite:///digest.db"
    settings = SETTINGS.format(smtp=smtp, port=port, database=database)
    (folder / "config.toml").write_text(settings)
    contextlib.chdir(folder).__enter__()
    app = App(load_settings(folder / "config.toml"))
    app.open()
    now = datetime.now(UTC)
    began = time.perf_counter()
    with app.database.read() as connection:
        ids = list(connection.scalars(select(subscribers.c.id)))
    if not ids:
        fill_items(app.database, asked.items, now)
        print(f"{asked.items:,} items stored and indexed in {time.perf_counter() - began:.0f} s")
        ids = fill_subscribers(app.database, asked.subscribers, 0, now)
    chance = random.Random(1)
    own = [app.links.preferences(one, 0).partition("/p/")[2] for one in chance.sample(ids, 2000)]
    (folder / "serve.py").write_text("from digest.cli import main\n\nmain()\n")
    serve = [sys.executable, "serve.py", "serve"]
    nice = ["nice", "-n", "10"]
    pages = {"home": ["/"], "preferences": [f"/p/{one}" for one in own]}
    with running(port, *serve, "--only", "pages", folder=folder) as process:
        home = httpx.get(f"http://127.0.0.1:{port}/").content
        words = sorted({word for word in home.decode().split() if word.isalpha()})
        pages["search"] = [f"/search?q={word}" for word in words]
        print(f"{asked.clients} clients, home page of {len(home):,} bytes")
        reference = bare(folder, home, asked)
        print(f"{'bare uvicorn':<24}{reference}")
        alone = {}
        for name, paths in pages.items():
            load = alone[name] = ask(port, paths, asked.clients, asked.seconds)
            share = load.requests / load.seconds / (reference.requests / reference.seconds)
            print(f"{name:<24}{load}, {share:.2f} of bare uvicorn")
        with running(0, *nice, *serve, "--only", "jobs", folder=folder):
            load = beside(app, asked, port, ids)
        times = load.p99 / alone["home"].p99
        print(f"{'home, jobs beside':<24}{load}: p99 {times:.1f} times that alone")
        print(f"peak of the pages' process {peak(process)} MiB")
    with running(port, *serve, folder=folder) as process:
        load = beside(app, asked, port, ids)
        times = load.p99 / alone["home"].p99
        print(f"{'home, jobs within':<24}{load}: p99 {times:.1f} times that alone")
        print(f"peak of the whole service {peak(process)} MiB")
    app.database.close()


def bare(folder: Path, home: bytes, asked: argparse.Namespace) -> Load:
    """Ask bare uvicorn for the same bytes."""
    (folder / "home.html").write_bytes(home)
    port = free_port()
    command = [sys.executable, "-c", BARE, str(port), str(folder / "home.html")]
    with running(port, *command, folder=folder):
        return ask(port, ["/"], asked.clients, asked.seconds)


def peak(process: subprocess.Popen) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def beside(app: App, asked: argparse.Namespace, port: int, ids: list[str]) -> Load:
    """Ask again while mail goes out: once the first is handed over, to readers not yet served."""
    with app.database.write() as connection:
        served = set(connection.scalars(select(deliveries.c.subscriber_id)))
        chosen = [one for one in ids if one not in served][: asked.deliveries]
        for start in range(0, len(chosen), 5000):
            connection.execute(
                update(subscribers)
                .where(subscribers.c.id.in_(chosen[start : start + 5000]))
                .values(next_digest_at=datetime.now(UTC))
            )
    before = sent(app)
    while sent(app) == before:
        time.sleep(0.1)
    first, began = sent(app), time.perf_counter()
    load = ask(port, ["/"], asked.clients, asked.seconds)
    speed = (sent(app) - first) / (time.perf_counter() - began)
    handed = sent(app) - before
    print(f"{handed:,} of {len(chosen):,} messages handed over, {speed:,.0f}/s while asked")
    return load


if __name__ == "__main__":
    main()
