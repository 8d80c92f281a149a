"""The whole sum behind one score, row by row, for `digest explain ADDRESS ITEM`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digest.model import Item, Reader
from digest.protocols import Ranker

SHOWN = 10_000  # shares are given to four places


@dataclass(frozen=True, slots=True)
class Row:
    """One part of a score.

    Attributes:
        interest: name of the interest it speaks for, "" for popularity and the total.
        kind: a reason's kind, or "score" for the total.
        share: what it adds; the rows above the total add up to it.
    """

    interest: str
    kind: str
    value: str
    share: float


def explain(ranker: Ranker, reader: Reader, item: Item, day: Sequence[Item]) -> list[Row]:
    """Give every part of one item's score for one reader, the total last.

    Args:
        day: the items it competes with, which popularity is measured against; the item
            itself may be among them.

    Returns:
        Rows whose shares, of four places, add up to the last one; [] where it is muted.
    """
    items = [item, *(other for other in day if other.id != item.id)]
    eligible = np.zeros((1, len(items)), dtype=np.bool_)
    eligible[0, 0] = True
    whatever = replace(reader, max_items=None, minimum_score=0.0, explore=False)
    [ranked] = ranker.rank([whatever], items, eligible, 1)
    if not ranked:
        return []
    rows = [Row(r.interest or "", r.kind.value, r.value, r.share) for r in ranked[0].reasons]
    return _rounded([*rows, Row("", "score", item.title, ranked[0].score)])


def _rounded(rows: Sequence[Row]) -> list[Row]:
    """Round shares so that what is shown adds up, none by more than one of the last place.

    The total is rounded as usual; what the parts miss goes to those that lost most by it.
    """
    *parts, total = rows
    exact = [part.share * SHOWN for part in parts]
    down = [math.floor(share) for share in exact]
    missing = round(total.share * SHOWN) - sum(down)
    by_loss = sorted(range(len(parts)), key=lambda n: (down[n] - exact[n], n))
    up = set(by_loss[: max(missing, 0)])
    return [
        *(replace(part, share=(down[n] + (n in up)) / SHOWN) for n, part in enumerate(parts)),
        replace(total, share=round(total.share * SHOWN) / SHOWN),
    ]
