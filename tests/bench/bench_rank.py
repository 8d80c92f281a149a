"""Rank new items for real people: the product beside the peers' methods, quality and time.

    python tests/bench/bench_rank.py [--task NAME ...] [--people N] [--cache FOLDER] [--json FILE]

The product is called as anyone calls it: `digest.rank.fit(items)`, then `scores(readers,
items)`, text in.  The tasks are told in rank_tasks.py, the peers' methods in rank_peers.py.
arxiv-sanity-lite's method is slow, so its figures are kept in a folder outside the repository;
its time is taken anew in every run, on a few people, twice: as it runs by itself and with one
thread, which suits it better, for the threads of linear algebra wait for each other.  All times
are of the processor, after the new items were read, which every method does once a day.
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import bench_data
import numpy as np
from rank_peers import ONE_BY_ONE, TOGETHER, OnePerson, Outcome
from rank_tasks import FOLDS, METRICS, Task, citeulike, goldstandard, interval, quality
from threadpoolctl import threadpool_limits

from digest import rank

TIMED = 15  # people of each fold on whom a slow peer's time is taken anew
Times: TypeAlias = tuple[float, ...]  # seconds: to fit; a person by itself, with one thread
BASE, OURS = "arxiv-sanity-lite", "daily-digest"


def product(task: Task) -> Outcome:
    """The product's scores, seconds to fit, seconds to score."""
    readers = task.readers()
    began = time.process_time()
    ranker = rank.fit(task.old)
    ranker.scores([], task.new)
    fitted = time.process_time()
    scores = ranker.scores(readers, task.new)
    return scores, fitted - began, time.process_time() - fitted


class Kept:
    """Quality of a slow method, person by person, kept from run to run."""

    def __init__(self, folder: Path, method: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{method}-{data_key()}.jsonl"
        rows = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        self._known = dict(map(json.loads, rows))

    def table(
        self, task: Task, method: Callable[[Task], OnePerson], timed: int = TIMED
    ) -> tuple[np.ndarray, Times]:
        """METRICS of each person, and times: of the first few, taken anew."""
        keys = [f"{task.name} person {person}" for person in task.people]
        if not timed and all(key in self._known for key in keys):
            return np.array([self._known[key] for key in keys]), (0.0, 0.0, 0.0)
        began = time.process_time()
        score = method(task)
        fit = time.process_time() - began
        found, spent, alone = [], 0.0, 0.0
        with self._file.open("a", encoding="utf-8") as file:
            for n, key in enumerate(keys):
                if n < timed or key not in self._known:
                    began = time.process_time()
                    with threadpool_limits(1):
                        row = score(task.likes[n])
                    alone += (time.process_time() - began) if n < timed else 0.0
                    if n < timed:
                        began = time.process_time()
                        score(task.likes[n])
                        spent += time.process_time() - began
                    value = quality(row[None], task.wanted[n : n + 1])[0].tolist()
                    if key not in self._known:
                        self._known[key] = value
                        file.write(json.dumps([key, value]) + "\n")
                        file.flush()
                found.append(self._known[key])
        count = max(1, min(timed, len(found)))
        return np.array(found), (fit, spent / count, alone / count)


def data_key() -> str:
    """Name the data and the code that made the tasks, for what is kept between runs."""
    known = hashlib.sha256()
    for file in sorted(bench_data.DATA.rglob("*.gz")):
        known.update(f"{file.name} {file.stat().st_size}".encode())
    return known.hexdigest()[:12]


def compare(name: str, tasks: list[Task], cache: Path, methods: list[str]) -> dict[str, object]:
    """Print one table: people of several folds are pooled, draws of the same ones averaged.

    Under each value stands its difference to arxiv-sanity-lite's method, which needs likes.
    """
    print(f"\n{name}: {len(tasks[0].old)} known, {len(tasks[0].new)} new", flush=True)
    base, report = None, {}
    for method in methods:
        if method in (*ONE_BY_ONE, "zotero-arxiv-daily") and not tasks[0].likes[0]:
            continue
        tables, spent = zip(*(measure(method, task, cache) for task in tasks), strict=True)
        table = pooled(tasks, tables)
        means = table.mean(axis=0)
        fit, each, alone = (float(np.mean(one)) for one in zip(*spent, strict=True))
        line = " ".join(f"{m} {value:.4f}" for m, value in zip(METRICS, means, strict=True))
        print(
            f"  {method:18} {line}  {fit:.1f} s to fit, {1000 * each:.2f} ms a person,"
            f" {1000 * alone:.2f} with one thread ({len(table)} people)",
            flush=True,
        )
        report[method] = dict(zip(METRICS, means.round(4).tolist(), strict=True))
        report[method] |= {"fit": round(fit, 2)}
        report[method] |= {"ms": round(1000 * each, 3), "ms_one_thread": round(1000 * alone, 3)}
        if method == BASE:
            base = table
        elif base is not None:
            report[method]["gains"] = gains(table - base)
    return {"task": name, "methods": report}


def gains(differences: np.ndarray) -> dict[str, list[float]]:
    """Print and give the mean difference of each metric, and its 95 % interval."""
    found = {}
    for metric, column in zip(METRICS, differences.T, strict=True):
        found[metric] = [round(float(v), 4) for v in (column.mean(), *interval(column))]
    shown = (f"{m} {mean:+.4f} [{low:+.4f}, {high:+.4f}]" for m, (mean, low, high) in found.items())
    print(f"  {'':18} {' '.join(shown)}", flush=True)
    return found


def measure(method: str, task: Task, cache: Path) -> tuple[np.ndarray, Times]:
    """METRICS of each person, and times."""
    if method in ONE_BY_ONE:
        return Kept(cache, method).table(task, ONE_BY_ONE[method])
    scores, fit, spent = (product if method == OURS else TOGETHER[method])(task)
    each = spent / len(task.people)
    return quality(scores, task.wanted), (fit, each, each)


def pooled(tasks: list[Task], tables: tuple[np.ndarray, ...]) -> np.ndarray:
    rows: dict[str, list[np.ndarray]] = {}
    for task, table in zip(tasks, tables, strict=True):
        for person, row in zip(task.people, table, strict=True):
            rows.setdefault(person, []).append(row)
    return np.array([np.mean(found, axis=0) for found in rows.values()])


def tasks_of(name: str, people: int, draws: int = 10) -> Iterator[Task]:
    """Give the folds or draws of a task: `items-likes`, `digest-few3`, `digest-titles`, ..."""
    data, kind = name.split("-")
    few = int(kind.removeprefix("few")) if kind.startswith("few") else 0
    if data == "items":
        yield from (citeulike(few, people // FOLDS, fold) for fold in range(FOLDS))
    elif kind == "titles":
        yield from (goldstandard(2, draw, titles=True) for draw in range(draws))
    else:
        drawn = range(draws if few == 3 else draws // 2 if few else 1)
        yield from (goldstandard(few, draw) for draw in drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = ["items-likes", "items-few3", "digest-likes", "digest-few3", "digest-titles"]
    every = [*ONE_BY_ONE, *TOGETHER, OURS]
    parser.add_argument("--task", nargs="+", default=names, help=f"of {', '.join(names)}, fewN")
    parser.add_argument("--method", nargs="+", choices=every, default=every)
    parser.add_argument("--people", type=int, default=2000, help="of CiteULike, over five folds")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "daily-digest-bench"
    )
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    asked = parser.parse_args()
    reports = [
        compare(name, list(tasks_of(name, asked.people)), asked.cache, asked.method)
        for name in asked.task
    ]
    if asked.json:
        asked.json.write_text(json.dumps(reports, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
