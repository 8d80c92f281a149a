"""Rank new items for real people: the product beside the peers' methods, quality and time.

    python tests/bench/bench_rank.py [--task NAME ...] [--people N] [--json FILE]

The product is called as anyone calls it: `digest.rank.fit(items)`, then `scores(readers,
items)`, text in.  arxiv-sanity-lite's method (a LinearSVC a reader over tf-idf) and BM25 are
written anew here and see the same text.  Tasks: `items` = CiteULike-t, a fifth of all papers is new
to everyone; `digest` = 58 researchers' own papers, those since 2020 are new; `few3` = three
likes only; `titles` = the titles of two papers as topic text.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import bench_data
import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.svm import LinearSVC

from digest import rank
from digest.model import Described, Feedback, Interest, Reader, Verdict

METRICS = ("nDCG@10", "precision@10", "recall@20", "recall@100", "MRR")
DISCOUNT = 1 / np.log2(np.arange(2, 12))


@dataclass(frozen=True)
class Task:
    """People, what they liked (numbers of old items) or typed, and what is to be found."""

    old: list[Described]
    new: list[Described]
    likes: list[list[int]]
    liked_in: list[list[int]]
    topics: list[str]
    wanted: list[set[int]]


def citeulike(few: int, people: int, seed: int = 0) -> Task:
    """The `items` task of RESULTS.md, fold 0; bags of words become made-up text."""
    bags = bench_data.citeulike_words()
    items = [described(str(n), " ".join(bag[:1]), " ".join(bag[1:])) for n, bag in enumerate(bags)]
    new = np.sort(np.array_split(np.random.default_rng(seed).permutation(len(items)), 5)[0])
    old = np.setdiff1d(np.arange(len(items)), new)
    place = {int(n): k for part in (old, new) for k, n in enumerate(part)}
    is_new = np.isin(np.arange(len(items)), new)
    libraries = bench_data.citeulike_libraries()
    kept = [[place[int(n)] for n in row if not is_new[n]] for row in libraries]
    hidden = [{place[int(n)] for n in row if is_new[n]} for row in libraries]
    who = [u for u in range(len(kept)) if len(kept[u]) >= (10 if few else 1) and hidden[u]]
    rng = np.random.default_rng(seed + 1)
    if people < len(who):
        who = sorted(rng.choice(who, people, replace=False).tolist())
    likes = [rng.choice(kept[u], few, replace=False).tolist() if few else kept[u] for u in who]
    return Task(
        old=[items[n] for n in old],
        new=[items[n] for n in new],
        likes=likes,
        liked_in=[[2020] * len(row) for row in likes],
        topics=[""] * len(who),
        wanted=[hidden[u] for u in who],
    )


def goldstandard(few: int, seed: int = 0, *, titles: bool = False) -> Task:
    """The `digest` task of RESULTS.md."""
    papers = bench_data.goldstandard_papers()
    items = [described(p["id"], p["title"], p["abstract"] or "") for p in papers]
    year = [paper["year"] or 0 for paper in papers]
    number = {paper["id"]: n for n, paper in enumerate(papers)}
    old = [n for n, y in enumerate(year) if 0 < y < 2020]
    new = [n for n, y in enumerate(year) if y >= 2020]
    place = {n: k for part in (old, new) for k, n in enumerate(part)}
    rng = np.random.default_rng(seed)
    past, wanted = [], []
    for _, ids in sorted(bench_data.goldstandard_publications().items()):
        own = [number[i] for i in ids]
        before = sorted((n for n in own if 0 < year[n] < 2020), key=lambda n: (-year[n], n))
        since = {place[n] for n in own if year[n] >= 2020}
        if len(before) < 3 or not since:
            continue
        if few:
            before = [before[k] for k in sorted(rng.choice(len(before), few, replace=False))]
        past.append(before)
        wanted.append(since)
    return Task(
        old=[items[n] for n in old],
        new=[items[n] for n in new],
        likes=[[] if titles else [place[n] for n in row] for row in past],
        liked_in=[[] if titles else [year[n] for n in row] for row in past],
        topics=[". ".join(items[n].title for n in row) if titles else "" for row in past],
        wanted=wanted,
    )


def described(key: str, title: str, summary: str) -> Described:
    return Described(keys=(f"guid:bench:{key}",), title=title or "-", summary=summary)


def product(task: Task) -> tuple[np.ndarray, float, float]:
    """Scores, seconds to fit, seconds to score."""
    began = time.perf_counter()
    ranker = rank.fit(task.old)
    fitted = time.perf_counter()
    readers = [
        Reader(
            interests=(Interest(name="topic", text=topic),) if topic else (),
            feedback=tuple(
                Feedback(item=task.old[n], verdict=Verdict.MORE, at=datetime(y, 1, 1, tzinfo=UTC))
                for n, y in zip(likes, years, strict=True)
            ),
        )
        for topic, likes, years in zip(task.topics, task.likes, task.liked_in, strict=True)
    ]
    scores = ranker.scores(readers, task.new)
    return scores, fitted - began, time.perf_counter() - fitted


def text_of(items: list[Described]) -> list[str]:
    return [f"{item.title}. {item.summary}" for item in items]


def arxiv_sanity_lite(task: Task) -> tuple[np.ndarray, float, float]:
    """One LinearSVC a reader over all papers, the new ones counted as not liked."""
    began = time.perf_counter()
    reader = TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
        ngram_range=(1, 2),
        max_features=20_000,
        min_df=5,
        max_df=0.1,
        sublinear_tf=True,
    )
    vectors = reader.fit_transform(text_of(task.old + task.new)).tocsr()
    new = vectors[len(task.old) :]
    fitted = time.perf_counter()
    scores = np.empty((len(task.likes), len(task.new)))
    for row, likes in enumerate(task.likes):
        liked = np.zeros(vectors.shape[0])
        liked[likes] = 1
        svc = LinearSVC(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01)
        scores[row] = new @ svc.fit(vectors, liked).coef_[0]
    return scores, fitted - began, time.perf_counter() - fitted


def bm25(task: Task) -> tuple[np.ndarray, float, float]:
    """BM25 (k1 1.2, b 0.75) of all of a profile's words."""
    began = time.perf_counter()
    counter = CountVectorizer(
        strip_accents="unicode", stop_words="english", ngram_range=(1, 2), min_df=2
    )
    old = counter.fit_transform(text_of(task.old)).astype(float)
    new = counter.transform(text_of(task.new)).astype(float).tocsr()
    frequency = np.asarray((old > 0).sum(axis=0)).ravel()
    idf = np.log(1 + (old.shape[0] - frequency + 0.5) / (frequency + 0.5))
    length = np.asarray(new.sum(axis=1)).ravel()
    ratio = np.repeat(length / length.mean(), np.diff(new.indptr))
    new.data = new.data * 2.2 / (new.data + 1.2 * (0.25 + 0.75 * ratio))
    fitted = time.perf_counter()
    rows = np.repeat(np.arange(len(task.likes)), [len(row) for row in task.likes])
    columns = [n for row in task.likes for n in row]
    likes = sp.csr_matrix(
        (np.ones(len(columns)), (rows, columns)), shape=(len(task.likes), old.shape[0])
    )
    query = (likes @ old + counter.transform(task.topics)).tocsr()
    query.data = query.data * 9 / (query.data + 8)
    scores = (query @ sp.diags_array(idf) @ new.T).toarray()
    return scores, fitted - began, time.perf_counter() - fitted


def quality(scores: np.ndarray, wanted: list[set[int]]) -> np.ndarray:
    """METRICS of each person: [people, 5]."""
    table = []
    for row, relevant in zip(scores, wanted, strict=True):
        hits = np.isin(np.argsort(-row, kind="stable")[:100], list(relevant))
        ideal = DISCOUNT[: min(len(relevant), 10)].sum()
        first = 1 / (hits.argmax() + 1) if hits.any() else 0.0
        found = (hits[:20].sum() / len(relevant), hits.sum() / len(relevant))
        table.append(((hits[:10] * DISCOUNT).sum() / ideal, hits[:10].mean(), *found, first))
    return np.array(table)


def interval(difference: np.ndarray, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of a mean over people."""
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(difference), (draws, len(difference)))
    low, high = np.quantile(difference[picks].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


METHODS: dict[str, Callable[[Task], tuple[np.ndarray, float, float]]] = {
    "arxiv-sanity-lite": arxiv_sanity_lite,
    "bm25": bm25,
    "daily-digest": product,
}


def compare(name: str, tasks: list[Task]) -> dict[str, object]:
    """Print one table; repeated draws of the same people are averaged person by person."""
    print(f"\n{name}: {len(tasks[0].wanted)} people, {len(tasks)} draws", flush=True)
    base, report = None, {}
    for method, run in METHODS.items():
        if method == "arxiv-sanity-lite" and not tasks[0].likes[0]:
            continue
        tables, fit, score = [], 0.0, 0.0
        for task in tasks:
            scores, fitting, scoring = run(task)
            tables.append(quality(scores, task.wanted))
            fit, score = fit + fitting / len(tasks), score + scoring / len(tasks)
        table = np.mean(tables, axis=0)
        means = table.mean(axis=0)
        line = " ".join(f"{m} {value:.4f}" for m, value in zip(METRICS, means, strict=True))
        each = 1000 * score / len(table)
        base = table if base is None else base
        low, high = interval(table[:, 0] - base[:, 0])
        gain = means[0] - base[:, 0].mean()
        print(
            f"  {method:18} {line}  {gain:+.4f} [{low:+.4f}, {high:+.4f}]"
            f"  fit {fit:.1f} s, {each:.2f} ms a person",
            flush=True,
        )
        report[method] = dict(zip(METRICS, means.round(4).tolist(), strict=True)) | {
            "gain": [round(float(gain), 4), round(low, 4), round(high, 4)],
            "ms": round(each, 3),
        }
    return {"task": name, "methods": report}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = ["items-likes", "items-few3", "digest-likes", "digest-few3", "digest-titles"]
    parser.add_argument("--task", nargs="+", choices=names, default=names)
    parser.add_argument("--people", type=int, default=2000, help="of CiteULike")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    asked = parser.parse_args()
    made: dict[str, Callable[[], list[Task]]] = {
        "items-likes": lambda: [citeulike(0, asked.people)],
        "items-few3": lambda: [citeulike(3, asked.people)],
        "digest-likes": lambda: [goldstandard(0)],
        "digest-few3": lambda: [goldstandard(3, seed) for seed in range(10)],
        "digest-titles": lambda: [goldstandard(2, seed, titles=True) for seed in range(10)],
    }
    reports = [compare(name, made[name]()) for name in asked.task]
    if asked.json:
        asked.json.write_text(json.dumps(reports, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
