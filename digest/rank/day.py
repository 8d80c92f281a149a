"""A day's items, read once for any number of readers.

Shapes: n items, C items of the corpus, F term columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from digest.model import Described
from digest.rank.alike import Alike
from digest.rank.features import Array, Matrix
from digest.rank.kernel import SMALL_CORPUS, Kernel
from digest.rank.matching import Index
from digest.rank.popularity import popularity, recency
from digest.rank.texts import Columns, Texts, near_duplicates, nearly_same


@dataclass(frozen=True, slots=True)
class Day:
    """n items, prepared for any number of readers.

    Attributes:
        beside: the items' texts after the ordinary ones, to be measured against them.
        columns: the terms that these show.
        alike: how much any two of them resemble each other.
        duplicates: for each item the places of those that say nearly the same.
        known: [C, n], which texts of the corpus say nearly the same as which items.
    """

    items: Sequence[Described]
    texts: Texts
    beside: Texts
    columns: Columns
    index: Index
    popularity: Array
    recency: Array
    alike: Alike
    duplicates: Sequence[frozenset[int]]
    known: Matrix

    @classmethod
    def of(cls, items: Sequence[Described], kernel: Kernel) -> "Day":
        """Read a day's items once."""
        texts = kernel.read(items).ready()
        beside = kernel.beside_ordinary(texts).ready()
        return cls(
            items=items,
            texts=texts,
            beside=beside,
            columns=Columns.of(kernel.corpus, beside),
            index=Index(items),
            popularity=popularity(items),
            recency=recency(items),
            alike=Alike(texts, by_words=kernel.corpus.terms.shape[0] < SMALL_CORPUS),
            duplicates=near_duplicates(texts),
            known=nearly_same(kernel.corpus, texts),
        )
