"""Why an item was picked: every part of its score, in the reader's and the item's own words.

Shapes: N picks of all readers of a batch, taken together.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, repeat
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from digest.model import Described, Item, Ranked, Reason, ReasonKind
from digest.rank.alike import Places
from digest.rank.evidence import LESS_OF, STRENGTH, Judged
from digest.rank.features import Array
from digest.rank.kernel import Kernel
from digest.rank.picks import Choice, why_outside
from digest.rank.profile import Portrait, Profile
from digest.rank.stating import KINDS, TOPIC
from digest.rank.voices import Voices, hear
from digest.rank.words import item_text

Made = TypeVar("Made", bound=tuple[Any, ...])
Value = TypeVar("Value")
Part = tuple[ReasonKind, str, float]
Voice = tuple[ReasonKind, Described | str, float]
_share = itemgetter(2)


class _Picks(NamedTuple):
    """N picks.

    Attributes:
        who, where: [N], the reader and the place of the item.
        row: [N], the profile that speaks most for it; of a reader without any, -1.
        own, votes: [N], what the profile and what popularity makes up of the score.
    """

    who: Places
    where: Places
    row: Places
    own: Array
    votes: Array


def with_reasons(
    items: Sequence[Item], judged: Judged, choices: Sequence[Choice], kernel: Kernel
) -> list[list[Ranked]]:
    """Give what was chosen for each reader its scores, with reasons that add up.

    What had no place follows without reasons.
    """
    picks = _picks(judged, choices)
    reasons = _reasons(judged, picks, kernel)
    speaking = picks.own > 0.0
    # The last name is nobody's.
    names = [*(profile.name for profile in judged.made.profiles), None]
    score = np.where(speaking, picks.own + picks.votes, np.maximum(picks.votes, 0.0)).tolist()
    interests = _taken(names, np.where(speaking, picks.row, -1))
    ranked = _many(Ranked, _taken(items, picks.where), score, interests, reasons)
    ends = [0, *accumulate(len(choice.places) for choice in choices)]
    return [
        _completed(ranked[ends[reader] : ends[reader + 1]], items, judged, reader, choice)
        for reader, choice in enumerate(choices)
    ]


def _picks(judged: Judged, choices: Sequence[Choice]) -> _Picks:
    """Take the picks of all readers together, with what their scores are made of."""
    counts = [len(choice.places) for choice in choices]
    who = np.repeat(np.arange(len(choices)), counts)
    chosen = chain.from_iterable(choice.places for choice in choices)
    where = np.fromiter(chosen, np.intp, len(who))
    row, own = np.full(len(who), -1), np.zeros(len(who))
    votes = np.maximum(judged.total[who, where], 0.0)
    stated = np.flatnonzero(judged.made.stated[who])
    if len(stated):
        readers, places = who[stated], where[stated]
        dial = np.array([portrait.popularity for portrait in judged.made.portraits])
        row[stated], evidence = judged.loudest(readers, places)
        above = np.maximum(evidence, 0.0, dtype=np.float64)
        own[stated] = (1.0 - dial[readers]) * -np.expm1(-above)
        votes[stated] = judged.popular[readers, places]
    return _Picks(who, where, row, own, votes)


def _completed(
    ranked: list[Ranked], items: Sequence[Item], judged: Judged, reader: int, choice: Choice
) -> list[Ranked]:
    """Mark the pick from outside, and add what had no place."""
    if choice.outside is not None:
        value = why_outside(judged.day, choice.outside)
        outside = Reason(kind=ReasonKind.OUTSIDE, value=value, share=0.0)
        place = choice.places.index(choice.outside)
        ranked[place] = ranked[place]._replace(reasons=(outside, *ranked[place].reasons))
    if choice.others:
        score = np.maximum(judged.total[reader, list(choice.others)], 0.0).tolist()
        pairs = zip(choice.others, score, strict=True)
        ranked += [Ranked(item=items[place], score=reached) for place, reached in pairs]
    return ranked


def _reasons(judged: Judged, picks: _Picks, kernel: Kernel) -> list[tuple[Reason, ...]]:
    """Give the reasons of every pick: its interest's, strongest first, then popularity."""
    reasons: list[tuple[Reason, ...]] = [()] * len(picks.who)
    speaking = np.flatnonzero(picks.own > 0.0)
    voices = hear(judged, picks.row[speaking], picks.where[speaking], kernel)
    voices = voices._replace(item=speaking[voices.item])
    simple = _simple(judged, picks, voices)
    explained = voices.item[simple]
    for pick, only in zip(
        explained.tolist(), zip(_of_one_like(judged, picks, voices, simple)), strict=True
    ):
        reasons[pick] = only
    heard: dict[int, list[Voice]]
    heard = {pick: [] for pick in np.setdiff1d(speaking, explained, assume_unique=True).tolist()}
    rest = ~simple
    said, kind = judged.made.seeds.texts, judged.made.seeds.kinds
    for pick, text, share in zip(
        voices.item[rest].tolist(),
        voices.text[rest].tolist(),
        voices.share[rest].tolist(),
        strict=True,
    ):
        heard[pick].append((KINDS[kind[text]], said[text], share))
    for pick, voice in heard.items():
        reasons[pick] = _summed(judged, picks, pick, voice)
    for pick, reason in _of_popularity(judged, picks):
        reasons[pick] = (*reasons[pick], reason)
    return reasons


def _simple(judged: Judged, picks: _Picks, voices: Voices) -> NDArray[np.bool_]:
    """Say of which voices each is of a liked item, and all that is said of its pick."""
    made = judged.made
    row = picks.row[voices.item]
    exact = np.array([bool(one.wishes or one.less_of) for one in made.profiles], dtype=np.bool_)
    alone = np.bincount(voices.item, minlength=1)[voices.item] == 1
    is_like = made.seeds.kinds[voices.text] != KINDS.index(TOPIC)
    simple = alone & is_like & ~exact[row]
    if judged.against is not None:
        simple &= judged.against[row, picks.where[voices.item]] <= 0.0
    return np.asarray(simple)


def _of_one_like(
    judged: Judged, picks: _Picks, voices: Voices, simple: NDArray[np.bool_]
) -> list[Reason]:
    pick, made = voices.item[simple], judged.made
    text = voices.text[simple]
    names = [profile.name for profile in made.profiles]
    return _many(
        Reason,
        _taken(KINDS, made.seeds.kinds[text]),
        map(attrgetter("title"), _taken(made.seeds.texts, text)),
        picks.own[pick].tolist(),
        _taken(names, picks.row[pick]),
    )


def _of_popularity(judged: Judged, picks: _Picks) -> Iterator[tuple[int, Reason]]:
    pick, items = np.flatnonzero(picks.votes > 0.0), judged.day.items
    reasons = _many(
        Reason,
        repeat(ReasonKind.POPULARITY),
        [str(items[place].upvotes or 0) for place in picks.where[pick].tolist()],
        picks.votes[pick].tolist(),
        repeat(None),
    )
    return zip(pick.tolist(), reasons, strict=True)


def _summed(judged: Judged, picks: _Picks, pick: int, heard: Sequence[Voice]) -> tuple[Reason, ...]:
    """Give every part of what an interest says of a pick, strongest first."""
    row, place = int(picks.row[pick]), int(picks.where[pick])
    profile = judged.made.profiles[row]
    learned = float(judged.learned[row, place])
    parts = [
        *_matches(judged, profile, place),
        *(_learned(judged, kind, said, place, learned * share) for kind, said, share in heard),
        *_disliked(judged, judged.made.portraits[picks.who[pick]], row, place),
    ]
    if len(parts) == 1:
        [(kind, value, _)] = parts
        own = float(picks.own[pick])
        return (Reason(kind=kind, value=value, share=own, interest=profile.name),)
    parts.sort(key=_share, reverse=True)
    scale = float(picks.own[pick]) / sum(map(_share, parts))
    return tuple(
        Reason(kind=kind, value=value, share=share * scale, interest=profile.name)
        for kind, value, share in parts
    )


def _matches(judged: Judged, profile: Profile, place: int) -> Iterator[Part]:
    index = judged.day.index
    for wish, kind in profile.wishes:
        if grade := judged.matches[wish].at(place):
            yield kind, index.spelled(wish, place), STRENGTH[kind] * grade
    for wish in profile.less_of:
        if judged.matches[wish].at(place):
            yield ReasonKind.LESS_OF, index.spelled(wish, place), -LESS_OF


def _learned(
    judged: Judged, kind: ReasonKind, said: Described | str, place: int, share: float
) -> Part:
    if not isinstance(said, str):
        return kind, said.title, share
    if shown := judged.day.index.shared(said, place):
        return ReasonKind.TOPIC, ", ".join(shown), share
    return ReasonKind.RELATED, said, share


def _disliked(judged: Judged, portrait: Portrait, row: int, place: int) -> Iterator[Part]:
    taken = 0.0 if judged.against is None else float(judged.against[row, place])
    if taken <= 0.0:
        return
    index = judged.day.index
    disliked = [verdict.item for verdict in portrait.disliked.verdicts]
    shared = [len(index.shared(item_text(item), place)) for item in disliked]
    nearest = disliked[shared.index(max(shared))]
    yield ReasonKind.LESS_OF, nearest.title, -taken


def _taken(values: Sequence[Value], places: NDArray[np.integer]) -> list[Value]:
    return list(map(values.__getitem__, places.tolist()))


def _many(kind: type[Made], *columns: Iterable[object]) -> list[Made]:
    """Make many tuples of a kind, of columns: one for each of its fields.

    As its constructor makes them, in half the time: two million are made in a round.
    """
    new: Callable[[type[Made], tuple[object, ...]], Made] = tuple.__new__
    return list(map(new, repeat(kind), zip(*columns, strict=False)))
