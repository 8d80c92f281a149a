"""Rank one day for many subscribers: seconds and memory, beside the bare matrix product.

    python tests/bench/bench_rank_scale.py [--subscribers N ...] [--items M] [--workers W]

Readers are CiteULike's people drawn again and again; each gets the top 20 with reasons, from one
of W processes that share one fitted ranker, a core each.  What is costly of profiles was kept in
an SQLite database the day before, and is read back; `fresh` is the first day, when it is not.
The bare product multiplies as many finished profiles with the day's items and does nothing else,
as scipy and numpy do in one line.  It takes turns with the ranking, in the same processes: before
it, after it, and after every PART batches, no more often, for each empties the other's caches.
A turn goes over the finished profiles of several batches, one after the other, as the ranking
does, after one product that brings the day's items into the caches.
Where subscribers are so few that a process has less than LEAST batches, it ranks for others too,
as often as it takes, and the means are told: of a single batch they swing by a third.
Seconds are of the wall; times of a subscriber are of the processor, so that a busy machine changes
them less.  Both are without the turns of the product.  Every process reads the day once, however
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
LEAST = 10  # batches that a process ranks
PART = 25  # batches between two turns of the product
REFERENCES = 4  # batches of finished profiles: 14 MB, more than a core's own caches hold


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
    mean = {
        name: 1e6 * float(np.mean([getattr(one, name) for one in outcomes]))
        for name in ("ranking", "day", "fresh", "bare", "measured")
    }
    told = {
        "subscribers": subscribers,
        "seconds": max(one.seconds for one in outcomes),
        "us": mean["ranking"] + mean["day"] * workers / subscribers,
        "ranking_us": mean["ranking"],
        "day_ms": mean["day"] / 1e3,
        "fresh_us": mean["fresh"],
        "bare_us": mean["bare"],
        "measured_us": mean["measured"],
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
        ranking: of the processor, for one subscriber, once the day was read; `day`, to read it.
        fresh: likewise for one of a batch of whom nothing is kept.
        bare, measured: likewise for one subscriber's product with the day; the latter as the
            program makes it, in deviations above ordinary items.
    """

    seconds: float
    ranking: float
    day: float
    fresh: float
    bare: float
    measured: float
    mib: float


def rank_many(share: tuple[int, int]) -> Outcome:
    """Rank for one process's share."""
    collect_rarely()  # as the program does
    seed, subscribers = share
    rounds = -(-LEAST * BATCH // subscribers)
    work, rng = WORK[0], np.random.default_rng(seed)
    drawn = [work.known[n] for n in rng.integers(0, len(work.known), rounds * subscribers)]
    allowed = np.ones((BATCH, len(work.items)), dtype=np.bool_)
    fresh = without_store(work, drawn[:BATCH], allowed)
    reference = Reference(work, [work.known[n] for n in rng.permutation(len(work.known))])
    database = Database(work.url)
    ranker = copy.copy(work.ranker)
    ranker.shelf = ProfilesKept(database, version=1)
    ranker.prepare(list({one.id: one for one in drawn}.values()))
    began, wall = time.process_time(), time.perf_counter()
    ranker.rank([], work.items, allowed[:0], TOP)
    day, day_wall = time.process_time() - began, time.perf_counter() - wall
    spent = seconds = 0.0
    size = min(BATCH, subscribers)
    reference.take_turns()
    for batch, start in enumerate(range(0, len(drawn), size), 1):
        readers = drawn[start : start + size]
        began, wall = time.process_time(), time.perf_counter()
        picked = ranker.rank(readers, work.items, allowed[: len(readers)], TOP)
        spent += time.process_time() - began
        seconds += time.perf_counter() - wall
        assert all(len(row) == TOP and row[0].reasons for row in picked)
        if batch % PART == 0:
            reference.take_turns()
    reference.take_turns()
    database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = day_wall + seconds / rounds
    return Outcome(seconds, spent / len(drawn), day, fresh, *reference.means(), peak)


def without_store(work: Work, readers: list[Reader], allowed: np.ndarray) -> float:
    """Seconds of the processor a reader where nothing is kept, the mean of three batches."""
    ranker = copy.copy(work.ranker)
    took = []
    for _ in range(4):
        began = time.process_time()
        ranker.rank(readers, work.items, allowed[: len(readers)], TOP)
        took.append(time.process_time() - began)
    return float(np.mean(took[1:])) / len(readers)


class Reference:
    """Finished profiles of a few batches, and what their products with the day take."""

    def __init__(self, work: Work, readers: list[Reader]) -> None:
        self.kernel = work.ranker.kernel
        self.day = Day.of(work.items, self.kernel)
        self.profiles, self.bare, self.measured = [], [], []
        for start in range(0, min(len(readers), REFERENCES * BATCH), BATCH):
            portraits = [
                portray(one, {}, rank.Settings()) for one in readers[start : start + BATCH]
            ]
            made = Made.made_of(Stated.of(portraits, self.kernel), self.kernel).blend
            towards = np.hstack([made.damped, made.unit, made.topics])
            shown = replace(made, terms=self.day.columns.take(made.terms))
            self.profiles.append((made.terms, towards, shown))

    def take_turns(self) -> None:
        """Time both products of all profiles, twice."""
        texts, beside = self.day.texts, self.day.beside
        with threadpool_limits(1):
            for turn, (terms, towards, _) in enumerate(self.profiles[-1:] + 2 * self.profiles):
                began = time.process_time()
                (terms @ texts.by_term).toarray() + towards @ texts.directions
                if turn:
                    self.bare.append((time.process_time() - began) / len(towards))
            for _, towards, shown in 2 * self.profiles:
                began = time.process_time()
                self.kernel.likeness(shown, texts, beside)
                self.measured.append((time.process_time() - began) / len(towards))

    def means(self) -> tuple[float, float]:
        """Seconds of the processor a reader: of the bare product, and of ours."""
        return float(np.mean(self.bare)), float(np.mean(self.measured))


if __name__ == "__main__":
    main()
