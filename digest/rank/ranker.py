"""The default ranker: exact wishes and learned likeness, for a batch of readers at a time.

Shapes: m readers with P profiles (one an interest) between them, n items of the day.

The evidence for an item under one interest is a sum: likeness to the interest's topic and
liked items, plus exact matches, minus what the reader wants less of.  The score of the
interest is 1 - exp(-evidence), the reader's score the best interest's, mixed with popularity
by the reader's dial.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import is_not

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from digest.model import Described, Item, Ranked, Reader
from digest.protocols import ProfileShelf
from digest.rank.day import Day
from digest.rank.evidence import Judged, judge
from digest.rank.kernel import Kernel
from digest.rank.making import Made, pack, unpack
from digest.rank.meaning import NO_MEANING, Meaning
from digest.rank.picks import choose
from digest.rank.profile import portray
from digest.rank.reasons import with_reasons
from digest.rank.settings import Settings
from digest.rank.stating import Stated
from digest.rank.twins import Twins, find_twins

BATCH = 512  # readers at a time, or fewer
CELLS = 2_700_000  # where the items are many: so many numbers in each of a few arrays
# On a busy machine the threads of linear algebra wait for each other: fitting 500 items took
# 0.5 s with one and 1.9 to 5 s with two.
BLAS = ThreadpoolController()


def fit(
    corpus: Sequence[Described],
    settings: Settings | None = None,
    shelf: ProfileShelf | None = None,
) -> "CorpusRanker":
    """Learn word weights and main directions from stored items.

    Args:
        corpus: the stored items; none and 20 are enough for a first day, thousands are better.
        settings: constants of ranking; None = the measured defaults.
        shelf: keeps what is costly of profiles, of readers that have an id.
    """
    return CorpusRanker(corpus, settings or Settings(), shelf)


class CorpusRanker:
    """Scores items for readers by what a corpus taught; see `digest.protocols.Ranker`.

    Attributes:
        kernel: what the corpus taught; it does not change, so threads may share it.
        shelf: keeps what is costly of profiles; None = nothing is kept.
    """

    def __init__(
        self,
        corpus: Sequence[Described],
        settings: Settings,
        shelf: ProfileShelf | None = None,
    ) -> None:
        self._settings = settings
        self.shelf = shelf
        with BLAS.limit(limits=1):
            self.kernel = Kernel(corpus, settings)
        self._day = Day.of((), self.kernel)
        self._known = {key: item for item in corpus for key in item.keys}

    def scores(
        self,
        readers: Sequence[Reader],
        items: Sequence[Described],
        meaning: Meaning = NO_MEANING,
    ) -> NDArray[np.float64]:
        """Score n items for m readers: [m, n], at most 1.0, higher is better.

        A muted item is -inf; items that nothing speaks for lie within 1e-6 below 0.
        """
        day = self._read(items)
        totals = np.empty((len(readers), len(items)))
        done = 0
        with BLAS.limit(limits=1):
            for judged in self._judge(readers, day, meaning):
                totals[done : done + len(judged.total)] = judged.total
                done += len(judged.total)
        return totals

    def rank(
        self,
        readers: Sequence[Reader],
        items: Sequence[Item],
        eligible: NDArray[np.bool_],
        limit: int,
        meaning: Meaning = NO_MEANING,
    ) -> list[list[Ranked]]:
        """Give each reader's best items with reasons, best first, at most *limit*.

        Args:
            readers: m of them.
            items: n of them; equal scores keep this order.
            eligible: [m, n]; False keeps an item from a reader (sent before, too old).
            limit: at least 1.
            meaning: vectors of an embedding model, where there is one.

        The picks are varied: see `picks`.  A reader's own `max_items` and `minimum_score` count;
        where that is fewer than *limit*, the best of the others follow without reasons.
        """
        day = self._read(items)
        picked: list[list[Ranked]] = []
        with BLAS.limit(limits=1):
            for judged in self._judge(readers, day, meaning, eligible):
                part = slice(len(picked), len(picked) + len(judged.total))
                choices = choose(readers[part], judged, eligible[part], limit, self._settings)
                picked += with_reasons(items, judged, choices, self.kernel)
        return picked

    def prepare(self, readers: Sequence[Reader]) -> None:
        """Make the profiles of readers and keep what is costly of them, before a day is ranked."""
        with BLAS.limit(limits=1):
            for batch in _parts(len(readers), BATCH):
                self._make(readers[batch])

    def drift(self, items: Sequence[Described]) -> float:
        """Say how far items have left the corpus: about 1 for more of the same, 2 is far."""
        return self.kernel.drift(items)

    def _read(self, items: Sequence[Described]) -> Day:
        """Read a day once for all its batches; two threads may read it twice, no more."""
        day = self._day
        if len(day.items) != len(items) or any(map(is_not, day.items, items)):
            day = self._day = Day.of(tuple(items), self.kernel)
        return day

    def _judge(
        self,
        readers: Sequence[Reader],
        day: Day,
        meaning: Meaning = NO_MEANING,
        eligible: NDArray[np.bool_] | None = None,
    ) -> Iterator[Judged]:
        """Make profiles for some readers at a time, and judge a day by them.

        What is not eligible is judged less carefully.
        """
        size = min(BATCH, max(1, CELLS // max(1, len(day.items))))
        for batch in _parts(len(readers), size):
            asked = None if eligible is None else eligible[batch]
            made, twins = self._make(readers[batch], day, asked)
            yield judge(made, twins, day, self.kernel, self._settings, meaning)

    def _make(
        self,
        readers: Sequence[Reader],
        day: Day | None = None,
        asked: NDArray[np.bool_] | None = None,
    ) -> tuple[Made, Twins]:
        """Make profiles, with what is kept of them; what they borrow anew is kept.

        Behind them stand those that a day asks for.
        """
        portraits = [portray(one, self._known, self._settings) for one in readers]
        stated = Stated.of(portraits, self.kernel)
        twins = find_twins(stated, day, self._settings, asked) if day else Twins()
        columns = day.columns if day else None
        extra = len(twins.former)
        if extra:
            stated = Stated.of(twins.former, self.kernel, stated)
        if self.shelf is None:
            return Made.made_of(stated, self.kernel, extra=extra, columns=columns), twins
        pairs = zip(readers, portraits, strict=True)
        before = self.shelf.load([one.id for one, said in pairs if one.id and said.profiles])
        kept = {n: unpack(before[one.id]) for n, one in enumerate(readers) if one.id in before}
        known = defaultdict(set, {readers[n].id: set(one) for n, one in kept.items()})
        made = Made.made_of(stated, self.kernel, kept, extra, columns)
        costly = {readers[n].id: one for n, one in kept.items() if readers[n].id}
        if changed := {id_: pack(one) for id_, one in costly.items() if one.keys() != known[id_]}:
            self.shelf.save(changed)
        return made, twins


def _parts(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
