"""Rank one day for many subscribers: seconds and memory, beside the bare matrix product.

    python tests/bench/bench_rank_scale.py [--subscribers N ...] [--items M]

Readers are CiteULike's people drawn again and again; each gets the top 20 with reasons.  The
bare product multiplies as many finished profiles with the day's items and does nothing else.
"""

import argparse
import resource
import time
from datetime import UTC, datetime

import numpy as np
from bench_rank import Task, citeulike

from digest import rank
from digest.model import Feedback, Item, Reader, Verdict
from digest.rank.evidence import Day, gather
from digest.rank.profile import portray

NOW = datetime(2026, 1, 5, tzinfo=UTC)

BATCH = 500
TOP = 20


def readers_of(task: Task, subscribers: int) -> list[Reader]:
    rng = np.random.default_rng(0)
    known = [
        Reader(
            feedback=tuple(Feedback(item=task.old[n], verdict=Verdict.MORE, at=NOW) for n in likes)
        )
        for likes in task.likes
    ]
    return [known[n] for n in rng.integers(0, len(known), subscribers)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--items", type=int, default=1_000)
    asked = parser.parse_args()
    task = citeulike(0, 10_000)
    items = [
        Item(id=str(n), keys=i.keys, title=i.title, summary=i.summary, first_seen_at=NOW)
        for n, i in enumerate(task.new[: asked.items])
    ]
    began = time.perf_counter()
    ranker = rank.fit(task.old)
    print(f"fit on {len(task.old)} items: {time.perf_counter() - began:.1f} s", flush=True)
    allowed = np.ones((BATCH, len(items)), dtype=np.bool_)
    for subscribers in asked.subscribers:
        readers = readers_of(task, subscribers)
        began = time.perf_counter()
        for start in range(0, subscribers, BATCH):
            part = readers[start : start + BATCH]
            ranker.rank(part, items, allowed[: len(part)], TOP)
        ranked = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        bare = bare_product(ranker, readers[:BATCH], items) * subscribers / min(BATCH, subscribers)
        print(
            f"{subscribers} subscribers x {len(items)} items: {ranked:.1f} s, "
            f"{1e6 * ranked / subscribers:.0f} us each, {peak:.0f} MiB; "
            f"bare product {bare:.1f} s, {ranked / bare:.1f} times",
            flush=True,
        )


def bare_product(ranker: rank.Ranker, readers: list[Reader], items: list[Item]) -> float:
    """Seconds to multiply the readers' finished profiles with the items once."""
    kernel = ranker.kernel
    day = Day.of(items, kernel)
    seeds = gather(
        [[(like, 1.0) for like in portray(r, {}, rank.Settings()).liked] for r in readers], kernel
    )
    profiles = kernel.blend(seeds.weights(len(kernel.corpus.latent)), seeds.fresh)
    began = time.perf_counter()
    kernel.likeness(profiles, day.texts)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
