"""What a thin profile borrows of the corpus, as it is kept.

Shapes: P profiles, k main directions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.rank.features import Matrix
from digest.rank.texts import FLOAT, Floats

NOWHERE = np.zeros(0, FLOAT)


class Borrowed(NamedTuple):
    """What one profile borrows.

    Attributes:
        rows: of the corpus, int32.
        counts: what each counts, beside 1 for a like.
        basis: `Kernel.basis` of what follows; b"" = it is not known.
        damped: [k], see `Blend.damped`, of the profile with what it borrows.
    """

    rows: NDArray[np.int32]
    counts: Floats
    basis: bytes = b""
    damped: Floats = NOWHERE


NOTHING = Borrowed(np.zeros(0, np.int32), np.zeros(0, np.float32))


def rows_of(borrowed: Sequence[Borrowed], width: int) -> Matrix:
    """Give what profiles borrow as rows: [P, width]."""
    ends = np.cumsum([0, *(len(one.rows) for one in borrowed)])
    rows = np.concatenate([one.rows for one in borrowed])
    counts = np.concatenate([one.counts for one in borrowed])
    return sp.csr_matrix((counts, rows, ends), shape=(len(borrowed), width))
