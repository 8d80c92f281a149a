"""A reader as ranking uses one: what each interest asks for, and what speaks against.

A profile is plain values.  It depends on one reader alone, so it can be made in a batch, kept,
or made anew after one more verdict, with the same outcome.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain

from digest.model import Described, Feedback, Interest, Reader, ReasonKind, Verdict
from digest.rank.matching import Field, Wish
from digest.rank.settings import Settings

LIKED = "liked"  # name of the interest of a reader who gave verdicts and nothing else


@dataclass(frozen=True, slots=True)
class Like:
    """An item that speaks for an interest.

    Attributes:
        kind: EXAMPLE or FEEDBACK.
        weight: above 0, 1.0 for a fresh verdict or an example.
    """

    item: Described
    kind: ReasonKind
    weight: float


@dataclass(frozen=True, slots=True)
class Profile:
    """One interest of a reader.

    Attributes:
        name: of the interest.
        weight: of the interest, above 0.
        topic: its plain words, "" where it has none.
        wishes: what is looked up exactly, each with the reason that a match gives.
        less_of: soft: what weighs against an item.
        likes: items that speak for it.
    """

    name: str
    weight: float
    topic: str
    wishes: tuple[tuple[Wish, ReasonKind], ...]
    less_of: tuple[Wish, ...]
    likes: tuple[Like, ...]


@dataclass(frozen=True, slots=True)
class Portrait:
    """One reader: profiles, one an interest, and what holds for all of them.

    Attributes:
        liked, disliked: feedback "more" and "less", the newest word on each item.
        muted: an item that shows one of these is never picked.
        popularity: the dial, 0.0 to 1.0.
    """

    profiles: tuple[Profile, ...]
    liked: tuple[Like, ...]
    disliked: tuple[Like, ...]
    muted: tuple[Wish, ...]
    popularity: float


def portray(reader: Reader, known: Mapping[str, Described], settings: Settings) -> Portrait:
    """Read what a reader states.

    Args:
        known: items of the corpus by identity key, for examples that were not yet looked up.
    """
    profiles = tuple(_profile(interest, reader, known) for interest in reader.interests)
    if not reader.feedback:
        profiles = tuple(p for p in profiles if p.topic or p.wishes or p.likes)
    elif not profiles:
        profiles = (Profile(LIKED, 1.0, "", (), (), ()),)
    liked, disliked = _verdicts(reader.feedback, settings)
    return Portrait(
        profiles=profiles,
        liked=liked,
        disliked=disliked,
        muted=tuple(dict.fromkeys(chain.from_iterable(map(_muted, reader.interests)))),
        popularity=min(max(reader.popularity, 0.0), 1.0),
    )


def _profile(interest: Interest, reader: Reader, known: Mapping[str, Described]) -> Profile:
    resolved = reader.examples.get(interest.name, ())
    found = {key for item in resolved for key in item.keys}
    named = [example for example in interest.examples if example not in found]
    items = dict.fromkeys((*resolved, *(known[e] for e in named if e in known)))
    wishes = list(_wishes(interest))
    topic = interest.text.strip()
    if replace(interest, name="", weight=1.0) == Interest(name=""):
        topic = interest.name
    return Profile(
        name=interest.name,
        weight=interest.weight,
        topic=topic,
        wishes=tuple(dict.fromkeys(wishes)),
        less_of=tuple(Wish(Field.TEXT, value) for value in interest.less_of if value.strip()),
        likes=tuple(Like(item, ReasonKind.EXAMPLE, 1.0) for item in items),
    )


def _wishes(interest: Interest) -> Iterator[tuple[Wish, ReasonKind]]:
    stated = (
        (interest.keywords, Field.TEXT, ReasonKind.KEYWORD),
        (interest.authors, Field.AUTHOR, ReasonKind.AUTHOR),
        (interest.organisations, Field.ORGANISATION, ReasonKind.ORGANISATION),
        (interest.categories, Field.CATEGORY, ReasonKind.CATEGORY),
    )
    for values, field, kind in stated:
        yield from ((Wish(field, value), kind) for value in values if value.strip())


def _muted(interest: Interest) -> Iterator[Wish]:
    yield from (Wish(Field.TEXT, value) for value in interest.muted_words if value.strip())
    yield from (Wish(Field.AUTHOR, value) for value in interest.muted_authors if value.strip())


def _verdicts(
    feedback: tuple[Feedback, ...], settings: Settings
) -> tuple[tuple[Like, ...], tuple[Like, ...]]:
    """Part feedback in more and less, each weighed by its age beside the newest verdict."""
    if not feedback:
        return (), ()
    newest = max(verdict.at for verdict in feedback)
    last_word = {(v.item.keys, v.item.title): v for v in sorted(feedback, key=lambda v: v.at)}
    sides: dict[Verdict, list[Like]] = {Verdict.MORE: [], Verdict.LESS: []}
    for verdict in last_word.values():
        weight = _faded(newest - verdict.at, settings)
        sides[verdict.verdict].append(Like(verdict.item, ReasonKind.FEEDBACK, weight))
    return tuple(sides[Verdict.MORE]), tuple(sides[Verdict.LESS])


def _faded(age: timedelta, settings: Settings) -> float:
    if not age:
        return 1.0
    fresh = 1.0 - settings.feedback_floor
    return float(settings.feedback_floor + fresh * 0.5 ** (age / settings.half_life))
