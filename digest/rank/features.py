"""Items as vectors: tf-idf over words and phrases, and the main directions of the corpus.

Shapes: n items, F = `Features.width` columns, k = `Space.rank` directions.
"""

import hashlib
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Described
from digest.rank.background import background_frequencies
from digest.rank.settings import Settings
from digest.rank.words import MAX_CHARACTERS, STOP_WORDS, words

Matrix: TypeAlias = sp.csr_matrix
Array: TypeAlias = NDArray[np.float64]

UNSEEN_COLUMNS = 1 << 16  # for words that the corpus does not have, by checksum
RARE_ITEMS = 300  # a word of one item is news in a small corpus, chance in one far above this
OVERSAMPLING = 10  # directions sought beside those kept, and
POWER_ITERATIONS = 3  # how often they are refined
EXACT_UP_TO = 1_000  # items whose directions are computed outright, in under 1 s
RARE_ONE_IN = 100.0  # items from which on a word is rare
FIRST_CHARACTER = 0x2E80  # the scripts whose characters are words of their own stand behind it
CHARACTER = 0.25  # what a single one of them counts, beside the pair that it makes
LEAST_SHOWN = 1e-3  # of what directions show of a usual term; less may be rounding
NO_STRENGTH = 1e-6  # of the strongest direction's power; float32 cannot tell it from none
BASIS_BYTES = 8  # of the name of main directions
MAX_TERMS = 200_000  # bounds the memory of the term table, about 100 bytes each


class Features:
    """The term table of a corpus: which column a term has and how much it weighs.

    Args:
        corpus: m items; may be empty, then the background table alone weighs words.
    """

    def __init__(self, corpus: Sequence[Described], settings: Settings) -> None:
        self._settings = settings
        counts = [self._terms(item) for item in corpus]
        frequency = Counter(term for terms in counts for term in terms)
        kept = [t for t, n in frequency.items() if n > 1 or " " not in t]
        if len(kept) > MAX_TERMS:
            kept = sorted(kept, key=lambda t: (-frequency[t], t))[:MAX_TERMS]
        self._column = {term: column for column, term in enumerate(kept)}
        self.width = len(kept) + UNSEEN_COLUMNS
        self._idf = self._weights(frequency, kept, len(corpus))
        self.corpus = self._matrix(counts)

    def matrix(self, texts: Sequence[Described | str]) -> Matrix:
        """Give n items or plain words as rows of unit length (or empty): [n, width]."""
        return self._matrix([self._terms(text) for text in texts])

    def column(self, term: str) -> int:
        """Give the column of a term; terms outside the corpus share the last columns."""
        column = self._column.get(term)
        return self._unseen(term) if column is None else column

    def _unseen(self, term: str) -> int:
        known = self.width - UNSEEN_COLUMNS
        return known + zlib.crc32(term.encode("utf-8", "replace")) % UNSEEN_COLUMNS

    def rarity(self, phrase: Sequence[str]) -> float:
        """Say how rare folded words are: 0.0 = all items show them, 1.0 = one in 100, or fewer.

        A phrase is as rare as its rarest word, or pair of neighbours that the corpus has.
        """
        pairs = [f"{left} {right}" for left, right in pairwise(phrase)]
        terms = [*phrase, *(pair for pair in pairs if pair in self._column)]
        shares = (self._shown[self.column(term)] for term in terms)
        return min(1.0, math.log(1.0 / min(shares, default=1.0)) / math.log(RARE_ONE_IN))

    def _terms(self, item: Described | str) -> dict[str, float]:
        if isinstance(item, str):
            return _count(words(item[:MAX_CHARACTERS]))
        title = _count(words(item.title))
        body = _count(words(item.summary[:MAX_CHARACTERS] + ". " + " ".join(item.keywords)))
        for term, count in title.items():
            body[term] = body.get(term, 0.0) + self._settings.title_weight * count
        return body

    def _weights(self, frequency: Counter[str], kept: list[str], size: int) -> Array:
        """Weigh every column by the inverse of the share of items that show its term.

        Background and corpus frequencies are pooled; the background counts as much as
        `settings.background` items, so that a corpus of thousands outweighs it.
        """
        total, background = background_frequencies()
        scale = self._settings.background / total
        pooled = size + self._settings.background
        seen = np.full(self.width, 0.0)
        for column, term in enumerate(kept):
            seen[column] = frequency[term] + scale * background.get(term, 0)
        for term, count in background.items():
            if term not in self._column:
                column = self.column(term)
                seen[column] = max(seen[column], scale * count)
        self._shown = (1.0 + seen) / (1.0 + pooled)
        weights = 1.0 - np.log(self._shown)
        phrases = [column for term, column in self._column.items() if " " in term]
        weights[phrases] *= self._settings.phrase_weight
        rare = [column for column, term in enumerate(kept) if frequency[term] < 2]
        few = RARE_ITEMS / (RARE_ITEMS + size)
        weights[rare] *= few
        weights[len(kept) :] *= few
        return weights

    def _matrix(self, counts: Sequence[dict[str, float]]) -> Matrix:
        terms = [term for one in counts for term in one]
        known = self._column.get
        columns = [known(term, -1) for term in terms]
        values = [count for one in counts for count in one.values()]
        ends = np.cumsum([0, *map(len, counts)])
        indices = np.asarray(columns, dtype=np.int32)
        unknown = np.flatnonzero(indices < 0)
        indices[unknown] = [self._unseen(terms[place]) for place in unknown.tolist()]
        weights = np.log1p(np.asarray(values, dtype=np.float64)) * self._idf[indices]
        matrix = sp.csr_matrix((weights, indices, ends), shape=(len(counts), self.width))
        matrix.sum_duplicates()
        return unit_rows(matrix).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Space:
    """The main directions of a corpus, from one truncated SVD shared by all readers.

    Attributes:
        directions: [width, k], orthonormal columns.
        damping: [k], the share of each direction that a ridge regression takes away.
        evening: [width], what a term counts in a text's topic, more where directions show
            little of it; else the few words that they are made of would say all.

    Source: Deerwester et al. 1990, JASIS 41(6), 391-407 (LSA); Hoerl and Kennard 1970,
    Technometrics 12(1), 55-67 (ridge): w = (X'X + aI)^-1 c is, up to a factor,
    c - V diag(s^2 / (s^2 + a)) V'c.
    """

    directions: NDArray[np.float32]
    damping: NDArray[np.float32]
    evening: NDArray[np.float32]

    @classmethod
    def of(cls, corpus: Matrix, settings: Settings) -> "Space":
        """Factorise a corpus [m, width]; a corpus under 3 items has no directions."""
        broad = round(settings.breadth * corpus.shape[0] ** 0.5)
        rank = min(settings.directions, broad, min(corpus.shape) - 1)
        if rank < 2 or corpus.nnz == 0:
            empty = np.zeros((corpus.shape[1], 0), dtype=np.float32)
            return cls(empty, np.zeros(0, dtype=np.float32), np.ones(len(empty), np.float32))
        used = np.unique(corpus.indices)
        found, power = _main_directions(corpus[:, used], rank)
        directions = np.zeros((corpus.shape[1], found.shape[1]), dtype=np.float32)
        directions[used] = found
        ridge = settings.ridge_floor + settings.ridge_share * corpus.shape[0]
        evening = np.ones(corpus.shape[1], dtype=np.float32)
        evening[used] = _evening(found, settings.topic_evenness)
        return cls(directions, (power / (power + ridge)).astype(np.float32), evening)

    @property
    def name(self) -> bytes:
        """Name these very directions, for what is kept in them."""
        return hashlib.blake2b(self.directions.tobytes(), digest_size=BASIS_BYTES).digest()

    def project(self, matrix: Matrix) -> NDArray[np.float32]:
        """Give rows in the main directions: [n, k]."""
        # By columns, for the directions are read once then: they do not fit a cache.
        return np.asarray(matrix.tocsc() @ self.directions)

    def project_evenly(self, matrix: Matrix) -> NDArray[np.float32]:
        """Give rows in the main directions, their terms evened out: [n, k]."""
        even = matrix.copy()
        even.data *= self.evening[even.indices]
        return self.project(even)


def _evening(directions: NDArray[np.float32], evenness: float) -> NDArray[np.float32]:
    """Weigh terms by a power of how little the directions [u, k] show of them: [u]."""
    length = np.sqrt((directions * directions).sum(axis=1))
    return np.asarray(np.maximum(length / length.mean(), LEAST_SHOWN) ** -evenness)


def _main_directions(corpus: Matrix, rank: int) -> tuple[NDArray[np.float32], Array]:
    """Find the leading right singular vectors of a corpus [m, u], and their squared values.

    Orthonormal bases are made in the m items alone: a QR of u terms, of which there are ten
    times as many, took most of a fit.  Directions of no strength (items told twice) are left
    out, so the answer may be of fewer than *rank* columns.

    Source: Halko, Martinsson and Tropp 2011, SIAM Review 53(2), 217-288, algorithm 4.4.
    """
    turned = corpus.T.tocsr()
    basis = _item_basis(corpus, turned, min(rank + OVERSAMPLING, corpus.shape[0]))
    spread = turned @ basis.astype(np.float32)
    power, turn = np.linalg.eigh((spread.T @ spread).astype(np.float64))
    kept = power > NO_STRENGTH * power[-1]
    orthonormal = spread @ (turn[:, kept] / np.sqrt(power[kept])).astype(np.float32)
    shown = (corpus @ orthonormal).astype(np.float64)
    power, turn = np.linalg.eigh(shown.T @ shown)
    kept = np.flatnonzero(power > NO_STRENGTH * power[-1])[::-1][:rank]
    return orthonormal @ turn[:, kept].astype(np.float32), power[kept]


def _item_basis(corpus: Matrix, turned: Matrix, wide: int) -> Array:
    """Give orthonormal columns [m, wide] that hold what most items share."""
    items = corpus.shape[0]
    if items <= EXACT_UP_TO:
        return np.asarray(np.linalg.eigh((corpus @ turned).toarray().astype(np.float64))[1])[
            :, -wide:
        ]
    basis = np.random.default_rng(0).standard_normal((items, wide))
    for _ in range(POWER_ITERATIONS):
        basis, _ = np.linalg.qr(corpus @ (turned @ basis.astype(np.float32)))
    return basis


def _count(folded: list[str]) -> dict[str, float]:
    """Count words that say something, and pairs of neighbours (never a word twice).

    In a script without spaces a pair of characters is the word, and one of them says little.
    """
    telling = [w for w in folded if w not in STOP_WORDS and (len(w) > 1 or _is_character(w))]
    counts: dict[str, float] = dict(Counter(telling))
    characters = {word for word in counts if _is_character(word)}
    for character in characters:
        counts[character] *= CHARACTER
    for left, right in pairwise(telling):
        if left != right:
            joint = "" if left in characters and right in characters else " "
            pair = f"{left}{joint}{right}"
            counts[pair] = counts.get(pair, 0.0) + 1.0
    return counts


def _is_character(word: str) -> bool:
    return len(word) == 1 and ord(word) > FIRST_CHARACTER


def unit_rows(matrix: Any) -> Any:  # noqa: ANN401 - sparse or dense, as given
    """Scale every row to length 1; rows of zeros stay."""
    if not sp.issparse(matrix):
        length = np.sqrt((matrix * matrix).sum(axis=1, keepdims=True))
        return matrix / np.where(length > 0.0, length, matrix.dtype.type(1.0))
    scaled = matrix.data * np.repeat(scale_of_rows(matrix), np.diff(matrix.indptr))
    return sp.csr_matrix((scaled, matrix.indices, matrix.indptr), shape=matrix.shape)


def scale_of_rows(matrix: Matrix) -> NDArray[Any]:
    """Say by what each row is to be multiplied to be of length 1; rows of zeros stay: [rows]."""
    counts = np.diff(matrix.indptr)
    squares, filled = np.ones(len(counts)), np.flatnonzero(counts)
    own = matrix.data * matrix.data
    squares[filled] = np.add.reduceat(own, matrix.indptr[filled], dtype=np.float64)
    scale = 1.0 / np.sqrt(np.where(squares > 0.0, squares, 1.0))
    return scale.astype(matrix.dtype)
