"""Rank one day for many subscribers: seconds and memory, beside the bare matrix product.

    python tests/bench/bench_rank_scale.py [--subscribers N ...] [--items M] [--workers W]

Readers are CiteULike's people drawn again and again; each gets the top 20 with reasons, from one
of W processes that share one fitted ranker, a core each.  What is costly of profiles was kept in
an SQLite database the day before, and is read back; `fresh` is the first day, when it is not.
The bare product multiplies as many finished profiles with the day's items and does nothing else,
as scipy and numpy do in one line.  Seconds are of the wall; times of a subscriber are of the
processor, so that a busy machine changes them less.  Every process reads the day once, however
many it ranks for: that is said apart, and the comparisons are without it, as the product is.
"""

import argparse
import copy
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rank_tasks import FOLDS, citeulike
from threadpoolctl import threadpool_limits

from digest import rank
from digest.model import Described, Item, Reader
from digest.rank.day import Day
from digest.rank.making import Made
from digest.rank.profile import portray
from digest.rank.stating import Stated
from digest.rankers import ProfilesKept
from digest.senders.work import collect_rarely
from digest.store.database import Database
from digest.store.subscribers import add_subscriber

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.store.makers import make_subscriber

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BATCH = 500
TOP = 20


@dataclass(frozen=True)
class Work:
    """What the processes share: a ranker that keeps nothing, and where it finds what was kept."""

    ranker: rank.Ranker
    known: list[Reader]
    items: list[Item]
    url: str


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
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/digest.db"
        WORK.append(Work(ranker, stored(url, task.readers()), items, url))
        one_verdict(WORK[0], task.old)
        told = [measure(subscribers, asked.workers) for subscribers in asked.subscribers]
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


def stored(url: str, readers: list[Reader]) -> list[Reader]:
    """Store subscribers, and give the readers their ids."""
    database = Database(url)
    database.upgrade()
    with database.write() as connection:
        people = (make_subscriber(f"reader{n}") for n in range(len(readers)))
        ids = [add_subscriber(connection, one, NOW).id for one in people]
    database.close()
    return [replace(one, id=id_) for one, id_ in zip(readers, ids, strict=True)]


def one_verdict(work: Work, corpus: list[Described]) -> None:
    """Print what it takes to have one profile anew after one more verdict."""
    took = {}
    for likes in (1, 2, 4, 10, 50):
        reader = next(one for one in work.known if len(one.feedback) == likes)
        more = replace(reader.feedback[0], item=corpus[7])
        changed = replace(reader, feedback=(*reader.feedback, more), id="")
        work.ranker.prepare([reader])
        began = time.process_time()
        for _ in range(5):
            work.ranker.prepare([changed])
        took[likes + 1] = 200 * (time.process_time() - began)
    shown = ", ".join(f"{likes} likes {ms:.1f} ms" for likes, ms in took.items())
    print(f"one profile after one more verdict: {shown}", flush=True)


def measure(subscribers: int, workers: int) -> dict[str, float]:
    """Rank once for everybody, and print what it took."""
    shares = [(seed, subscribers // workers) for seed in range(workers)]
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        outcomes = pool.map(rank_many, shares, chunksize=1)
    ranking = sum(one.spent - one.day for one in outcomes)
    told = {
        "subscribers": subscribers,
        "seconds": max(one.seconds for one in outcomes),
        "us": 1e6 * sum(one.spent for one in outcomes) / subscribers,
        "ranking_us": 1e6 * ranking / subscribers,
        "day_ms": 1e3 * float(np.mean([one.day for one in outcomes])),
        "fresh_us": 1e6 * float(np.mean([one.fresh for one in outcomes])),
        "bare_us": 1e6 * float(np.mean([one.bare for one in outcomes])),
        "measured_us": 1e6 * float(np.mean([one.measured for one in outcomes])),
        "mib": sum(one.mib for one in outcomes),
    }
    print(
        f"{subscribers} subscribers x {len(WORK[0].items)} items: {told['seconds']:.1f} s with "
        f"{workers} processes, {told['ranking_us']:.0f} us of a processor each once the day was "
        f"read in {told['day_ms']:.0f} ms, {told['us']:.0f} with that, "
        f"{told['fresh_us']:.0f} where nothing is kept; {told['mib']:.0f} MiB in all\n"
        f"  bare product {told['bare_us']:.0f} us each: "
        f"{told['ranking_us'] / told['bare_us']:.1f} times; with measuring by ordinary items "
        f"{told['measured_us']:.0f} us: {told['ranking_us'] / told['measured_us']:.1f} times",
        flush=True,
    )
    return told


@dataclass(frozen=True)
class Outcome:
    """What one process took for its share.

    Attributes:
        seconds: of the wall, from reading the day to the last reasons.
        spent: of the processor, for the same; `day`, to read the day alone.
        fresh: of the processor, for one subscriber of a batch of whom nothing is kept.
        bare, measured: of the processor, for one subscriber's product with the day; the latter
            as the program makes it, in deviations above ordinary items.
    """

    seconds: float
    spent: float
    day: float
    fresh: float
    bare: float
    measured: float
    mib: float


def rank_many(share: tuple[int, int]) -> Outcome:
    """Rank for one process's share."""
    collect_rarely()  # as the program does
    seed, subscribers = share
    work, rng = WORK[0], np.random.default_rng(seed)
    drawn = [work.known[n] for n in rng.integers(0, len(work.known), subscribers)]
    allowed = np.ones((BATCH, len(work.items)), dtype=np.bool_)
    fresh, bare, measured = without_store(work, drawn[:BATCH], allowed)
    database = Database(work.url)
    ranker = copy.copy(work.ranker)
    ranker.shelf = ProfilesKept(database, version=1)
    ranker.prepare(list({one.id: one for one in drawn}.values()))
    began, wall = time.process_time(), time.perf_counter()
    ranker.rank([], work.items, allowed[:0], TOP)
    day = time.process_time() - began
    for start in range(0, subscribers, BATCH):
        readers = drawn[start : start + BATCH]
        picked = ranker.rank(readers, work.items, allowed[: len(readers)], TOP)
        assert all(len(row) == TOP and row[0].reasons for row in picked)
    spent, seconds = time.process_time() - began, time.perf_counter() - wall
    database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Outcome(seconds, spent, day, fresh, bare, measured, peak)


def without_store(
    work: Work, readers: list[Reader], allowed: np.ndarray
) -> tuple[float, float, float]:
    """Seconds of the processor a reader: to rank without a store; of the product, and measured."""
    kernel, ranker = work.ranker.kernel, copy.copy(work.ranker)
    ranker.rank([], work.items, allowed[:0], TOP)
    fresh = timed(lambda: ranker.rank(readers, work.items, allowed[: len(readers)], TOP))
    day = Day.of(work.items, kernel)
    stated = Stated.of([portray(one, {}, rank.Settings()) for one in readers], kernel)
    made = Made.made_of(stated, kernel).blend
    towards = np.hstack([made.damped, made.unit, made.topics])
    with threadpool_limits(1):
        bare = timed(
            lambda: (made.terms @ day.texts.by_term).toarray() + towards @ day.texts.directions
        )
        shown = replace(made, terms=day.columns.take(made.terms))
        measured = timed(lambda: kernel.likeness(shown, day.texts, day.beside))
    return fresh / len(readers), bare / len(readers), measured / len(readers)


def timed(work: Callable[[], object]) -> float:
    """Seconds of the processor, the mean of three after one that warms the caches."""
    work()
    began = time.process_time()
    for _ in range(3):
        work()
    return (time.process_time() - began) / 3


if __name__ == "__main__":
    main()
