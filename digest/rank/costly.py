"""What is costly of a profile, as it is kept.

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


class Costly(NamedTuple):
    """What is costly of one profile: what it borrows, and what asks for all of its terms.

    Attributes:
        rows: of the corpus, int32; those that it borrows, none where it is not thin.
        counts: what each counts, beside 1 for a like.
        basis: `Kernel.basis` of what follows; b"" = it is not known.
        damped, scale: [k] and a number, see `Blend`; of the profile with what it borrows.
    """

    rows: NDArray[np.int32]
    counts: Floats
    basis: bytes = b""
    damped: Floats = NOWHERE
    scale: float = 1.0


NOTHING = Costly(np.zeros(0, np.int32), np.zeros(0, np.float32))


def rows_of(borrowed: Sequence[Costly], width: int) -> Matrix:
    """Give what profiles borrow as rows: [P, width]."""
    ends = np.cumsum([0, *(len(one.rows) for one in borrowed)])
    rows = np.concatenate([one.rows for one in borrowed])
    counts = np.concatenate([one.counts for one in borrowed])
    return sp.csr_matrix((counts, rows, ends), shape=(len(borrowed), width))
