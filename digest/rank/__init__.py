"""Ranking: the items that a reader would have chosen, and why, in the reader's own words.

`fit(corpus)` learns from the stored items and gives a ranker; `Ranker.scores(readers, items)`
gives an array [readers, items], higher is better.  docs/ranking.md tells the whole method.
"""

from digest.rank.ranker import CorpusRanker as Ranker
from digest.rank.ranker import fit
from digest.rank.settings import Settings

__all__ = ["Ranker", "Settings", "fit"]
