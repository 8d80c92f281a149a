"""A run for more readers takes no more memory, in short; `make bench-memory` is at length."""

import re
import subprocess
import sys

import pytest

from tests.sweep.relay import Relay
from tests.sweep.sweeps import World

# A process's own peak: what getrusage gives begins with that of the one that started it.
RUN = """
import atexit, sys
from pathlib import Path
from digest.cli import main
atexit.register(lambda: print(Path("/proc/self/status").read_text()))
sys.argv = ["digest", "run"]
main()
"""
FEW, MANY = 400, 3_200
ALLOWED = 1.2


@pytest.mark.timeout(300)
def test_eight_times_the_readers_take_no_more_memory(tmp_path):
    peaks = []
    for readers in (FEW, MANY):
        folder = tmp_path / f"{readers}"
        folder.mkdir()
        with Relay() as relay:
            World(folder, f"sqlite:///{folder}/digest.db", readers, relay)
            run = subprocess.run(
                [sys.executable, "-c", RUN], cwd=folder, check=True, capture_output=True, text=True
            )
            assert (relay.reached, relay.doubled) == (readers, 0)
        [peak] = re.findall(r"VmHWM:\s+(\d+) kB", run.stdout)
        peaks.append(int(peak))

    assert peaks[1] <= peaks[0] * ALLOWED
