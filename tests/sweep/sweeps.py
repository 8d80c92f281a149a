"""The promise under fire: the real process is stopped at spread moments until all is done.

Every sweep runs `digest run` or `digest serve` on a database with N readers who are due, and
counts at the relay: lost = readers without their message, doubled = messages that came again.
"""

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import psycopg
from sqlalchemy import select

from digest.demo.listings import daily_papers_json
from digest.model import DeliveryStatus, Interest, Schedule, Subscriber, new_id
from digest.store import subscribers
from digest.store.database import Database
from digest.store.schema import deliveries
from tests.sweep.relay import Relay

DIGEST = Path(sys.executable).with_name("digest")
CONNECTIONS = 8
RECORD_EVERY = 32
BATCH = 40
QUIET = 0.1
BOUND = CONNECTIONS + RECORD_EVERY
PATIENCE = 600.0

SETTINGS = f"""
[service]
tick = "1s"
[deliver]
record_every = {RECORD_EVERY}
senders = {{senders}}
# Several processes are used where more than a batch is due: to the end, nearly.
batch = {BATCH}
[smtp]
host = "127.0.0.1"
port = {{port}}
security = "none"
connections = {CONNECTIONS}
[mail]
from = "Daily Digest <digest@example.org>"
[database]
url = {{url}}
[[sources]]
name = "saved"
url = "saved.json"
backlog = "include"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a sweep counted.

    Attributes:
        stops: how often the process or its database was stopped while mail was left.
        worst: messages that one stop left taken but unrecorded, at most.
    """

    name: str
    readers: int
    stops: int
    lost: int
    doubled: int
    worst: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.readers} deliveries, {self.stops} stops: lost {self.lost}, "
            f"doubled {self.doubled} (at most {self.worst} by one), {self.seconds:.0f} s"
        )


class World:
    """A folder with settings, a database with readers who are due, and a relay that counts.

    Args:
        senders: processes beside the one that claims and records.
    """

    def __init__(
        self, folder: Path, url: str, readers: int, relay: Relay, senders: int = 0
    ) -> None:
        self.folder = folder
        self.url = url
        self.readers = readers
        self.relay = relay
        self.senders = senders
        now = datetime.now(UTC)
        (folder / "saved.json").write_bytes(daily_papers_json(1, now.date()))
        (folder / "config.toml").write_text(
            SETTINGS.format(port=relay.port, url=json.dumps(url), senders=senders),
            encoding="utf-8",
        )
        database = Database(url)
        if database.is_empty():
            database.upgrade()
        with database.write() as connection:
            subscribers.save_config_subscribers(connection, [], now)
            for number in range(readers):
                subscribers.add_subscriber(connection, _reader(number, now), now)
        database.close()

    def start(self, command: str) -> "subprocess.Popen[bytes]":
        # Beside the folder, which may be a disk that is full.
        log = self.folder.with_name(f"{self.folder.name}.log").open("ab")
        with log:
            return subprocess.Popen(
                [DIGEST, command], cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )

    def unrecorded(self, before: Counter[tuple[str, str]]) -> int:
        """Count what the relay took since, and the database does not know: it will come again."""
        # What was in flight when the process died may still arrive.
        seen = -1
        while seen < (seen := self.relay.taken.total()):
            time.sleep(QUIET + self.relay.pause)
        recorded = self.recorded()
        new = self.relay.taken - before
        return sum(message_id not in recorded for _, message_id in new)

    def recorded(self) -> set[str]:
        """Give the Message-ID of every delivery that the database knows as sent."""
        database = Database(self.url)
        with database.read() as connection:
            sent = select(deliveries.c.message_id).where(deliveries.c.status == DeliveryStatus.SENT)
            found = set(connection.scalars(sent))
        database.close()
        return found

    def outcome(self, name: str, unrecorded: Sequence[int], began: float) -> Outcome:
        return Outcome(
            name=f"{name}, {self.senders} senders" if self.senders else name,
            readers=self.readers,
            stops=len(unrecorded),
            lost=self.readers - self.relay.reached,
            doubled=self.relay.doubled,
            worst=max(unrecorded, default=0),
            seconds=time.monotonic() - began,
        )


def stop_sweep(number: signal.Signals, stops: int, command: str, world: World) -> Outcome:
    """Send the process a signal at spread moments, start it again, until all mail is out."""
    began = time.monotonic()
    chance = random.Random(20261121)
    moments = [world.readers * step // (stops + 1) for step in range(1, stops + 1)]
    unrecorded = []
    for moment in moments:
        before = world.relay.taken.copy()
        if world.relay.reached == world.readers:
            break
        process = world.start(command)
        # The one before may have come as far; this one must be at work, not on its way there.
        _wait_for_moment(world, max(moment, world.relay.reached + 1), process)
        time.sleep(chance.random() * 0.03)
        process.send_signal(number)
        code = process.wait(PATIENCE)
        assert number is signal.SIGKILL or code == 0, f"{number!r}: exit code {code}"
        unrecorded.append(world.unrecorded(before))
    _finish(world, command)
    return world.outcome(f"{number.name} of {command}", unrecorded, began)


def backend_sweep(stops: int, world: World) -> Outcome:
    """Cut every connection to the PostgreSQL server at spread moments of one `serve`."""
    began = time.monotonic()
    moments = [world.readers * step // (stops + 1) for step in range(1, stops + 1)]
    cut = 0
    process = world.start("serve")
    with psycopg.connect(world.url, autocommit=True) as admin:
        for moment in moments:
            _wait_for_moment(world, moment, process)
            cut += admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).rowcount
    _wait(lambda: world.relay.reached == world.readers)
    _end(process)
    name = f"PostgreSQL backends terminated ({cut} connections cut)"
    return world.outcome(name, [0] * stops, began)


def full_disk_sweep(stops: int, world: World) -> Outcome:
    """Fill the disk for a while at spread moments of one `serve`.

    Where the folder is no disk of its own, no file of the process may grow instead.
    """
    began = time.monotonic()
    moments = [world.readers * step // (stops + 1) for step in range(1, stops + 1)]
    is_disk = world.folder.is_mount()
    process = world.start("serve")
    for moment in moments:
        _wait_for_moment(world, moment, process)
        with _filled(world.folder) if is_disk else _not_growing(process):
            time.sleep(1.5)
    _wait(lambda: world.relay.reached == world.readers)
    _end(process)
    how = "a disk of its own, filled" if is_disk else "files that may not grow"
    return world.outcome(f"disk full ({how})", [0] * stops, began)


@contextmanager
def _filled(folder: Path) -> Iterator[None]:
    """Leave no octet of a disk free."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(folder).free < 4096
    yield
    ballast.unlink()


@contextmanager
def _not_growing(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
    yield
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def two_at_once(name: str, world: World) -> Outcome:
    """Run two services on one database."""
    began = time.monotonic()
    processes = [world.start("serve") for _ in range(2)]
    _wait(lambda: world.relay.reached == world.readers)
    for process in processes:
        _end(process)
    return world.outcome(f"two services on {name}", [], began)


def _finish(world: World, command: str) -> None:
    if len(world.recorded()) == world.readers:
        return
    process = world.start(command)
    if command == "serve":
        _wait(lambda: len(world.recorded()) == world.readers)
        _end(process)
    else:
        assert process.wait(PATIENCE) == 0


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    assert process.wait(PATIENCE) == 0


def _wait_for_moment(world: World, moment: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until so many readers have their message, or the process ended by itself."""
    _wait(lambda: world.relay.reached >= moment or process.poll() is not None)


def _wait(is_done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.002)


def _reader(number: int, now: datetime) -> Subscriber:
    return Subscriber(
        id=new_id(now),
        email=f"reader{number}@example.org",
        schedule=Schedule(at=wall_time(0)),
        interests=(Interest(name="Proteins", keywords=("protein*",)),),
        popularity=0.5,
        next_digest_at=now - timedelta(minutes=1),
    )
