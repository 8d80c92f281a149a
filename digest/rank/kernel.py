"""Learned likeness: how much a profile's liked texts and topic speak for a new item.

Shapes: P profiles, C items of the corpus, f texts that it does not hold, k main directions.

A profile is the weighted sum of its texts.  `deviations` tells how it is compared with items;
this is how it is made, and what a thin one borrows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described
from digest.rank.costly import NOTHING, Costly, rows_of
from digest.rank.deviations import TOGETHER, Blend, Ordinary, deviations
from digest.rank.features import UNSEEN_COLUMNS, Array, Features, Matrix, Space, unit_rows
from digest.rank.settings import Settings
from digest.rank.summing import evened, in_order, scaled, summed, sums
from digest.rank.texts import FLOAT, Columns, Floats, Texts, content_key

ROUNDING = 1e-6
REFERENCE_ITEMS = 400  # ordinary items that profiles are measured against
FEW_LIKES = 3.0  # up to so many likes a profile is thin
LEND_UP_TO = 5.0  # likes from which on a profile borrows nothing
LEND_ABOVE = 1.5  # a neighbour is that many deviations more alike than an ordinary item
LEAST_NEW = 0.01  # new terms are always so much of a text
AT_ONCE = 512  # profiles whose likeness to a day is summed together
SMALL_CORPUS = 200  # items under which main directions say little


class Kernel:
    """What a corpus teaches about likeness.

    Attributes:
        corpus: the C items' texts.
        rows: which of them has a content, by `content_key`.
        name: of this corpus under these settings; one row more or less is another one.
        basis: of its main directions, which another kind of processor finds turned.
    """

    def __init__(self, corpus: Sequence[Described], settings: Settings) -> None:
        self._settings = settings
        self._features = Features(corpus, settings)
        self._space = Space.of(self._features.corpus, settings)
        self.rows = {content_key(item): row for row, item in enumerate(corpus)}
        self.corpus = self._texts(self._features.corpus).ready()
        self._nothing = self._texts(self._features.matrix([])).ready()
        none = sp.csr_matrix((0, len(corpus)), dtype=FLOAT)
        self._all_columns = Columns(self.corpus.terms)
        self._no_profile = self._blend(none, self._nothing, np.zeros(0), {}, self._all_columns)
        told = "\x00".join(map(repr, (settings, *self.rows)))
        self.name = hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).digest()
        self.basis = self._space.name
        step = max(1, len(corpus) // REFERENCE_ITEMS)
        self._ordinary = Ordinary.of(self.corpus, range(0, len(corpus), step)[:REFERENCE_ITEMS])
        self._about_ordinary = self._ordinary.roughly()

    def drift(self, items: Sequence[Described]) -> float:
        """Say how much more items say in terms new to the corpus than they may be expected to.

        1.0 is what Good and Turing expect of more of the same: as much as terms of one item
        have in the corpus itself.  0.0 without items.

        Source: Good 1953, Biometrika 40(3-4), 237-264.
        """
        corpus, terms = self._features.corpus, self._features.matrix(items)
        if not terms.shape[0] or not corpus.shape[0]:
            return 0.0
        shown_by = np.bincount(corpus.indices, minlength=corpus.shape[1])
        shown_by[-UNSEEN_COLUMNS:] = 0
        expected = _weight(corpus, shown_by < 2)
        return _weight(terms, shown_by < 1) / max(expected, LEAST_NEW)

    def rarity(self, phrase: Sequence[str]) -> float:
        """Say how rare folded words are, from 0.0 to 1.0: see `Features.rarity`."""
        return self._features.rarity(phrase)

    def read(self, texts: Sequence[Described | str]) -> Texts:
        """Read items or plain words as vectors; what the corpus holds is not read again."""
        if not texts:
            return self._nothing
        rows = [
            None if isinstance(text, str) else self.rows.get(content_key(text)) for text in texts
        ]
        fresh = [text for text, row in zip(texts, rows, strict=True) if row is None]
        known = self.corpus.terms.shape[0]
        places = iter(range(known, known + len(fresh)))
        order = [next(places) if row is None else row for row in rows]
        read = self._texts(self._features.matrix(fresh))
        return self.corpus.joined(read).take(order) if len(fresh) < len(order) else read

    def blend(
        self,
        weights: Matrix,
        fresh: Texts,
        known: dict[int, Costly],
        few: int,
        columns: Columns | None = None,
    ) -> Blend:
        """Sum texts to profiles.

        Args:
            weights: [P, C + f], at least 0: what each text of the corpus, then each fresh
                one, counts.
            known: what is costly of profiles, by their row; what thin ones borrow is sought where
                it is not known, for a good part of the cost, and added.
            few: from this row on it is sought for one at a time, which is faster for very few.
            columns: those that count; None = all.
        """
        columns = columns or self._all_columns
        if not weights.shape[0]:
            return self._no_profile
        likes = sums(weights.data, weights.indptr)
        ready = {row: one for row, one in known.items() if one.basis == self.basis}
        thin = [row for row in self._thin(likes) if row not in known]
        for singly in (False, True):
            sought = [row for row in thin if (row >= few) is singly]
            if sought:
                draft = self._blend(weights[sought], fresh, likes[sought], {}, self._all_columns)
                found = self._neighbours(draft, weights[sought], likes[sought], singly=singly)
                known.update(zip(sought, found, strict=True))
        if known:
            lent = [known.get(row, NOTHING) for row in range(weights.shape[0])]
            weights = weights + rows_of(lent, weights.shape[1])
        return self._blend(weights, fresh, likes, ready, columns)

    def _thin(self, likes: Array) -> list[int]:
        """Say which profiles have so few likes that they borrow."""
        if self.corpus.terms.shape[0] < SMALL_CORPUS:
            return []
        return np.flatnonzero((likes > 0) & (likes < LEND_UP_TO)).tolist()

    def beside_ordinary(self, items: Texts) -> Texts:
        """Put the ordinary items before others, as `likeness` asks for."""
        return self.corpus.take(self._ordinary.rows).joined(items)

    def likeness(self, profiles: Blend, items: Texts, beside: Texts) -> Floats:
        """Say by how many deviations each item is more alike than an ordinary one: [P, n].

        Args:
            beside: the items behind ordinary ones, as `beside_ordinary` gives them.
        """
        parts = deviations(
            profiles,
            beside,
            self._about_ordinary,
            among=slice(len(self._ordinary.rows)),
            directions=items.directions,
            at_once=AT_ONCE,
        )
        found = [part for _, part in parts]
        if len(found) == 1:
            return found[0]
        return np.concatenate([np.zeros((0, items.terms.shape[0]), FLOAT), *found])

    def terms(self, columns: NDArray[np.intp], fresh: Texts) -> Matrix:
        """Give the terms of texts, named as in `blend`: [t, F]."""
        return sp.vstack([self.corpus.terms, fresh.terms], format="csr")[columns]

    def units(self, columns: NDArray[np.intp], fresh: Texts) -> Floats:
        """Give what texts, named as in `blend`, have in the main directions: [t, k]."""
        units = self.corpus.unit.take(columns, axis=0, mode="clip")
        if fresh.unit.shape[0]:
            new = np.flatnonzero(columns >= len(self.corpus.unit))
            units[new] = fresh.unit[columns[new] - len(self.corpus.unit)]
        return units

    def _texts(self, terms: Matrix) -> Texts:
        latent = self._space.project(terms)
        unit = unit_rows(self._space.project_evenly(terms))
        # Of a text that no direction shows there is rounding left, which points anywhere.
        unit[(latent * latent).sum(axis=1) <= ROUNDING * ROUNDING] = 0.0
        return Texts(terms, latent, unit)

    def _blend(
        self,
        weights: Matrix,
        fresh: Texts,
        likes: Array,
        ready: Mapping[int, Costly],
        columns: Columns,
    ) -> Blend:
        """Sum texts to profiles; of those that are ready, by row, only the columns that count."""
        thinness = FEW_LIKES / np.maximum(likes, FEW_LIKES)
        of_few, evenness = self._settings.evenness_of_few, self._settings.evenness
        power = (evenness + (of_few - evenness) * thinness).astype(FLOAT)
        scale = np.ones(len(likes), FLOAT)
        damped = np.zeros((len(likes), len(self._space.damping)), FLOAT)
        is_new = likes > 0.0
        if ready:
            rows = list(ready)
            is_new[rows] = False
            scale[rows] = [one.scale for one in ready.values()]
            damped[rows] = np.concatenate([o.damped for o in ready.values()]).reshape(len(rows), -1)
        new, old = np.flatnonzero(is_new), np.flatnonzero(~is_new)
        parts: list[Matrix] = []
        order: list[NDArray[np.intp]] = []
        if len(old) or not len(new):
            some = summed(weights[old], columns.corpus, columns.take(fresh.terms))
            parts.append(scaled(evened(some, power[old]), scale[old])[0])
            order.append(old)
        if len(new):
            some = summed(weights[new], self.corpus.terms, fresh.terms)
            some, scale[new] = scaled(evened(some, power[new]))
            damped[new] = self._space.project(some) * self._space.damping
            parts.append(columns.take(some))
            order.append(new)
        topics = self._settings.topics + self._settings.topics_of_few * thinness
        return Blend(
            terms=in_order(parts, order),
            scale=scale,
            damped=damped,
            unit=unit_rows(np.asarray(summed(weights, self.corpus.unit, fresh.unit))),
            topics=topics.astype(FLOAT)[:, None],
        )

    def _neighbours(
        self, profiles: Blend, weights: Matrix, likes: Array, *, singly: bool
    ) -> list[Costly]:
        """Lend thin profiles the items of the corpus that they like best.

        Source: pseudo-relevance feedback; Lavrenko and Croft 2001, SIGIR, 120-127.
        """
        whole = iter((self._settings.borrowed * np.minimum(1.0, FEW_LIKES / likes) ** 2).tolist())
        lent: list[Costly] = []
        among = self._ordinary.rows
        profiles = replace(profiles, terms=self.corpus.limited(profiles.terms))
        for rows, gain in deviations(
            profiles,
            self.corpus,
            self._ordinary,
            among=slice(among.start, among.stop, among.step),
            directions=self.corpus.directions,
            at_once=1 if singly else TOGETHER,
        ):
            own = weights[rows].tocoo()
            known = own.col < gain.shape[1]
            gain[own.row[known], own.col[known]] = 0.0
            lent += [self._lent(row, next(whole)) for row in gain]
        return lent

    def _lent(self, gain: Floats, whole: float) -> Costly:
        """Find the items that a profile likes best, and what they count, *whole* in all.

        A share is measured from the best item that is not lent, so a hair's breadth between
        two items is one between their shares too, and none of it comes from rounding.
        """
        wanted = self._settings.neighbours
        above = np.flatnonzero(gain > LEND_ABOVE)
        least = FLOAT(LEND_ABOVE)
        if len(above) > wanted:
            least = -np.partition(-gain[above], wanted)[wanted]
            above = above[gain[above] > least]
        lent = (gain[above] - least).astype(np.float64)
        counts = whole * lent / max(lent.sum(), 1e-9)
        return Costly(above.astype(np.int32), counts.astype(FLOAT))


def _weight(texts: Matrix, columns: NDArray[np.bool_]) -> float:
    """Give the mean share of texts' squared weights that stands in some columns."""
    found = texts.data[columns[texts.indices]].astype(np.float64)
    return float((found**2).sum() / texts.shape[0])
