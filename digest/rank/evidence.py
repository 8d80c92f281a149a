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
from digest.rank.kernel import Kernel, Texts, content_key, near_duplicates
from digest.rank.matching import Index, Wish
from digest.rank.meaning import NO_MEANING, Meaning
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
SLOPE = 0.35  # evidence of one deviation of likeness, so that three are about a keyword
ORDINARY = 1.0  # deviations up to which likeness is chance
TWIN = 0.5  # more than a profile can lose by one more verdict
FAINT = 1e-4  # what likeness below chance counts, for the order alone
ORDER_ONLY = 1e-6  # items that nothing speaks for keep an order within this much of 0
NOTHING_AGAINST = 0.01  # evidence above its negative is order alone, not a reader's dislike
NEWCOMER_POPULAR = 0.6  # a reader who stated nothing: share of popularity, the rest is recency


@dataclass(frozen=True, slots=True)
class Day:
    """n items, prepared for any number of readers.

    Attributes:
        duplicates: for each item the places of those that say nearly the same.
        places: where each content stands.
        titles: of all items; most liked items are not among them, and quickly seen not to be.
    """

    items: Sequence[Described]
    texts: Texts
    index: Index
    popularity: Array
    recency: Array
    duplicates: Sequence[frozenset[int]]
    places: Mapping[tuple[object, ...], Sequence[int]]
    titles: frozenset[str]

    @classmethod
    def of(cls, items: Sequence[Described], kernel: Kernel) -> "Day":
        """Read a day's items once."""
        texts = kernel.read(items)
        signs = popularity(items), recency(items)
        places: dict[tuple[object, ...], list[int]] = {}
        for place, item in enumerate(items):
            places.setdefault(content_key(item), []).append(place)
        titles = frozenset(item.title for item in items)
        return cls(items, texts, Index(items), *signs, near_duplicates(texts), places, titles)


@dataclass(frozen=True, slots=True)
class Seeds:
    """What the profiles of a batch are made of.

    Attributes:
        fresh: the distinct texts that the corpus does not hold.
        rows: of each profile, its texts: column (corpus row, or C + place in `fresh`),
            weight, and the like or topic itself.
    """

    fresh: Texts
    rows: Sequence[Sequence[tuple[int, float, Like | str]]]

    def weights(self, known: int) -> sp.csr_matrix:
        """What each text counts in each profile: [P, known + fresh]."""
        columns = [column for row in self.rows for column, _, _ in row]
        values = np.array([weight for row in self.rows for _, weight, _ in row], dtype=np.float64)
        ends = np.cumsum([0] + [len(row) for row in self.rows])
        shape = (len(self.rows), known + self.fresh.terms.shape[0])
        return sp.csr_matrix((values, columns, ends), shape=shape)


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence of a batch, kept so that reasons can be given for what is picked.

    Attributes:
        profiles: P of them; those of a reader stand together.
        first: [m + 1], reader r has profiles first[r] up to first[r + 1].
        matches: the places at which each wish of the batch is found.
        learned, against: [P, n], what likeness adds and disliked items take away; a learned
            value below 0 is chance, and there for the order alone.
        evidence: [P, n], those and the exact matches, weighed; the order of items.
        popular: [m, n], the part of the score that popularity makes up.
        total: [m, n], the score; -inf where muted.
    """

    portraits: Sequence[Portrait]
    profiles: Sequence[Profile]
    first: Sequence[int]
    day: Day
    seeds: Seeds
    matches: Mapping[Wish, Sequence[int]]
    learned: Array
    against: Array
    evidence: Array
    popular: Array
    total: Array


def judge(
    portraits: Sequence[Portrait],
    day: Day,
    kernel: Kernel,
    settings: Settings,
    meaning: Meaning = NO_MEANING,
) -> Judged:
    """Gather the evidence for every item and reader of a batch."""
    profiles = [profile for portrait in portraits for profile in portrait.profiles]
    first = np.cumsum([0] + [len(portrait.profiles) for portrait in portraits]).tolist()
    stated = [_texts_for(profile) for profile in profiles]
    seeds = gather(stated, kernel)
    likeness = _likeness(seeds, day, kernel)
    if meaning.weight:
        texts = [[(t if isinstance(t, str) else t.item, w) for t, w in row] for row in stated]
        likeness = meaning.blend(likeness, texts, day.items)
    likeness -= ORDINARY
    learned = FAINT * likeness
    likeness *= SLOPE
    np.maximum(learned, likeness, out=learned)
    _add_twins(learned, portraits, first, day)
    against = _against(portraits, first, day, kernel, settings)
    evidence = np.subtract(learned, against, out=likeness)
    matches = _look_up(portraits, day.index)
    for row, profile in enumerate(profiles):
        _add_matches(evidence[row], profile, matches)
    evidence *= np.array([profile.weight for profile in profiles])[:, None]
    total, popular = _totals(portraits, first, evidence, day)
    for reader, portrait in enumerate(portraits):
        for wish in portrait.muted:
            total[reader, matches[wish]] = -np.inf
    return Judged(
        portraits, profiles, first, day, seeds, matches, learned, against, evidence, popular, total
    )


def gather(stated: Sequence[Sequence[tuple[Like | str, float]]], kernel: Kernel) -> Seeds:
    """Find every text of P profiles: in the corpus, or read anew, each once."""
    fresh: dict[tuple[object, ...], int] = {}
    texts: list[Described | str] = []
    known = kernel.corpus.terms.shape[0]

    def column(seed: Like | str) -> int:
        if not isinstance(seed, str) and (row := kernel.row(seed.item)) is not None:
            return row
        key = (seed,) if isinstance(seed, str) else content_key(seed.item)
        if key not in fresh:
            fresh[key] = known + len(texts)
            texts.append(seed if isinstance(seed, str) else seed.item)
        return fresh[key]

    rows = [[(column(seed), weight, seed) for seed, weight in row] for row in stated]
    return Seeds(kernel.read(texts), rows)


def score_of(evidence: Array) -> Array:
    """Turn evidence into a score: 1 - exp(-evidence), just below 0 where there is none."""
    score = np.abs(evidence)
    score += 1.0
    np.divide(evidence, score, out=score)
    score *= ORDER_ONLY
    speaking = evidence > 0.0
    score[speaking] = -np.expm1(-evidence[speaking])
    return score


def _texts_for(profile: Profile) -> list[tuple[Like | str, float]]:
    stated: list[tuple[Like | str, float]] = [(like, like.weight) for like in profile.likes]
    return [*stated, (profile.topic, 1.0)] if profile.topic else stated


def _likeness(seeds: Seeds, day: Day, kernel: Kernel) -> Array:
    """Likeness of every profile to every item; ordinary for profiles of no texts."""
    weights = seeds.weights(kernel.corpus.terms.shape[0])
    found = kernel.likeness(kernel.blend(weights, seeds.fresh), day.texts)
    found[np.diff(weights.indptr) == 0] = 0.0
    return found


def _against(
    portraits: Sequence[Portrait],
    first: Sequence[int],
    day: Day,
    kernel: Kernel,
    settings: Settings,
) -> Array:
    """What disliked items take away, the same under each interest of a reader: [P, n]."""
    against = np.zeros((first[-1], len(day.items)))
    wary = [reader for reader, portrait in enumerate(portraits) if portrait.disliked]
    if wary:
        disliked = [[(like, like.weight) for like in portraits[r].disliked] for r in wary]
        likeness = _likeness(gather(disliked, kernel), day, kernel)
        for reader, row in zip(wary, likeness, strict=True):
            taken = settings.less * SLOPE * np.maximum(row - ORDINARY, 0.0)
            against[first[reader] : first[reader + 1]] = taken
    return against


def _add_twins(
    learned: Array, portraits: Sequence[Portrait], first: Sequence[int], day: Day
) -> None:
    """Lift what reads just as a liked item does: the work itself, announced again."""
    for reader, portrait in enumerate(portraits):
        for like in portrait.liked:
            if like.item.title in day.titles and (twins := day.places.get(content_key(like.item))):
                learned[first[reader] : first[reader + 1], twins] += TWIN


def _totals(
    portraits: Sequence[Portrait], first: Sequence[int], evidence: Array, day: Day
) -> tuple[Array, Array]:
    """Mix each reader's best interest with popularity: scores, popularity's part, [m, n] each.

    What weighs against an item takes from its popularity too.
    """
    best = np.empty((len(portraits), len(day.items)))
    for reader in range(len(portraits)):
        own = evidence[first[reader] : first[reader + 1]]
        best[reader] = own.max(axis=0) if len(own) else 0.0
    dial = np.array([portrait.popularity for portrait in portraits])[:, None]
    popular = dial * day.popularity
    total = score_of(best)
    total *= 1.0 - dial
    stateless = [reader for reader, portrait in enumerate(portraits) if portrait.states_nothing]
    if stateless:
        newcomer = NEWCOMER_POPULAR * day.popularity + (1.0 - NEWCOMER_POPULAR) * day.recency
        popular[stateless] = newcomer
        total[stateless] = 0.0
    if best.size and best.min() < -NOTHING_AGAINST:
        popular *= np.exp(np.minimum(best + NOTHING_AGAINST, 0.0))
    total += popular
    return np.round(total, 10, out=total), popular


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
