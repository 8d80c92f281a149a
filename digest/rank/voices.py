"""Which of the texts that a profile is made of speak loudest for an item.

Shapes: T items, each heard under one profile; V voices, of each of them one a kind of text.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.rank.alike import Places
from digest.rank.evidence import Judged
from digest.rank.kernel import SMALL_CORPUS, Kernel
from digest.rank.stating import Seeds
from digest.rank.texts import FLOAT, Floats

AT_ONCE = 2_000_000  # pairs of an item and a text compared at a time: some 50 MB
PROFILES = 8  # whose texts are taken out of the corpus together
LEAST_SAID = np.float32(1e-3)  # what a text says of an item that resembles it in nothing


class Voices(NamedTuple):
    """What examples, verdicts and topic say of each item, in this order.

    Attributes:
        item: [V], which of the T items it is about.
        text: [V], place in `Seeds.texts` of the text of its kind that says most.
        share: [V], of what all texts of the profile say of the item, from 0 to 1.
    """

    item: Places
    text: Places
    share: NDArray[np.float64]


def hear(judged: Judged, rows: Places, places: Places, kernel: Kernel) -> Voices:
    """Part what likeness says of T items by kind of text.

    Args:
        rows, places: [T], profile and item; nothing is said of one with no learned evidence.
    """
    counts = np.diff(judged.made.seeds.ends)[rows]
    heard = np.flatnonzero((judged.learned[rows, places] > 0.0) & (counts > 0))
    heard = heard[np.argsort(rows[heard], kind="stable")]
    full = np.flatnonzero(np.diff(np.cumsum(counts[heard]) // AT_ONCE)) + 1
    found = [Voices(heard[:0], heard[:0], np.zeros(0))]
    for some in np.split(heard, full):
        if len(some):
            voices = _hear(judged, rows[some], places[some], kernel)
            found.append(voices._replace(item=some[voices.item]))
    return Voices(*map(np.concatenate, zip(*found, strict=True)))


def _hear(judged: Judged, rows: Places, places: Places, kernel: Kernel) -> Voices:
    """Do so for items in the order of their profiles, all of which are made of something."""
    seeds = judged.made.seeds
    ends = seeds.ends
    counts = np.diff(ends)[rows]
    first = np.cumsum(counts) - counts
    # One number an item and text of its profile, item after item.
    text = np.arange(counts.sum()) + np.repeat(ends[rows] - first, counts)
    alike = _resemblance(judged, rows, places, ends, kernel)
    said = seeds.counts[text] * np.maximum(alike, LEAST_SAID)
    item, begin = _parts(seeds, rows, ends)
    starts = begin - ends[rows[item]] + first[item]
    most, whole = np.maximum.reduceat(said, starts), np.add.reduceat(said, starts)
    sizes = np.diff(starts, append=len(said))
    loudest = np.flatnonzero(said == np.repeat(most, sizes))
    first_of_equals = loudest[np.searchsorted(loudest, starts)]
    share = whole / np.bincount(item, weights=whole)[item]
    return Voices(item, text[first_of_equals], share)


def _parts(seeds: Seeds, rows: Places, ends: Places) -> tuple[Places, Places]:
    """Say of which kinds T items are spoken for: the item, and the first text of the kind, [V]."""
    begins = np.diff(seeds.kinds, prepend=-1) != 0
    begins[ends[:-1][np.diff(ends) > 0]] = True
    begin = np.flatnonzero(begins)
    own = np.searchsorted(begin, ends)
    counts = np.diff(own)[rows]
    item = np.repeat(np.arange(len(rows)), counts)
    nth = np.arange(len(item)) - np.repeat(np.cumsum(counts) - counts, counts)
    return item, begin[own[rows[item]] + nth]


def _resemblance(
    judged: Judged, rows: Places, places: Places, ends: Places, kernel: Kernel
) -> Floats:
    """Compare T items, in the order of their profiles, with the texts of these: flat.

    Of each item all texts, from 0 to about 1.
    """
    seeds, items = judged.made.seeds, judged.day.texts
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    shown = [*begins.tolist(), len(rows)]
    first, last = ends[rows[begins]].tolist(), ends[rows[begins] + 1].tolist()
    found = [np.zeros(0, FLOAT)]
    for start in range(0, len(begins), PROFILES):
        some = range(start, min(start + PROFILES, len(begins)))
        text, item = first[start], shown[start]
        columns = seeds.columns[text : last[some[-1]]]
        where = places[item : shown[some[-1] + 1]]
        if kernel.corpus.terms.shape[0] < SMALL_CORPUS:
            said, told = kernel.terms(columns, seeds.fresh), items.terms[where]
        else:
            said, told = kernel.units(columns, seeds.fresh), items.unit.take(where, axis=0)
        for n in some:
            own = said[first[n] - text : last[n] - text]
            alike = told[shown[n] - item : shown[n + 1] - item] @ own.T
            found.append((alike.toarray() if sp.issparse(alike) else alike).ravel())
    return np.concatenate(found)
