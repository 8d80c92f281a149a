"""Rank one day for many subscribers: seconds and memory, beside the bare matrix product.

    python tests/bench/bench_rank_scale.py [--subscribers N ...] [--items M] [--workers W]

Readers are CiteULike's people drawn again and again; each gets the top 20 with reasons, from one
of W processes that share one fitted ranker, a core each.  The bare product multiplies as many
finished profiles with the day's items and does nothing else.  Seconds are of the wall; times of
a subscriber are of the processor, so that a busy machine changes them less.
"""

import argparse
import json
import multiprocessing
import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rank_tasks import FOLDS, citeulike

from digest import rank
from digest.model import Item, Reader
from digest.rank.evidence import Day
from digest.rank.making import Made
from digest.rank.profile import portray
from digest.senders import collect_rarely

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BATCH = 500
TOP = 20


@dataclass(frozen=True)
class Work:
    """What the processes share."""

    ranker: rank.Ranker
    known: list[Reader]
    items: list[Item]


WORK: list[Work] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    asked = parser.parse_args()
    task = citeulike(0, 10_000, 0, groups=tuple(range(FOLDS)))
    items = [
        Item(id=str(n), keys=i.keys, title=i.title, summary=i.summary, first_seen_at=NOW)
        for n, i in enumerate(task.new[: asked.items])
    ]
    began = time.perf_counter()
    ranker = rank.fit(task.old)
    print(f"fit on {len(task.old)} items: {time.perf_counter() - began:.1f} s", flush=True)
    WORK.append(Work(ranker, task.readers(), items))
    told = [measure(subscribers, asked.workers) for subscribers in asked.subscribers]
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


def measure(subscribers: int, workers: int) -> dict[str, float]:
    """Rank once for everybody, and print what it took."""
    shares = [(seed, subscribers // workers) for seed in range(workers)]
    began = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        outcomes = pool.map(rank_many, shares, chunksize=1)
    seconds = time.perf_counter() - began
    spent, bare, peaks = zip(*outcomes, strict=True)
    each, product = sum(spent) / subscribers, float(np.mean(bare))
    print(
        f"{subscribers} subscribers x {len(WORK[0].items)} items: {seconds:.1f} s with {workers} "
        f"processes, {1e6 * each:.0f} us of a processor each, {sum(peaks):.0f} MiB in all; "
        f"bare product {1e6 * product:.0f} us each, {each / product:.1f} times",
        flush=True,
    )
    return {
        "subscribers": subscribers,
        "seconds": seconds,
        "us": 1e6 * each,
        "bare_us": 1e6 * product,
        "mib": sum(peaks),
    }


def rank_many(share: tuple[int, int]) -> tuple[float, float, float]:
    """Rank for one process's share.

    Returns:
        Seconds of the processor; of the bare product, for one subscriber; MiB at the peak.
    """
    collect_rarely()  # as the program does
    seed, subscribers = share
    work, rng = WORK[0], np.random.default_rng(seed)
    allowed = np.ones((BATCH, len(work.items)), dtype=np.bool_)
    began = time.process_time()
    for start in range(0, subscribers, BATCH):
        drawn = rng.integers(0, len(work.known), min(BATCH, subscribers - start))
        readers = [work.known[n] for n in drawn]
        picked = work.ranker.rank(readers, work.items, allowed[: len(readers)], TOP)
        assert all(len(row) == TOP and row[0].reasons for row in picked)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return spent, bare_product(work, readers), peak


def bare_product(work: Work, readers: list[Reader]) -> float:
    """Seconds a reader to multiply finished profiles with the items, once."""
    kernel = work.ranker.kernel
    day = Day.of(work.items, kernel)
    profiles = Made.of([portray(one, {}, rank.Settings()) for one in readers], kernel).blend
    kernel.likeness(profiles, day.beside)
    began = time.process_time()
    for _ in range(3):
        kernel.likeness(profiles, day.beside)
    return (time.process_time() - began) / 3 / len(readers)


if __name__ == "__main__":
    main()
