"""What speaks for each item, for a batch of readers: likeness, exact matches, mutes.

Shapes: m readers with P profiles between them, n items of the day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.model import ReasonKind
from digest.rank.alike import Places
from digest.rank.day import Day
from digest.rank.features import Array
from digest.rank.kernel import Kernel
from digest.rank.learned import learn
from digest.rank.making import Made
from digest.rank.matching import Index, Wish, read_phrase
from digest.rank.meaning import NO_MEANING, Meaning
from digest.rank.profile import Portrait, Profile
from digest.rank.settings import Settings
from digest.rank.texts import Floats
from digest.rank.twins import Twins, lift

STRENGTH = {
    ReasonKind.KEYWORD: 0.8,
    ReasonKind.AUTHOR: 1.5,
    ReasonKind.ORGANISATION: 0.8,
    ReasonKind.CATEGORY: 0.4,
}
COMMON = 0.5  # what a keyword counts that all items show, against 1 for a rare one
LESS_OF = 1.0  # what one match of "less of" takes away
ORDER_ONLY = 1e-6  # items that nothing speaks for keep an order within this much of 0
NOTHING_AGAINST = 0.01  # evidence above its negative is order alone, not a reader's dislike
NEWCOMER_POPULAR = 0.6  # a reader who stated nothing: share of popularity, the rest is recency


@dataclass(frozen=True, slots=True)
class Found:
    """Where a wish is found, and what it counts there beside others of its kind."""

    places: NDArray[np.intp]
    grades: Floats

    def at(self, place: int) -> float:
        """What it counts at a place; 0.0 where it is not found."""
        known = int(np.searchsorted(self.places, place))
        found = known < len(self.places) and self.places[known] == place
        return float(self.grades[known]) if found else 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence of a batch, kept so that reasons can be given for what is picked.

    Attributes:
        matches: the places at which each wish of the batch is found, and what it counts there.
        learned, against: [P, n], what likeness adds and disliked items take away; a learned
            value below 0 is chance, and there for the order alone.
        evidence: [P, n], those and the exact matches, weighed; the order of items.
        popular: [m, n], the part of the score that popularity makes up.
        total: [m, n], the score; -inf where muted.
    """

    made: Made
    day: Day
    matches: Mapping[Wish, Found]
    learned: Floats
    against: Floats | None
    evidence: Floats
    popular: Array
    total: Array

    def loudest(self, readers: Places, places: Places) -> tuple[Places, Floats]:
        """Find which profile speaks most for items, the first of equals, and its evidence.

        Args:
            readers, places: to be broadcast together; all of these readers have profiles.
        """
        first = np.asarray(self.made.first)
        start, last = first[readers], first[readers + 1] - 1
        best, most = np.broadcast_arrays(start, places)[0], self.evidence[start, places]
        for step in range(1, int((last - start).max(initial=0)) + 1):
            other = np.minimum(start + step, last)
            found = self.evidence[other, places]
            best = np.where(found > most, other, best)
            most = np.maximum(most, found)
        return best, most


def judge(
    made: Made,
    twins: Twins,
    day: Day,
    kernel: Kernel,
    settings: Settings,
    meaning: Meaning = NO_MEANING,
) -> Judged:
    """Gather the evidence for every item and reader of a batch.

    Args:
        made: the readers, and behind them those of `twins.former`.
    """
    learned, against = learn(made, day, kernel, settings, meaning)
    lift(learned, against, made, twins)
    made = made.without(len(twins.former))
    learned = learned[: len(made.profiles)]
    against = None if against is None else against[: len(made.profiles)]
    evidence = learned - (0.0 if against is None else against)
    matches = _look_up(made.portraits, day.index, kernel)
    for row, profile in enumerate(made.profiles):
        _add_matches(evidence[row], profile, matches)
        if profile.weight != 1.0:
            evidence[row] *= profile.weight
    total, popular = _totals(made, evidence, day)
    for reader, portrait in enumerate(made.portraits):
        for wish in portrait.muted:
            total[reader, matches[wish].places] = -np.inf
    return Judged(made, day, matches, learned, against, evidence, popular, total)


def score_of(evidence: Floats) -> Array:
    """Turn evidence into a score: 1 - exp(-evidence), just below 0 where there is none."""
    silent = np.minimum(evidence, 0.0)
    silent /= 1.0 - silent
    silent *= ORDER_ONLY
    score = np.maximum(evidence, 0.0, dtype=np.float64)
    np.expm1(np.negative(score, out=score), out=score)
    return np.subtract(silent, score, out=score)


def _totals(made: Made, evidence: Floats, day: Day) -> tuple[Array, Array]:
    """Mix each reader's best interest with popularity: scores, popularity's part, [m, n] each.

    What weighs against an item takes from its popularity too.
    """
    portraits, first = made.portraits, made.first
    if len(evidence) == len(portraits) and all(len(one.profiles) == 1 for one in portraits):
        best = evidence
    else:
        best = np.zeros((len(portraits), len(day.items)), dtype=np.float32)
        for reader in range(len(portraits)):
            if first[reader] < first[reader + 1]:
                evidence[first[reader] : first[reader + 1]].max(axis=0, out=best[reader])
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


def _look_up(portraits: Sequence[Portrait], index: Index, kernel: Kernel) -> dict[Wish, Found]:
    """Look every distinct wish of a batch up once."""
    plain: dict[Wish, None] = {}
    keywords: dict[Wish, None] = {}
    for portrait in portraits:
        plain.update(dict.fromkeys(portrait.muted))
        for profile in portrait.profiles:
            for wish, kind in profile.wishes:
                (keywords if kind is ReasonKind.KEYWORD else plain)[wish] = None
            plain.update(dict.fromkeys(profile.less_of))
    found = {wish: np.array(index.places(wish), dtype=np.intp) for wish in plain | keywords}
    ones = {wish: Found(places, np.ones(len(places), np.float32)) for wish, places in found.items()}
    return ones | {wish: _graded(wish, found[wish], index, kernel) for wish in keywords}


def _graded(wish: Wish, places: NDArray[np.intp], index: Index, kernel: Kernel) -> Found:
    """Grade a keyword: more for an item that is about it, less for a word that many show."""
    phrase, _ = read_phrase(wish.value)
    telling = COMMON + (1.0 - COMMON) * kernel.rarity(phrase)
    about = [index.mentions(wish, place).aboutness for place in places.tolist()]
    return Found(places, (telling * np.array(about)).astype(np.float32))


def _add_matches(row: Floats, profile: Profile, matches: Mapping[Wish, Found]) -> None:
    for wish, kind in profile.wishes:
        found = matches[wish]
        row[found.places] += STRENGTH[kind] * found.grades
    for wish in profile.less_of:
        row[matches[wish].places] -= LESS_OF
