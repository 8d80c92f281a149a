"""Choose the constants of ranking on some people, and report them on others.

    python tests/bench/tune_rank.py [--people N] [--cache FOLDER] [--json FILE] [--tables FILE]

Every setting of GRID is run on every task, and a setting is taken for some people by what it does
for others, in two ways.  "Fifths": for each fifth of the benchmark's people (and of CiteULike's
new papers) by the other four.  "Others": by people of CiteULike who are not in the benchmark,
with papers parted anew, and by goldstandard's papers of earlier years.  Either figure is blind to
the choice; it is compared with arxiv-sanity-lite's, which bench_rank.py keeps.
"""

import argparse
import copy
import itertools
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from bench_rank import BASE, Kept
from rank_peers import ONE_BY_ONE
from rank_tasks import FOLDS, METRICS, Task, citeulike, goldstandard, interval, quality

from digest import rank
from digest.rank.ranker import CorpusRanker

GRID = {
    "topic_evenness": (0.0, 0.25, 0.5, 0.75),
    "half_life": (timedelta(days=365), timedelta(days=730)),
    "feedback_floor": (0.1, 0.5),
    "evenness": (0.6, 0.7),
    "evenness_of_few": (0.45, 0.5),
    "borrowed": (1.5, 3.0),
}
# The other constants come after the factorisation, and these matter only where likes have years.
REFITTED = ("directions", "breadth", "topic_evenness")
OF_AGE = ("half_life", "feedback_floor")
NAMES = ("items-likes", "items-few3", "digest-likes", "digest-few3", "digest-titles")


def settings() -> list[rank.Settings]:
    return [
        replace(rank.Settings(), **dict(zip(GRID, values, strict=True)))
        for values in itertools.product(*GRID.values())
    ]


def named(wanted: rank.Settings) -> dict[str, float]:
    return {name: plain(getattr(wanted, name)) for name in GRID}


def plain(value: float | timedelta) -> float:
    """Give a constant as a number, a span as its days."""
    return value / timedelta(days=1) if isinstance(value, timedelta) else value


def refit(fitted: CorpusRanker, wanted: rank.Settings) -> CorpusRanker:
    """Give a ranker other constants without factorising its corpus again."""
    ranker, kernel = copy.copy(fitted), copy.copy(fitted.kernel)
    ranker.kernel, ranker._settings, kernel._settings = kernel, wanted, wanted
    items, old, space = kernel.corpus.terms.shape[0], fitted._settings, kernel._space
    before = old.ridge_floor + old.ridge_share * items
    power = before * space.damping / (1.0 - space.damping)
    after = wanted.ridge_floor + wanted.ridge_share * items
    kernel._space = replace(space, damping=power / (power + after))
    return ranker


def measure(tasks: dict[str, Task], every: list[rank.Settings]) -> Iterator[tuple[str, np.ndarray]]:
    """Give nDCG@10 [settings, people] of tasks that share their items."""
    old, new = next(iter(tasks.values())).old, next(iter(tasks.values())).new
    readers = {name: task.readers() for name, task in tasks.items()}
    found: dict[str, list[np.ndarray]] = {name: [] for name in tasks}
    fitted: dict[tuple[float, ...], CorpusRanker] = {}
    for wanted in every:
        key = tuple(getattr(wanted, name) for name in REFITTED)
        if key not in fitted:
            fitted[key] = rank.fit(old, wanted)
            fitted[key]._read(new)
        ranker = refit(fitted[key], wanted)
        ageless = replace(wanted, **{name: getattr(every[0], name) for name in OF_AGE})
        for name, task in tasks.items():
            if any(len(set(years)) > 1 for years in task.liked_in) or wanted == ageless:
                row = quality(ranker.scores(readers[name], new), task.wanted)[:, 0]
            else:
                row = found[name][every.index(ageless)]
            found[name].append(row)
    yield from ((name, np.array(rows)) for name, rows in found.items())


@dataclass
class Table:
    """What a task's people got: nDCG@10 [settings, people], the mean of a person's draws.

    Attributes:
        base: [people], of arxiv-sanity-lite's method; zeros where it has none.
        fold: [people], which fifth each is of.
    """

    ours: np.ndarray
    base: np.ndarray
    fold: np.ndarray


def benchmark(people: int, kept: Kept) -> dict[str, Table]:
    """The tasks of bench_rank.py."""
    folds = [
        {
            "items-likes": citeulike(0, people // FOLDS, fold),
            "items-few3": citeulike(3, people // FOLDS, fold),
        }
        for fold in range(FOLDS)
    ]
    return pooled([*folds, of_researchers(2020, range(10))], kept)


def others(people: int) -> dict[str, Table]:
    """People and papers that the benchmark does not ask for."""
    asked = frozenset(
        person
        for few in (0, 3)
        for fold in range(FOLDS)
        for person in citeulike(few, people // FOLDS, fold).people
    )
    groups = tuple(range(FOLDS))
    some = people // 2 // FOLDS
    folds = [
        {
            "items-likes": citeulike(0, some, fold, 1, groups, asked),
            "items-few3": citeulike(3, some, fold, 1, groups, asked),
        }
        for fold in (0, 2)
    ]
    cuts = [of_researchers(cut, range(cut, cut + 3)) for cut in range(2016, 2020)]
    return pooled([*folds, *cuts], None)


def of_researchers(cut: int, draws: Iterable[int]) -> dict[str, Task]:
    tasks = {"digest-likes": goldstandard(0, cut=cut)}
    for draw in draws:
        tasks[f"digest-few3 {draw}"] = goldstandard(3, draw, cut=cut)
        tasks[f"digest-titles {draw}"] = goldstandard(2, draw, titles=True, cut=cut)
    same = tasks["digest-likes"]
    return {name: replace(task, old=same.old, new=same.new) for name, task in tasks.items()}


def pooled(runs: list[dict[str, Task]], kept: Kept | None) -> dict[str, Table]:
    """Run all settings; of several draws and folds a person gets the mean."""
    ours: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in NAMES}
    base: dict[str, dict[str, list[float]]] = {name: {} for name in NAMES}
    fold: dict[str, dict[str, int]] = {name: {} for name in NAMES}
    every = settings()
    for number, tasks in enumerate(runs):
        for name, table in measure(tasks, every):
            task, kind = tasks[name], name.split()[0]
            theirs = np.zeros((len(task.people), 1))
            if kept and task.likes[0]:
                theirs = kept.table(task, ONE_BY_ONE[BASE], timed=0)[0]
            for place, person in enumerate(task.people):
                fold[kind][person] = number if kind.startswith("items") else place % FOLDS
                ours[kind].setdefault(person, []).append(table[:, place])
                base[kind].setdefault(person, []).append(float(theirs[place][0]))
        print(f"measured {number + 1} of {len(runs)}", flush=True)
    return {
        name: Table(
            np.array([np.mean(found, axis=0) for found in ours[name].values()]).T,
            np.array([np.mean(found) for found in base[name].values()]),
            np.array(list(fold[name].values())),
        )
        for name in NAMES
    }


def best(tables: dict[str, Table], left_out: int = -1) -> int:
    """The setting that gains most over the grid's mean, without a fifth of the people.

    Gains are counted in standard errors and added up over tasks: else the chance of 47 people
    would say more than what 2,000 agree on.
    """
    worth = np.zeros(len(settings()))
    for table in tables.values():
        asked = table.ours[:, table.fold != left_out]
        gain = asked - asked.mean(axis=0)
        error = np.sqrt(gain.var(axis=1).mean() / gain.shape[1])
        worth += gain.mean(axis=1) / error
    return int(np.argmax(worth))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=2000, help="of CiteULike, over five folds")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "daily-digest-bench"
    )
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--tables", type=Path, help="keep nDCG@10 of every setting and person here")
    asked = parser.parse_args()
    elsewhere = others(asked.people)
    here = benchmark(asked.people, Kept(asked.cache, BASE))
    if asked.tables:
        found = {"others": elsewhere, "benchmark": here}
        rows = {f"{k} {n}": t.ours for k, tables in found.items() for n, t in tables.items()}
        np.savez_compressed(asked.tables, **rows)
    report(here, elsewhere, asked.json)


def report(here: dict[str, Table], elsewhere: dict[str, Table], file: Path | None) -> None:
    every = settings()
    fifths = [best(here, left_out) for left_out in range(FOLDS)]
    for left_out, number in enumerate(fifths):
        print(f"without fifth {left_out}: {named(every[number])}")
    outside, seen = best(elsewhere), best(here)
    print(f"by others: {named(every[outside])}")
    print(f"by all of the benchmark: {named(every[seen])}")
    told: dict[str, object] = {
        "grid": {name: list(map(plain, values)) for name, values in GRID.items()},
        "fifths": [named(every[number]) for number in fifths],
        "others": named(every[outside]),
    }
    ways = {"fifths": np.array(fifths), "others": np.full(FOLDS, outside)}
    ways |= {"as shipped": np.full(FOLDS, every.index(rank.Settings()))}
    for name, table in here.items():
        for way, chosen in ways.items():
            row = table.ours[chosen[table.fold], np.arange(len(table.fold))]
            low, high = interval(row - table.base)
            gain = (row - table.base).mean()
            print(
                f"{name:14} {METRICS[0]} {way:10} {row.mean():.4f}, {BASE}"
                f" {table.base.mean():.4f}, gain {gain:+.4f} [{low:+.4f}, {high:+.4f}]"
                f" ({len(row)} people)"
            )
            told[f"{name} {way}"] = [float(row.mean()), float(gain), low, high]
    for where, tables in (("others", elsewhere), ("benchmark", here)):
        for name, values in GRID.items():
            for value in values:
                rows = [n for n, s in enumerate(every) if getattr(s, name) == value]
                means = (f"{task} {table.ours[rows].mean():.4f}" for task, table in tables.items())
                print(f"{where}: {name} {plain(value)}: {' '.join(means)}")
    if file:
        file.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
