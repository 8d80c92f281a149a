"""Read hostile documents one after the other, and print what each took as JSON.

Run as a process of its own, so that its memory and its child's are theirs alone:
`python -m tests.fetch.hostile FILE_OR_ADDRESS...`.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from digest.model import Source
from digest.trial import try_listing


def own_peak():
    """Give this process's peak in kB; ru_maxrss would begin with that of whoever started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def measure(path):
    """Give the outcome, the seconds, and the peak of this process and its children in MB."""
    began = time.perf_counter()
    trial = asyncio.run(try_listing(Source(name="hostile", url=path, private_network=True)))
    seconds = time.perf_counter() - began
    peaks = [own_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]
    return {
        "outcome": trial.outcome,
        "error": trial.error,
        "count": trial.as_object()["count"],
        "seconds": round(seconds, 2),
        "megabytes": max(peaks) // 1024,
    }


if __name__ == "__main__":
    json.dump({path: measure(path) for path in sys.argv[1:]}, sys.stdout)
