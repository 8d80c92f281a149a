"""Why an item was picked: every part of its score, in the reader's and the item's own words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import itemgetter

import numpy as np

from digest.model import Item, Ranked, Reason, ReasonKind
from digest.rank.evidence import LESS_OF, STRENGTH, Judged
from digest.rank.kernel import Kernel
from digest.rank.picks import Choice, why_outside
from digest.rank.profile import Like, Portrait, Profile
from digest.rank.words import item_text

Part = tuple[ReasonKind, str, float]
Voice = tuple[ReasonKind, list[Like | str], list[float]]
_share = itemgetter(2)


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
    evidence = judged.evidence[start:end, places]
    best = (start + evidence.argmax(axis=0)).tolist()
    voices = {row: _voices(judged, row, places, kernel) for row in dict.fromkeys(best)}
    # Taken together: a number at a time out of an array costs more than what is done with it.
    dial = judged.made.portraits[reader].popularity
    own = (1.0 - dial) * -np.expm1(-np.maximum(evidence.max(axis=0), 0.0, dtype=np.float64))
    sums = own, judged.learned[best, places], judged.popular[reader, places]
    return [
        _ranked(items[n], judged, reader, row, n, (*found, k), voices[row])
        for k, (n, row, *found) in enumerate(
            zip(places, best, *(one.tolist() for one in sums), strict=True)
        )
    ]


def _voices(judged: Judged, row: int, places: Sequence[int], kernel: Kernel) -> list[Voice]:
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
    kinds = [ReasonKind.TOPIC if isinstance(seed, str) else seed.kind for seed in stated]
    if kinds.count(kinds[0]) == len(kinds):
        loudest = [stated[k] for k in said.argmax(axis=0).tolist()]
        return [(kinds[0], loudest, [1.0] * len(places))]
    by_kind: dict[ReasonKind, list[int]] = {}
    for number, kind in enumerate(kinds):
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
    sums: tuple[float, float, float, int],
    voices: Sequence[Voice],
) -> Ranked:
    own, learned, votes, k = sums
    popular = _votes(item, votes) if votes > 0.0 else ()
    if own <= 0.0:
        return Ranked(item=item, score=max(votes, 0.0), reasons=popular)
    portrait, profile = judged.made.portraits[reader], judged.made.profiles[row]
    parts = _learned(judged, learned, place, voices, k) if learned > 0.0 else []
    if profile.wishes or profile.less_of:
        parts = [*_matches(judged, profile, place), *parts]
    if portrait.disliked:
        parts += _disliked(judged, portrait, row, place)
    name = profile.name
    if len(parts) == 1:
        [(kind, value, _)] = parts
        only = Reason(kind=kind, value=value, share=own, interest=name)
        return Ranked(item=item, score=own + votes, interest=name, reasons=(only, *popular))
    parts.sort(key=_share, reverse=True)
    scale = own / sum(map(_share, parts))
    reasons = [
        Reason(kind=kind, value=value, share=share * scale, interest=name)
        for kind, value, share in parts
    ]
    return Ranked(item=item, score=own + votes, interest=name, reasons=(*reasons, *popular))


def _by_votes(item: Item, share: float) -> Ranked:
    return Ranked(item=item, score=max(share, 0.0), reasons=_votes(item, share))


def _votes(item: Item, share: float) -> tuple[Reason, ...]:
    if share <= 0.0:
        return ()
    value = str(item.upvotes or 0)
    return (Reason(kind=ReasonKind.POPULARITY, value=value, share=share),)


def _matches(judged: Judged, profile: Profile, place: int) -> Iterator[Part]:
    index = judged.day.index
    for wish, kind in profile.wishes:
        if grade := judged.matches[wish].at(place):
            yield kind, index.spelled(wish, place), STRENGTH[kind] * grade
    for wish in profile.less_of:
        if judged.matches[wish].at(place):
            yield ReasonKind.LESS_OF, index.spelled(wish, place), -LESS_OF


def _learned(
    judged: Judged, learned: float, place: int, voices: Sequence[Voice], k: int
) -> list[Part]:
    parts: list[Part] = []
    for kind, loudest, shares in voices:
        said, share = loudest[k], learned * shares[k]
        if not isinstance(said, str):
            parts.append((kind, said.item.title, share))
        elif shown := judged.day.index.shared(said, place):
            parts.append((kind, ", ".join(shown), share))
        else:
            parts.append((ReasonKind.RELATED, said, share))
    return parts


def _disliked(judged: Judged, portrait: Portrait, row: int, place: int) -> Iterator[Part]:
    taken = 0.0 if judged.against is None else float(judged.against[row, place])
    if taken <= 0.0:
        return
    index = judged.day.index
    shared = [len(index.shared(item_text(like.item), place)) for like in portrait.disliked]
    nearest = portrait.disliked[shared.index(max(shared))].item
    yield ReasonKind.LESS_OF, nearest.title, -taken
