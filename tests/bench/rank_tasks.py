"""The tasks of the ranking benchmark: real people, what they liked, what they liked next.

`citeulike`: a fifth of all papers is new to everyone; each fifth is judged by another fifth of
the people.  `goldstandard`: researchers' own papers, those since a year are new.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import bench_data
import numpy as np

from digest.model import Described, Feedback, Interest, Reader, Verdict

FOLDS = 5
METRICS = ("nDCG@10", "precision@10", "recall@20", "recall@100", "MRR")
DISCOUNT = 1 / np.log2(np.arange(2, 12))


@dataclass(frozen=True)
class Task:
    """People, what they liked (numbers of old items) or typed, and what is to be found.

    Attributes:
        name: says which people and items these are; a cache may use it as a key.
        phrases: neighbours in the texts are real; they are not in made-up ones.
    """

    name: str
    old: list[Described]
    new: list[Described]
    people: list[str]
    likes: list[list[int]]
    liked_in: list[list[int]]
    topics: list[str]
    wanted: list[set[int]]
    phrases: bool = True

    def readers(self) -> list[Reader]:
        return [
            Reader(
                interests=(Interest(name="topic", text=topic),) if topic else (),
                feedback=tuple(
                    Feedback(
                        item=self.old[n], verdict=Verdict.MORE, at=datetime(year, 1, 1, tzinfo=UTC)
                    )
                    for n, year in zip(likes, years, strict=True)
                ),
            )
            for topic, likes, years in zip(self.topics, self.likes, self.liked_in, strict=True)
        ]


def citeulike(
    few: int,
    people: int,
    fold: int,
    seed: int = 0,
    groups: tuple[int, ...] = (),
    without: frozenset[str] = frozenset(),
) -> Task:
    """One fold of the `items` task of RESULTS.md; bags of words become made-up text.

    Args:
        few: so many likes each, of people who have ten; 0 = all they have.
        people: so many of each group.
        groups: which fifths of the people are asked; () = the one of the fold.
        without: people who are not asked.
    """
    items = citeulike_items()
    new = np.sort(np.array_split(np.random.default_rng(seed).permutation(len(items)), FOLDS)[fold])
    is_new = np.zeros(len(items), dtype=bool)
    is_new[new] = True
    old = np.flatnonzero(~is_new)
    place = np.empty(len(items), dtype=int)
    place[old], place[new] = np.arange(len(old)), np.arange(len(new))
    libraries = bench_data.citeulike_libraries()
    order = np.random.default_rng(seed + 1).permutation(len(libraries))
    who, likes, wanted = [], [], []
    for group in groups or (fold,):
        found = 0
        for person in order[group::FOLDS].tolist():
            kept = place[libraries[person][~is_new[libraries[person]]]]
            hidden = place[libraries[person][is_new[libraries[person]]]]
            if len(kept) < (10 if few else 1) or not len(hidden) or found == people:
                continue
            if str(person) in without:
                continue
            if few:
                draw = np.random.default_rng((seed, fold, person))
                kept = draw.choice(kept, min(few, len(kept)), replace=False)
            found += 1
            who.append(str(person))
            likes.append(kept.tolist())
            wanted.append(set(hidden.tolist()))
    return Task(
        name=f"citeulike {few or 'all'} fold {fold} seed {seed}",
        old=[items[n] for n in old],
        new=[items[n] for n in new],
        people=who,
        likes=likes,
        liked_in=[[2020] * len(row) for row in likes],
        topics=[""] * len(who),
        wanted=wanted,
        phrases=False,
    )


def goldstandard(few: int, draw: int = 0, *, titles: bool = False, cut: int = 2020) -> Task:
    """The `digest` task of RESULTS.md: papers before *cut* are liked, later ones to be found."""
    papers = bench_data.goldstandard_papers()
    items = [described(p["id"], p["title"], p["abstract"] or "") for p in papers]
    year = [paper["year"] or 0 for paper in papers]
    number = {paper["id"]: n for n, paper in enumerate(papers)}
    old = [n for n, y in enumerate(year) if 0 < y < cut]
    new = [n for n, y in enumerate(year) if y >= cut]
    place = {n: k for part in (old, new) for k, n in enumerate(part)}
    rng = np.random.default_rng(draw)
    who, past, wanted = [], [], []
    for person, ids in sorted(bench_data.goldstandard_publications().items()):
        own = [number[i] for i in ids]
        before = sorted((n for n in own if 0 < year[n] < cut), key=lambda n: (-year[n], n))
        since = {place[n] for n in own if year[n] >= cut}
        if len(before) < max(3, few) or not since:
            continue
        if few:
            before = [before[k] for k in sorted(rng.choice(len(before), few, replace=False))]
        who.append(person)
        past.append(before)
        wanted.append(since)
    return Task(
        name=f"goldstandard {few or 'all'} cut {cut} draw {draw}",
        old=[items[n] for n in old],
        new=[items[n] for n in new],
        people=who,
        likes=[[] if titles else [place[n] for n in row] for row in past],
        liked_in=[[] if titles else [year[n] for n in row] for row in past],
        topics=[". ".join(items[n].title for n in row) if titles else "" for row in past],
        wanted=wanted,
    )


@cache
def citeulike_items() -> list[Described]:
    bags = bench_data.citeulike_words()
    return [described(str(n), " ".join(bag[:1]), " ".join(bag[1:])) for n, bag in enumerate(bags)]


def described(key: str, title: str, summary: str) -> Described:
    return Described(keys=(f"guid:bench:{key}",), title=title or "-", summary=summary)


def quality(scores: np.ndarray, wanted: list[set[int]]) -> np.ndarray:
    """METRICS of each person: [people, 5]."""
    table = []
    for row, relevant in zip(scores, wanted, strict=True):
        top = np.argpartition(-row, min(100, len(row) - 1))[:100]
        top = top[np.lexsort((top, -row[top]))]
        hits = np.isin(top, list(relevant))
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
