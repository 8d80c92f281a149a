"""Why an item was picked: every part of its score, in the reader's and the item's own words."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from digest.model import Item, Ranked, Reason, ReasonKind
from digest.rank.evidence import LESS_OF, STRENGTH, Judged
from digest.rank.kernel import Kernel
from digest.rank.picks import Choice, why_outside
from digest.rank.profile import Like, Portrait, Profile
from digest.rank.words import item_text

Part = tuple[ReasonKind, str, float]
Voice = tuple[ReasonKind, list[Like | str], list[float], int]


def with_reasons(
    items: Sequence[Item], judged: Judged, reader: int, choice: Choice, kernel: Kernel
) -> list[Ranked]:
    """Give what was chosen for one reader its scores, with reasons that add up.

    What had no place follows without reasons.
    """
    ranked = _with_shares(items, judged, reader, choice.places, kernel)
    if choice.outside is not None:
        outside = Reason(
            kind=ReasonKind.OUTSIDE, value=why_outside(judged.day, choice.outside), share=0.0
        )
        place = choice.places.index(choice.outside)
        ranked[place] = replace(ranked[place], reasons=(outside, *ranked[place].reasons))
    total = judged.total[reader]
    return ranked + [Ranked(item=items[n], score=max(float(total[n]), 0.0)) for n in choice.others]


def _with_shares(
    items: Sequence[Item], judged: Judged, reader: int, places: Sequence[int], kernel: Kernel
) -> list[Ranked]:
    start, end = judged.made.first[reader], judged.made.first[reader + 1]
    if start == end:
        return [_by_votes(items[n], max(float(judged.total[reader, n]), 0.0)) for n in places]
    best = start + np.argmax(judged.evidence[start:end, places], axis=0)
    voices = {row: _voices(judged, row, places, kernel) for row in dict.fromkeys(best.tolist())}
    # Taken together: a number at a time out of an array costs more than what is done with it.
    sums = (
        judged.evidence[best, places],
        judged.learned[best, places],
        judged.popular[reader, places],
    )
    return [
        _ranked(items[n], judged, reader, row, n, found, [(*voice, k) for voice in voices[row]])
        for k, (n, row, *found) in enumerate(
            zip(places, best.tolist(), *(one.tolist() for one in sums), strict=True)
        )
    ]


def _voices(
    judged: Judged, row: int, places: Sequence[int], kernel: Kernel
) -> list[tuple[ReasonKind, list[Like | str], list[float]]]:
    """Part a profile's learned evidence by kind.

    Returns:
        Per kind, for each of the places: the text that says most, and the kind's share of
        what all texts say, from 0 to 1.
    """
    made, where = judged.made, judged.made.said(row)
    stated = made.seeds.said[where]
    if not stated:
        return []
    alike = kernel.resemblance(
        made.seeds.columns[where], made.seeds.fresh, judged.day.texts, places
    )
    said = made.seeds.counts[where, None] * np.maximum(alike, np.float32(1e-3))
    whole = said.sum(axis=0)
    by_kind: dict[ReasonKind, list[int]] = {}
    for number, seed in enumerate(stated):
        kind = ReasonKind.TOPIC if isinstance(seed, str) else seed.kind
        by_kind.setdefault(kind, []).append(number)
    return [
        (
            kind,
            [stated[numbers[k]] for k in said[numbers].argmax(axis=0).tolist()],
            (said[numbers].sum(axis=0) / whole).tolist(),
        )
        for kind, numbers in by_kind.items()
    ]


def _ranked(
    item: Item,
    judged: Judged,
    reader: int,
    row: int,
    place: int,
    sums: Sequence[float],
    voices: Sequence[Voice],
) -> Ranked:
    portrait = judged.made.portraits[reader]
    evidence, learned, votes = sums
    own = (1.0 - portrait.popularity) * -math.expm1(-max(evidence, 0.0))
    if own <= 0.0:
        return _by_votes(item, votes)
    profile = judged.made.profiles[row]
    parts = [
        *_matches(judged, profile, place),
        *_learned(judged, learned, place, voices),
        *_disliked(judged, portrait, row, place),
    ]
    scale = own / sum(part for _, _, part in parts)
    reasons = [
        Reason(kind=kind, value=value, share=part * scale, interest=profile.name)
        for kind, value, part in sorted(parts, key=lambda part: -part[2])
    ]
    popular = _by_votes(item, votes).reasons
    return Ranked(item=item, score=own + votes, interest=profile.name, reasons=(*reasons, *popular))


def _by_votes(item: Item, share: float) -> Ranked:
    if share <= 0.0:
        return Ranked(item=item, score=0.0)
    reason = Reason(kind=ReasonKind.POPULARITY, value=str(item.upvotes or 0), share=share)
    return Ranked(item=item, score=share, reasons=(reason,))


def _matches(judged: Judged, profile: Profile, place: int) -> Iterator[Part]:
    index = judged.day.index
    for wish, kind in profile.wishes:
        if place in judged.matches[wish]:
            yield kind, index.spelled(wish, place), STRENGTH[kind]
    for wish in profile.less_of:
        if place in judged.matches[wish]:
            yield ReasonKind.LESS_OF, index.spelled(wish, place), -LESS_OF


def _learned(judged: Judged, learned: float, place: int, voices: Sequence[Voice]) -> Iterator[Part]:
    if learned <= 0.0:
        return
    for kind, loudest, shares, k in voices:
        said, share = loudest[k], learned * shares[k]
        if not isinstance(said, str):
            yield kind, said.item.title, share
        elif shown := judged.day.index.shared(said, place):
            yield kind, ", ".join(shown), share
        else:
            yield ReasonKind.RELATED, said, share


def _disliked(judged: Judged, portrait: Portrait, row: int, place: int) -> Iterator[Part]:
    taken = 0.0 if judged.against is None else float(judged.against[row, place])
    if taken <= 0.0:
        return
    index = judged.day.index
    shared = [len(index.shared(item_text(like.item), place)) for like in portrait.disliked]
    nearest = portrait.disliked[shared.index(max(shared))].item
    yield ReasonKind.LESS_OF, nearest.title, -taken
