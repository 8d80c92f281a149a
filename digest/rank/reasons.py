"""Why an item was picked: every part of its score, in the reader's and the item's own words."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from digest.model import Item, Ranked, Reason, ReasonKind
from digest.rank.evidence import LESS_OF, STRENGTH, Judged
from digest.rank.features import Array
from digest.rank.kernel import Kernel
from digest.rank.profile import Like, Portrait, Profile

Part = tuple[ReasonKind, str, float]


def with_reasons(
    items: Sequence[Item], judged: Judged, reader: int, places: Sequence[int], kernel: Kernel
) -> list[Ranked]:
    """Give some items of the day their scores for one reader, with reasons that add up."""
    start, end = judged.first[reader], judged.first[reader + 1]
    if start == end:
        return [_by_votes(items[n], max(float(judged.total[reader, n]), 0.0)) for n in places]
    best = start + np.argmax(judged.evidence[start:end, places], axis=0)
    resembled = {
        row: kernel.resemblance(
            [column for column, _, _ in judged.seeds.rows[row]],
            judged.seeds.fresh,
            judged.day.texts,
            places,
        )
        for row in dict.fromkeys(best.tolist())
        if judged.seeds.rows[row]
    }
    nothing = np.zeros((0, len(places)))
    return [
        _ranked(items[n], judged, reader, row, n, resembled.get(row, nothing)[:, k])
        for k, (n, row) in enumerate(zip(places, best.tolist(), strict=True))
    ]


def _ranked(
    item: Item, judged: Judged, reader: int, row: int, place: int, resembled: Array
) -> Ranked:
    dial = judged.portraits[reader].popularity
    votes = dial * float(judged.day.popularity[place])
    own = (1.0 - dial) * -math.expm1(-max(float(judged.evidence[row, place]), 0.0))
    if own <= 0.0:
        return _by_votes(item, votes)
    profile = judged.profiles[row]
    parts = [
        *_matches(judged, profile, place),
        *_learned(judged, row, place, resembled),
        *_disliked(judged, judged.portraits[reader], row, place),
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


def _learned(judged: Judged, row: int, place: int, resembled: Array) -> Iterator[Part]:
    """Part learned evidence by kind, each under the text that says most."""
    learned = float(judged.learned[row, place])
    if learned <= 0.0:
        return
    voices: dict[ReasonKind, list[tuple[float, Like | str]]] = {}
    for (_, weight, seed), alike in zip(judged.seeds.rows[row], resembled.tolist(), strict=True):
        kind = ReasonKind.TOPIC if isinstance(seed, str) else seed.kind
        voices.setdefault(kind, []).append((weight * max(alike, 1e-3), seed))
    whole = sum(voice for found in voices.values() for voice, _ in found)
    for kind, found in voices.items():
        _, loudest = max(found, key=lambda voice: voice[0])
        yield kind, _named(loudest, judged, place), learned * sum(v for v, _ in found) / whole


def _disliked(judged: Judged, portrait: Portrait, row: int, place: int) -> Iterator[Part]:
    taken = float(judged.against[row, place])
    if taken > 0.0:
        yield ReasonKind.LESS_OF, portrait.disliked[-1].item.title, -taken


def _named(seed: Like | str, judged: Judged, place: int) -> str:
    if isinstance(seed, str):
        return ", ".join(judged.day.index.shared(seed, place)) or seed
    return seed.item.title
