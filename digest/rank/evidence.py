"""What speaks for each item, for a batch of readers: likeness, exact matches, mutes.

Shapes: m readers with P profiles between them, n items of the day, S seeds (the distinct
liked items and topics that the profiles are made of).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described, ReasonKind
from digest.rank.kernel import Kernel, Texts, content_key
from digest.rank.matching import Index, Wish
from digest.rank.popularity import popularity, recency
from digest.rank.profile import Like, Portrait, Profile
from digest.rank.settings import Settings

Array = NDArray[np.float64]

STRENGTH = {
    ReasonKind.KEYWORD: 0.8,
    ReasonKind.AUTHOR: 1.5,
    ReasonKind.ORGANISATION: 0.8,
    ReasonKind.CATEGORY: 0.4,
}
LESS_OF = 1.0  # what one match of "less of" takes away
GAIN = 3.0  # likeness 0.25, a close relative, scores about as high as a keyword
CROWD = 0.75  # many likes: their sum is divided by their weight to this power
ORDER_ONLY = 1e-6  # items that nothing speaks for keep an order within this much of 0
NEWCOMER_POPULAR = 0.6  # a reader who stated nothing: share of popularity, the rest is recency


@dataclass(frozen=True, slots=True)
class Day:
    """n items, prepared for any number of readers."""

    items: Sequence[Described]
    texts: Texts
    index: Index
    popularity: Array
    recency: Array

    @classmethod
    def of(cls, items: Sequence[Described], kernel: Kernel) -> "Day":
        """Read a day's items once."""
        return cls(items, kernel.of(items), Index(items), popularity(items), recency(items))


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence of a batch, kept so that reasons can be given for what is picked.

    Attributes:
        profiles: P of them; those of one reader stand together.
        first: [m + 1], reader r has profiles first[r] up to first[r + 1].
        seeds: S liked items or topics.
        weights: [P, S], what a seed counts in a profile, below 0 for disliked items.
        likeness: [S, n].
        matches: where each wish of the batch is found.
        evidence: [P, n], all parts summed.
        total: [m, n], the score; -inf where muted.
    """

    portraits: Sequence[Portrait]
    profiles: Sequence[Profile]
    first: Sequence[int]
    day: Day
    seeds: Sequence[Like | str]
    weights: sp.csr_matrix
    likeness: Array
    matches: Mapping[Wish, Sequence[int]]
    evidence: Array
    total: Array


def judge(portraits: Sequence[Portrait], day: Day, kernel: Kernel, settings: Settings) -> Judged:
    """Gather the evidence for every item and reader of a batch."""
    profiles = [profile for portrait in portraits for profile in portrait.profiles]
    first = np.cumsum([0] + [len(portrait.profiles) for portrait in portraits]).tolist()
    seeds, weights = _seeds(portraits, settings)
    likeness = kernel.likeness(_texts_of(seeds, kernel), day.texts)
    matches = _look_up(portraits, day.index)
    evidence = GAIN * np.asarray(weights @ likeness)
    for row, profile in enumerate(profiles):
        _add_matches(evidence[row], profile, matches)
        evidence[row] *= profile.weight
    total = _totals(portraits, first, evidence, day)
    for reader, portrait in enumerate(portraits):
        for wish in portrait.muted:
            total[reader, matches[wish]] = -np.inf
    return Judged(
        portraits, profiles, first, day, seeds, weights, likeness, matches, evidence, total
    )


def score_of(evidence: Array) -> Array:
    """Turn evidence into a score: 1 - exp(-evidence), just below 0 where there is none."""
    least = ORDER_ONLY * evidence / (1.0 + np.abs(evidence))
    return np.where(evidence > 0.0, -np.expm1(-np.maximum(evidence, 0.0)), least)


def _totals(
    portraits: Sequence[Portrait], first: Sequence[int], evidence: Array, day: Day
) -> Array:
    """Mix each reader's best interest with popularity: [m, n]."""
    newcomer = NEWCOMER_POPULAR * day.popularity + (1.0 - NEWCOMER_POPULAR) * day.recency
    total = np.empty((len(portraits), len(day.items)))
    for reader, portrait in enumerate(portraits):
        own = evidence[first[reader] : first[reader + 1]]
        dial = portrait.popularity
        if len(own):
            total[reader] = (1.0 - dial) * score_of(own.max(axis=0)) + dial * day.popularity
        else:
            total[reader] = newcomer
    return np.round(total, 10)


def _seeds(
    portraits: Sequence[Portrait], settings: Settings
) -> tuple[list[Like | str], sp.csr_matrix]:
    """List the distinct seeds of a batch, and what each counts in each profile."""
    place: dict[tuple[object, ...], int] = {}
    seeds: list[Like | str] = []
    columns: list[int] = []
    values: list[float] = []
    ends = [0]

    def add(sources: Sequence[tuple[Like | str, float]], factor: float) -> None:
        crowd = sum(weight for _, weight in sources) ** CROWD if sources else 1.0
        for seed, weight in sources:
            key = (seed,) if isinstance(seed, str) else content_key(seed.item)
            if key not in place:
                place[key] = len(seeds)
                seeds.append(seed)
            columns.append(place[key])
            values.append(factor * weight / crowd)

    for portrait in portraits:
        liked = [(like, like.weight) for like in portrait.liked]
        disliked = [(like, like.weight) for like in portrait.disliked]
        for profile in portrait.profiles:
            stated: list[tuple[Like | str, float]] = [(k, k.weight) for k in profile.likes]
            if profile.topic:
                stated.append((profile.topic, 1.0))
            add(stated, 1.0)
            add(liked, 1.0)
            add(disliked, -settings.less)
            ends.append(len(columns))
    shape = (len(ends) - 1, len(seeds))
    return seeds, sp.csr_matrix((values, columns, ends), shape=shape)


def _texts_of(seeds: Sequence[Like | str], kernel: Kernel) -> Texts:
    return kernel.of([seed if isinstance(seed, str) else seed.item for seed in seeds])


def _look_up(portraits: Sequence[Portrait], index: Index) -> dict[Wish, list[int]]:
    """Look every distinct wish of a batch up once."""
    wishes: dict[Wish, None] = {}
    for portrait in portraits:
        wishes.update(dict.fromkeys(portrait.muted))
        for profile in portrait.profiles:
            wishes.update((wish, None) for wish, _ in profile.wishes)
            wishes.update(dict.fromkeys(profile.less_of))
    return {wish: index.places(wish) for wish in wishes}


def _add_matches(row: Array, profile: Profile, matches: Mapping[Wish, Sequence[int]]) -> None:
    for wish, kind in profile.wishes:
        row[matches[wish]] += STRENGTH[kind]
    for wish in profile.less_of:
        row[matches[wish]] -= LESS_OF
