"""Rows of terms summed, evened out and scaled: the arithmetic of profiles.

Shapes: P profiles, C items of the corpus, f texts that it does not hold, F term columns.
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.rank.features import Array, Matrix, scale_of_rows
from digest.rank.texts import Floats


def sums(values: Floats, ends: NDArray[np.integer]) -> Array:
    """Sum the values of each row of a sparse matrix: [rows]."""
    rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    return np.bincount(rows, weights=values, minlength=len(ends) - 1).astype(np.float64)


def summed(weights: Matrix, corpus: Matrix, fresh: Matrix) -> Matrix:
    """Sum rows of the corpus [C, F] and of fresh texts [f, F] by weights [P, C + f]: [P, F]."""
    known = corpus.shape[0]
    if not fresh.shape[0]:
        return weights[:, :known] @ corpus
    return weights[:, :known] @ corpus + weights[:, known:] @ fresh


def evened(terms: Matrix, power: Floats) -> Matrix:
    """Raise the values of each row to a power [P], in place."""
    terms.data **= np.repeat(power, np.diff(terms.indptr))
    return terms


def scaled(terms: Matrix, scale: Floats | None = None) -> tuple[Matrix, Floats]:
    """Multiply each row, in place, with what is given, or makes it of unit length: and by what."""
    if scale is None:
        scale = scale_of_rows(terms)
    terms.data *= np.repeat(scale, np.diff(terms.indptr))
    return terms, scale


def in_order(parts: Sequence[Matrix], rows: Sequence[NDArray[np.intp]]) -> Matrix:
    """Put parts of a matrix, of these rows of it, together."""
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate(rows))
    whole = sp.vstack(parts, format="csr")
    return whole if (np.diff(order) > 0).all() else whole[order]
