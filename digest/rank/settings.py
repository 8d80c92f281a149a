"""The constants of ranking.

Those marked (compared) were chosen among a few variants run on labelled data: docs/ranking.md
says by whom, and for which the benchmark's people are blind.  The others are judgement.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may choose about ranking.

    Attributes:
        title_weight: how often a title's words count, beside the summary's once.
        phrase_weight: weight of a pair of neighbours, against 1 for a word (compared).
        background: items that the shipped document frequencies stand for.
        directions: main directions kept of the corpus, at most.
        breadth: directions kept of a small corpus, times the square root of its items (compared).
        ridge_floor, ridge_share: the ridge is floor + share * items of the corpus (compared).
        evenness: power on a profile's weights; below 1 a word of one like counts more (compared).
        evenness_of_few: the same for up to three likes, fading with more (compared).
        topic_evenness: power on how little main directions show of a term; 0 = as it is, 1 = all
            terms count alike in a text's topic (compared).
        topics: weight of likeness in the main directions, against 1 for words (compared).
        topics_of_few: what is added to it for up to three likes, fading with more (compared).
        neighbours: items of the corpus that a profile of few likes borrows (compared).
        borrowed: likes that they stand for together (compared).
        half_life: feedback that is so much older counts half (compared).
        feedback_floor: the least that old feedback counts (compared).
        diversity: what a pick loses by resembling another one, at most, 0 to 1 (compared).
        spread: the same for a reader who states nothing, whose picks shall span the topics.
        interest_share, source_share: of a reader's picks, at most so much from one of several
            interests, or from one source, while others have something.
        less: weight of feedback "less", against 1 for "more".
        save: weight of a save: it says "I shall read this", not "show me more of this".
    """

    title_weight: float = 1.0
    phrase_weight: float = 0.5
    background: float = 500.0
    directions: int = 128
    breadth: float = 1.4
    ridge_floor: float = 3.0
    ridge_share: float = 0.001
    evenness: float = 0.6
    evenness_of_few: float = 0.5
    topic_evenness: float = 0.5
    topics: float = 0.5
    topics_of_few: float = 0.5
    neighbours: int = 30
    borrowed: float = 1.5
    half_life: timedelta = timedelta(days=730)
    feedback_floor: float = 0.1
    diversity: float = 0.2
    spread: float = 0.8
    interest_share: float = 0.7
    source_share: float = 0.7
    less: float = 0.25
    save: float = 0.7
