"""Whether delivering takes more memory for more readers: it must not.

    python tests/bench/bench_memory.py [--few N] [--many N] [--senders N]

Composes digests for so many readers, then delivers them in a process of its own, and prints
that process's peak and its largest sender's.  100,000 readers take some minutes, most of them to
compose.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_day import Clock
from bench_deliver import composed, deliver
from bench_handover import sink

from digest.app import App
from digest.config_file import load_settings

ALLOWED = 1.2


def peak_mib(pid: int) -> float:
    """Give the most memory that a process had at once.

    Not by getrusage: there a process begins with the peak of the one that started it.
    """
    [line] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(line) / 1024


async def deliver_all(folder: Path, expected: int) -> None:
    """Deliver what a folder holds and print our peak and that of the largest sender."""
    app = App(load_settings(folder / "config.toml"), clock=Clock())
    app.open()
    async with app.transport() as transport:
        await deliver(app, transport, expected)
        senders = app.senders._processes if app.senders else ()
        running = [one._process.pid for one in senders if one._process]
        print(peak_mib(os.getpid()), max(map(peak_mib, running), default=0.0))


def measured(readers: int, senders: int) -> list[float]:
    """Give the peaks in MiB of delivering to so many readers: the process, its senders."""
    asked = argparse.Namespace(
        deliveries=readers,
        picks=10,
        connections=16,
        database=None,
        senders=senders,
        batch=200,
        record_every=32,
    )
    with tempfile.TemporaryDirectory() as folder, sink() as port:
        asyncio.run(composed(Path(folder), asked, port))
        command = [sys.executable, __file__, "--folder", folder, "--many", str(readers)]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(peak) for peak in found.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder:
        asyncio.run(deliver_all(asked.folder, asked.many))
        return
    few, many = measured(asked.few, asked.senders), measured(asked.many, asked.senders)
    for name, before, after in zip(("deliver", "sender"), few, many, strict=True):
        print(
            f"{name}: {asked.few:,} readers {before:.0f} MiB, "
            f"{asked.many:,} readers {after:.0f} MiB, {after / before:.2f} of it"
        )
        assert after <= before * ALLOWED, f"{name} grows with the number of readers"


if __name__ == "__main__":
    main()
