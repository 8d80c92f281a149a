"""The peers' ways of ranking, written anew, so that ideas are compared on equal text.

Each takes a task and gives (scores [people, new items], seconds to fit, seconds to score, of the
processor's time, so that a busy machine does not change them).
The slow ones score one person at a time.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from rank_tasks import Task
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from digest.model import Described

Outcome: TypeAlias = tuple[np.ndarray, float, float]
OnePerson: TypeAlias = Callable[[Sequence[int]], np.ndarray]

TOKEN = r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b"


def text_of(items: list[Described]) -> list[str]:
    return [f"{item.title}. {item.summary}" for item in items]


def vectoriser(task: Task, **options) -> TfidfVectorizer:
    return TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=TOKEN,
        ngram_range=(1, 2) if task.phrases else (1, 1),
        sublinear_tf=True,
        dtype=np.float32,
        **options,
    )


def likes_of(task: Task) -> sp.csr_matrix:
    rows = np.repeat(np.arange(len(task.likes)), [len(row) for row in task.likes])
    columns = [n for row in task.likes for n in row]
    shape = (len(task.likes), len(task.old))
    return sp.csr_matrix((np.ones(len(columns), dtype=np.float32), (rows, columns)), shape=shape)


def arxiv_sanity_lite(task: Task) -> OnePerson:
    """One LinearSVC a reader over all papers, the new ones counted as not liked."""
    reader = vectoriser(task, max_features=20_000, min_df=5, max_df=0.1)
    vectors = reader.fit_transform(text_of(task.old + task.new)).tocsr()
    new = vectors[len(task.old) :]

    def score(likes: Sequence[int]) -> np.ndarray:
        liked = np.zeros(vectors.shape[0])
        liked[list(likes)] = 1
        svc = LinearSVC(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01)
        return new @ svc.fit(vectors, liked).coef_[0]

    return score


def scholar_inbox(task: Task) -> OnePerson:
    """One logistic regression a reader; bench_meaning.py has it on an embedding model's vectors."""
    reader = vectoriser(task, max_features=10_000)
    old = reader.fit_transform(text_of(task.old)).tocsr()
    new = reader.transform(text_of(task.new)).tocsr()
    return weak_negatives(old, new, LogisticRegression(C=0.4, max_iter=1000))


def weak_negatives(old, new, model: LogisticRegression, scale: float = 1.0) -> OnePerson:
    """Set a reader's likes against 5,000 random papers, which together count *scale* as much."""
    count = old.shape[0]
    sample = np.random.default_rng(42).choice(count, min(5000, count), replace=False)

    def score(likes: Sequence[int]) -> np.ndarray:
        rest = np.setdiff1d(sample, likes)
        total = len(likes) + len(rest)
        weight = np.full(total, scale * total / len(rest))
        weight[: len(likes)] = total / len(likes)
        liked = np.arange(total) < len(likes)
        model.fit(old[np.concatenate([likes, rest])], liked, sample_weight=weight)
        return new @ model.coef_[0]

    return score


def recency(count: int) -> np.ndarray:
    """What likes count, the newest first."""
    return (1 / (1 + np.log10(np.arange(count) + 1))).astype(np.float32)


def zotero_arxiv_daily(task: Task) -> Outcome:
    """Recency-weighted mean similarity to the liked papers (tf-idf instead of its model)."""
    began = time.process_time()
    reader = vectoriser(task, min_df=2)
    old = reader.fit_transform(text_of(task.old))
    new = reader.transform(text_of(task.new))
    fitted = time.process_time()
    likes = likes_of(task)
    likes.data = np.concatenate([recency(len(row)) for row in task.likes if row] or [likes.data])
    scores = (likes @ old @ new.T).toarray()
    return scores, fitted - began, time.process_time() - fitted


def rocchio(task: Task) -> Outcome:
    """Cosine to the sum of the liked papers and the topic."""
    began = time.process_time()
    reader = vectoriser(task, min_df=2)
    old = reader.fit_transform(text_of(task.old))
    new = reader.transform(text_of(task.new))
    fitted = time.process_time()
    profiles = normalize(likes_of(task) @ old + reader.transform(task.topics))
    return (profiles @ new.T).toarray(), fitted - began, time.process_time() - fitted


def bm25(task: Task) -> Outcome:
    """BM25 (k1 1.2, b 0.75) of all of a profile's words."""
    began = time.process_time()
    counter = CountVectorizer(
        strip_accents="unicode",
        stop_words="english",
        ngram_range=(1, 2) if task.phrases else (1, 1),
        min_df=2,
    )
    old = counter.fit_transform(text_of(task.old)).astype(np.float32)
    new = counter.transform(text_of(task.new)).astype(np.float32).tocsr()
    frequency = np.asarray((old > 0).sum(axis=0)).ravel()
    idf = np.log(1 + (old.shape[0] - frequency + 0.5) / (frequency + 0.5))
    length = np.asarray(new.sum(axis=1)).ravel()
    ratio = np.repeat(length / length.mean(), np.diff(new.indptr))
    new.data = new.data * 2.2 / (new.data + 1.2 * (0.25 + 0.75 * ratio))
    fitted = time.process_time()
    query = (likes_of(task) @ old + counter.transform(task.topics)).tocsr()
    query.data = query.data * 9 / (query.data + 8)
    scores = (query @ sp.diags_array(idf) @ new.T).toarray()
    return scores, fitted - began, time.process_time() - fitted


ONE_BY_ONE = {"arxiv-sanity-lite": arxiv_sanity_lite, "Scholar Inbox": scholar_inbox}
TOGETHER = {"zotero-arxiv-daily": zotero_arxiv_daily, "Rocchio": rocchio, "BM25": bm25}
