"""The whole sum behind one score, row by row, for `digest explain ADDRESS ITEM`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digest.model import Item, Reader, Reason, ReasonKind
from digest.protocols import Ranker
from digest.rank.matching import Field, Index, Wish

SHOWN = 10_000  # shares are given to four places


@dataclass(frozen=True, slots=True)
class Row:
    """One part of a score.

    Attributes:
        interest: name of the interest it speaks for, "" for popularity and the total.
        kind: a reason's kind, or "score" for the total.
        share: what it adds; the rows above the total add up to it.
        detail: what a keyword's share rests on: how often the item shows it, and whether its
            title or its own keywords do; "" for other kinds.
    """

    interest: str
    kind: str
    value: str
    share: float
    detail: str = ""


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
    rows = [
        Row(r.interest or "", r.kind.value, r.value, r.share, _detail(r, reader, item))
        for r in ranked[0].reasons
    ]
    return _rounded([*rows, Row("", "score", item.title, ranked[0].score)])


def _detail(reason: Reason, reader: Reader, item: Item) -> str:
    """Say how an item shows the keyword that a reason is about."""
    if reason.kind is not ReasonKind.KEYWORD:
        return ""
    index = Index([item])
    stated = (
        Wish(Field.TEXT, keyword)
        for interest in reader.interests
        if interest.name == reason.interest
        for keyword in interest.keywords
    )
    for wish in stated:
        if index.places(wish) and index.spelled(wish, 0) == reason.value:
            mentions = index.mentions(wish, 0)
            often = "once" if mentions.times == 1 else f"{mentions.times} times"
            return f"{often}, in title or keywords" if mentions.prominent else often
    return ""


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
