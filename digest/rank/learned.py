"""What likeness speaks for each item, and against it: from what readers like and dislike.

Shapes: P profiles of m readers, n items of the day.
"""

from operator import attrgetter
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described
from digest.rank.day import Day
from digest.rank.kernel import Kernel
from digest.rank.making import FEEDBACK, KINDS, Made
from digest.rank.meaning import Meaning
from digest.rank.profile import Portrait
from digest.rank.settings import Settings
from digest.rank.texts import Floats, nearly_same

SLOPE = 0.35  # evidence of one deviation of likeness, so that three are about a keyword
ORDINARY = 1.0  # deviations up to which likeness is chance
FAINT = 1e-4  # what likeness below chance counts, for the order alone
LIKED_ITSELF = 2.0  # what is added for an item that is liked itself, wherever it is seen again
PAIRS = 1_000_000  # looked at together: bounds memory where a day and likes say all the same
OLDEST = 4  # likes of one text that are looked at one by one; bounds the work


def learn(
    made: Made,
    day: Day,
    kernel: Kernel,
    settings: Settings,
    meaning: Meaning,
) -> tuple[Floats, Floats | None]:
    """Say what likeness adds, and what disliked items take away: [P, n] each.

    Returns:
        Both at least 0, but that what is added may lie a hair below, for the order alone; for
        the second None, where nobody dislikes anything.
    """
    likeness = kernel.likeness(made.blend, day.beside)
    if meaning.weight:
        likeness = meaning.blend(
            likeness, [_texts(made, p) for p in range(len(made.profiles))], day.items
        )
    likeness[np.diff(made.ends) == 0] = 0.0
    likeness -= ORDINARY
    learned = FAINT * likeness
    likeness *= SLOPE
    np.maximum(learned, likeness, out=learned)
    return learned, _against(made, day, kernel, settings)


def _texts(made: Made, profile: int) -> list[tuple[Described | str, float]]:
    where = made.said(profile)
    counts = made.seeds.counts[where].tolist()
    return list(zip(made.seeds.texts[where], counts, strict=True))


def _against(made: Made, day: Day, kernel: Kernel, settings: Settings) -> Floats | None:
    """What disliked items take away, the same under each interest of a reader."""
    if max(made.wary, default=-1) < 0:
        return None
    likeness = kernel.likeness(made.against, day.beside)
    against = np.zeros((len(made.profiles), likeness.shape[1]), dtype=np.float32)
    for reader, row in enumerate(made.wary):
        if row >= 0:
            taken = settings.less * SLOPE * np.maximum(likeness[row] - ORDINARY, 0.0)
            against[made.first[reader] : made.first[reader + 1]] = taken
    return against


def lift_twins(
    learned: Floats,
    against: Floats | None,
    made: Made,
    day: Day,
    kernel: Kernel,
    settings: Settings,
    meaning: Meaning,
    asked: NDArray[np.bool_] | None,
) -> None:
    """See that "more" never lowers what says nearly what the liked item does.

    A verdict changes what its profile borrows and how even it is, and lets older verdicts fade, by
    which the reader may come to like even that a hair less.  So it counts at least as it did before
    the newest verdicts on what says nearly the same: one more can only add to these.

    Args:
        asked: [m, n], which items matter to whom; None = all.
    """
    seeds = made.seeds
    ends = made.ends
    kinds = seeds.kinds[ends[0] : ends[-1]]
    liked = ends[0] + np.flatnonzero(kinds == KINDS.index(FEEDBACK))
    if not len(liked):
        return
    same = day.known
    if seeds.fresh.terms.shape[0]:
        same = sp.vstack([same, nearly_same(seeds.fresh, day.texts)], format="csr")
    owner = np.repeat(np.arange(len(made.portraits)), np.diff(made.first))
    readers = owner[np.searchsorted(ends, liked, side="right") - 1]
    # As many readers at a time as have so many pairs of a like and an item.
    pairs = np.cumsum(np.diff(same.indptr)[seeds.columns[liked]])
    part = pairs[np.searchsorted(readers, readers, side="right") - 1] // PAIRS
    for number in np.unique(part).tolist():
        some = liked[part == number]
        found = same[seeds.columns[some]].tocoo()
        twins = Twins(some[found.row], readers[part == number][found.row], found.col)
        if asked is not None:
            twins = twins.where(asked[twins.readers, twins.places])
        if len(twins.likes):
            _count_before(learned, against, twins, made, day, kernel, settings, meaning)
            _lift_themselves(learned, twins, made, day)


class Twins(NamedTuple):
    """Pairs of a like and an item that says nearly the same: [t] each.

    Attributes:
        likes: places in the batch's seeds.
        readers: whose like it is.
        places: of the items.
    """

    likes: NDArray[np.intp]
    readers: NDArray[np.intp]
    places: NDArray[np.intp]

    def where(self, kept: NDArray[np.bool_]) -> "Twins":
        """Give some of them."""
        return Twins(*(part[kept] for part in self))

    def by_item(self) -> dict[tuple[int, bytes], list[int]]:
        """Give the places of items by reader and likes; many items have the same ones."""
        order = np.lexsort((self.likes, self.places, self.readers))
        likes, readers, places = (part[order] for part in self)
        is_new = np.diff(readers, prepend=-1) | np.diff(places, prepend=-1)
        starts = np.flatnonzero(is_new)
        found: dict[tuple[int, bytes], list[int]] = {}
        for group, start in zip(np.split(likes, starts[1:]), starts.tolist(), strict=True):
            key = int(readers[start]), group.tobytes()
            found.setdefault(key, []).append(int(places[start]))
        return found


def _lift_themselves(learned: Floats, twins: Twins, made: Made, day: Day) -> None:
    """Lift the items that are liked themselves, wherever they are seen again."""
    place_of = {key: place for place, item in enumerate(day.items) for key in item.keys}
    for like in np.unique(twins.likes).tolist():
        again = {place_of[key] for key in made.verdict(like).item.keys if key in place_of}
        if again:
            nearly = twins.places[twins.likes == like]
            learned[made.profile_of(like), np.intersect1d(nearly, [*again])] += LIKED_ITSELF


def _count_before(
    learned: Floats,
    against: Floats | None,
    twins: Twins,
    made: Made,
    day: Day,
    kernel: Kernel,
    settings: Settings,
    meaning: Meaning,
) -> None:
    """Raise what is learned to what it was before the newest of some likes, or before them all."""
    rows: dict[tuple[int, frozenset[int]], int] = {}
    former: list[Portrait] = []
    asked: list[tuple[int, list[int], int]] = []
    for (reader, likes), places in twins.by_item().items():
        seeds = np.frombuffer(likes, np.intp).tolist()
        verdicts = sorted(map(made.verdict, seeds), key=attrgetter("at"))
        for kept in {*range(min(len(verdicts), OLDEST)), len(verdicts) - 1}:
            left_out = verdicts[kept:]
            row = rows.setdefault((reader, frozenset(map(id, left_out))), len(rows))
            if row == len(former):
                former.append(made.portraits[reader].before(left_out, settings))
            asked.append((reader, places, row))
    then = Made.of(former, kernel, singly=True)
    added, taken = learn(then, day, kernel, settings, meaning)
    if taken is not None:
        added -= taken
    for reader, places, row in asked:
        now = slice(made.first[reader], made.first[reader + 1])
        least = added[then.first[row] : then.first[row + 1], places]
        if against is not None:
            least = least + against[now, places]
        learned[now, places] = np.maximum(learned[now, places], least)
