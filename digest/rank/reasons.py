"""Why an item was picked: every part of its score, in the reader's and the item's own words."""

import numpy as np

from digest.model import Item, Ranked, Reason, ReasonKind
from digest.rank.evidence import GAIN, LESS_OF, STRENGTH, Judged
from digest.rank.profile import Profile


def ranked_item(item: Item, judged: Judged, reader: int, place: int) -> Ranked:
    """Give one item of the day its score for one reader, with reasons that add up to it."""
    portrait = judged.portraits[reader]
    start, end = judged.first[reader], judged.first[reader + 1]
    popular = float(judged.day.popularity[place])
    if start == end:
        score = max(float(judged.total[reader, place]), 0.0)
        return Ranked(item=item, score=score, reasons=_popular(item, score))
    best = start + int(np.argmax(judged.evidence[start:end, place]))
    evidence = float(judged.evidence[best, place])
    own = (1.0 - portrait.popularity) * -float(np.expm1(-max(evidence, 0.0)))
    votes = portrait.popularity * popular
    if own <= 0.0:
        return Ranked(item=item, score=votes, reasons=_popular(item, votes))
    profile = judged.profiles[best]
    parts = [*_matches(judged, profile, place), *_learned(judged, best, place)]
    scale = own * profile.weight / evidence
    reasons = [
        Reason(kind=kind, value=value, share=part * scale, interest=profile.name)
        for kind, value, part in sorted(parts, key=lambda part: -part[2])
    ]
    return Ranked(
        item=item,
        score=own + votes,
        interest=profile.name,
        reasons=(*reasons, *_popular(item, votes)),
    )


def _popular(item: Item, share: float) -> tuple[Reason, ...]:
    if share <= 0.0:
        return ()
    return (Reason(kind=ReasonKind.POPULARITY, value=str(item.upvotes or 0), share=share),)


def _matches(judged: Judged, profile: Profile, place: int) -> list[tuple[ReasonKind, str, float]]:
    index = judged.day.index
    found = [
        (kind, index.spelled(wish, place), STRENGTH[kind])
        for wish, kind in profile.wishes
        if place in judged.matches[wish]
    ]
    against = [
        (ReasonKind.LESS_OF, index.spelled(wish, place), -LESS_OF)
        for wish in profile.less_of
        if place in judged.matches[wish]
    ]
    return found + against


def _learned(judged: Judged, row: int, place: int) -> list[tuple[ReasonKind, str, float]]:
    """Sum likeness by kind, each under the seed that says most."""
    parts: dict[tuple[ReasonKind, bool], list[tuple[float, str]]] = {}
    start, end = judged.weights.indptr[row : row + 2]
    for seed_number, weight in zip(
        judged.weights.indices[start:end], judged.weights.data[start:end], strict=True
    ):
        seed = judged.seeds[seed_number]
        share = GAIN * float(weight) * float(judged.likeness[seed_number, place])
        if isinstance(seed, str):
            kind, value = ReasonKind.TOPIC, _shared_words(seed, judged, place)
        else:
            kind, value = seed.kind, seed.item.title
        parts.setdefault((kind, weight < 0), []).append((share, value))
    return [
        (kind, max(found, key=lambda part: abs(part[0]))[1], sum(share for share, _ in found))
        for (kind, _), found in parts.items()
    ]


def _shared_words(topic: str, judged: Judged, place: int) -> str:
    return ", ".join(judged.day.index.shared(topic, place)) or topic
