"""Choose the constants of ranking on some people, and report them on others.

    python tests/bench/tune_rank.py [--people N] [--cache FOLDER] [--json FILE]

Every setting of GRID is run on every task.  For each fifth of the people (and of CiteULike's new
papers), the setting is taken that does best for the other four fifths; what it does for the
fifth itself is blind.  The blind figures of all five are put together and compared with
arxiv-sanity-lite's, which bench_rank.py keeps.
"""

import argparse
import copy
import itertools
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
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


def tables(people: int) -> Iterator[tuple[str, int, Task, np.ndarray]]:
    """Give (task's name, fold of the people or -1, task, nDCG@10 [settings, people])."""
    every = settings()
    for fold in range(FOLDS):
        tasks = {
            "items-likes": citeulike(0, people // FOLDS, fold),
            "items-few3": citeulike(3, people // FOLDS, fold),
        }
        for name, table in measure(tasks, every):
            yield name, fold, tasks[name], table
        print(f"measured fold {fold}", flush=True)
    tasks = {"digest-likes 0": goldstandard(0)}
    for draw in range(10):
        tasks[f"digest-few3 {draw}"] = goldstandard(3, draw)
        tasks[f"digest-titles {draw}"] = goldstandard(2, draw, titles=True)
    same = next(iter(tasks.values()))
    shared = {name: replace(task, old=same.old, new=same.new) for name, task in tasks.items()}
    for name, table in measure(shared, every):
        yield name.split()[0], -1, shared[name], table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=2000, help="of CiteULike, over five folds")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "daily-digest-bench"
    )
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    asked = parser.parse_args()
    kept = Kept(asked.cache, BASE)
    ours: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in NAMES}
    theirs: dict[str, dict[str, list[float]]] = {name: {} for name in NAMES}
    fold_of: dict[tuple[str, str], int] = {}
    for name, fold, task, table in tables(asked.people):
        base = [[0.0]] * len(task.people)
        if task.likes[0]:
            base = kept.table(task, ONE_BY_ONE[BASE], timed=0)[0]
        for place, person in enumerate(task.people):
            fold_of[name, person] = fold if fold >= 0 else place % FOLDS
            ours[name].setdefault(person, []).append(table[:, place])
            theirs[name].setdefault(person, []).append(float(base[place][0]))
    report(ours, theirs, fold_of, asked.json)


def report(ours: dict, theirs: dict, fold_of: dict, file: Path | None) -> None:
    every = settings()
    table = {name: np.array([np.mean(v, axis=0) for v in ours[name].values()]).T for name in NAMES}
    base = {name: np.array([np.mean(v) for v in theirs[name].values()]) for name in NAMES}
    fold = {name: np.array([fold_of[name, person] for person in ours[name]]) for name in NAMES}
    told: dict[str, object] = {
        "grid": {k: list(map(plain, v)) for k, v in GRID.items()},
        "chosen": [],
    }

    def best(left_out: int) -> int:
        """The setting of the highest mean over tasks, each relative to the grid's mean."""
        means = [table[name][:, fold[name] != left_out].mean(axis=1) for name in NAMES]
        return int(np.argmax(sum(mean / mean.mean() for mean in means)))

    chosen = [best(left_out) for left_out in range(FOLDS)]
    for left_out, number in enumerate(chosen):
        constants = named(every[number])
        told["chosen"].append(constants)
        print(f"without fifth {left_out}: {constants}")
    overall = named(every[best(-1)])
    told["all"] = overall
    print(f"on all people: {overall}")
    for name in NAMES:
        blind = table[name][np.array(chosen)[fold[name]], np.arange(len(fold[name]))]
        low, high = interval(blind - base[name])
        seen, default = table[name][best(-1)].mean(), table[name][every.index(rank.Settings())]
        print(
            f"{name:14} {METRICS[0]} blind {blind.mean():.4f}, {BASE} {base[name].mean():.4f}, "
            f"gain {(blind - base[name]).mean():+.4f} [{low:+.4f}, {high:+.4f}]; "
            f"not blind {seen:.4f}, as shipped {default.mean():.4f} ({len(blind)} people)"
        )
        told[name] = [float(blind.mean()), float(base[name].mean()), low, high, float(seen)]
    for name, values in GRID.items():
        for value in values:
            rows = [n for n, s in enumerate(every) if getattr(s, name) == value]
            line = " ".join(f"{task} {table[task][rows].mean():.4f}" for task in NAMES)
            print(f"{name} {plain(value)}: {line}")
    if file:
        file.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
