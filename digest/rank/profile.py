"""A reader as ranking uses one: what each interest asks for, and what speaks against.

A profile is plain values.  It depends on one reader alone, so it can be made in a batch, kept,
or made anew after one more verdict, with the same outcome.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from operator import attrgetter, itemgetter
from typing import NamedTuple

from digest.model import LIKED, Described, Feedback, Interest, Reader, ReasonKind, Verdict
from digest.rank.matching import Field, Index, Wish
from digest.rank.settings import Settings
from digest.rank.texts import content_key
from digest.rank.words import STOP_WORDS, item_text, words

FEEDBACK, SAVE, LESS = ReasonKind.FEEDBACK, Verdict.SAVE, Verdict.LESS
EXACT = 3  # a stated wish that an item shows says as much as so many words of a topic


class Weighed(NamedTuple):
    """Verdicts, and what each counts: columns, for a million are weighed in a round.

    Attributes:
        verdicts: oldest first.
        weights: of each, above 0, 1.0 for a fresh one.
        contents: of their items, see `content_key`.
    """

    verdicts: Sequence[Feedback] = ()
    weights: Sequence[float] = ()
    contents: Sequence[tuple[object, ...]] = ()


NONE = Weighed()
_Row = tuple[Feedback, float, tuple[object, ...]]


class Profile(NamedTuple):
    """One interest of a reader; a tuple, as `Portrait` is, for a million are made in a round.

    Attributes:
        name: of the interest.
        weight: of the interest, above 0.
        topic: its plain words, "" where it has none.
        wishes: what is looked up exactly, each with the reason that a match gives.
        less_of: soft: what weighs against an item.
        examples: items that speak for it.
        liked: what feedback adds to them.
    """

    name: str
    weight: float
    topic: str
    wishes: tuple[tuple[Wish, ReasonKind], ...]
    less_of: tuple[Wish, ...]
    examples: tuple[Described, ...]
    liked: Weighed = NONE


NO_INTEREST = Profile(LIKED, 1.0, "", (), (), ())


class Portrait(NamedTuple):
    """One reader: profiles, one an interest, and what holds for all of them.

    Attributes:
        liked, disliked: feedback, the newest word on each item; what is liked stands in the
            profile it belongs to as well, what is disliked weighs against all of them.
        muted: an item that shows one of these is never picked.
        popularity: the dial, 0.0 to 1.0.
    """

    profiles: tuple[Profile, ...]
    liked: Weighed
    disliked: Weighed
    muted: tuple[Wish, ...]
    popularity: float

    @property
    def states_nothing(self) -> bool:
        """True where nothing speaks for any item: popular and recent ones are given."""
        return not self.liked.verdicts and not any(map(_tells, self.profiles))

    def before(self, verdicts: Collection[Feedback], settings: Settings) -> "Portrait":
        """Give the same reader without some verdicts, interest by interest."""
        gone = set(map(id, verdicts))
        given = (*self.liked.verdicts, *self.disliked.verdicts)
        liked, disliked = _weighed([one for one in given if id(one) not in gone], settings)
        stated = tuple(one._replace(liked=NONE) for one in self.profiles)
        return self._replace(profiles=_with_likes(stated, liked), liked=liked, disliked=disliked)


def portray(reader: Reader, known: Mapping[str, Described], settings: Settings) -> Portrait:
    """Read what a reader states.

    "Less of" counts under its own interest; under all, where it stands in one that says
    nothing else.

    Args:
        known: items of the corpus by identity key, for examples that were not yet looked up.
    """
    liked, disliked = _weighed(reader.feedback, settings)
    dial = min(max(reader.popularity, 0.0), 1.0)
    if not reader.interests:
        own = _with_likes((NO_INTEREST,), liked) if reader.feedback else ()
        return Portrait(own, liked, disliked, (), dial)
    profiles = tuple(_profile(interest, reader, known) for interest in reader.interests)
    telling = tuple(filter(_tells, profiles))
    everywhere = tuple(wish for p in profiles if p not in telling for wish in p.less_of)
    if not reader.feedback:
        profiles = telling
    if not profiles and (reader.feedback or everywhere):
        profiles = (NO_INTEREST,)
    if everywhere:
        profiles = tuple(p._replace(less_of=_union(p.less_of, everywhere)) for p in profiles)
    return Portrait(
        profiles=_with_likes(profiles, liked),
        liked=liked,
        disliked=disliked,
        muted=tuple(dict.fromkeys(chain.from_iterable(map(_muted, reader.interests)))),
        popularity=dial,
    )


def _tells(profile: Profile) -> bool:
    """True where an interest itself says what it is about."""
    return bool(profile.topic or profile.wishes or profile.examples)


def _union(some: tuple[Wish, ...], more: tuple[Wish, ...]) -> tuple[Wish, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def _with_likes(profiles: tuple[Profile, ...], liked: Weighed) -> tuple[Profile, ...]:
    """Give each liked item to the profile it belongs to.

    That is the interest under which it was picked, else the one whose words it shows most of.
    What shows none of any, a pick from outside say, makes a profile of its own.
    """
    if not liked.verdicts:
        return profiles
    if len(profiles) < 2:
        return tuple(_liking(profile, liked) for profile in profiles)
    by_name: dict[str, list[_Row]] = {profile.name: [] for profile in profiles}
    for row in zip(*liked, strict=True):
        verdict: Feedback = row[0]
        interest = verdict.interest
        name = interest if interest in by_name else _best_matching(verdict.item, profiles)
        by_name.setdefault(name, []).append(row)
    if LIKED in by_name and not any(profile.name == LIKED for profile in profiles):
        profiles = (*profiles, NO_INTEREST)
    return tuple(_liking(one, _columns(by_name.pop(one.name, ()))) for one in profiles)


def _liking(profile: Profile, liked: Weighed) -> Profile:
    """As `_replace` makes it, in a third of the time."""
    return Profile(*profile[:-1], liked)


def _columns(rows: Iterable[_Row]) -> Weighed:
    return Weighed(*zip(*rows, strict=True))


def _best_matching(item: Described, profiles: Sequence[Profile]) -> str:
    shown = _telling(item_text(item))
    index = Index([item])
    best, most = LIKED, 0
    for profile in profiles:
        said = _telling(" ".join((profile.topic, *(item.title for item in profile.examples))))
        exact = sum(bool(index.places(wish)) for wish, _ in profile.wishes)
        found = len(shown & said) + EXACT * exact
        if found > most:
            best, most = profile.name, found
    return best


def _telling(text: str) -> set[str]:
    return {word for word in words(text) if word not in STOP_WORDS}


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
        examples=tuple(items),
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


def _weighed(feedback: Sequence[Feedback], settings: Settings) -> tuple[Weighed, Weighed]:
    """Part feedback in liked and disliked.

    Each is weighed by its age beside the newest verdict.
    """
    if not feedback:
        return NONE, NONE
    by_age = sorted(feedback, key=attrgetter("at"))
    newest = by_age[-1].at
    contents = [content_key(verdict.item) for verdict in by_age]
    if _all_differ(by_age, contents):
        words = [verdict.verdict for verdict in by_age]
        if by_age[0].at == newest and words.count(Verdict.MORE) == len(words):
            return Weighed(by_age, (1.0,) * len(words), contents), NONE
    else:
        by_age, words = _last_words(by_age)
        contents = [content_key(verdict.item) for verdict in by_age]
    liked: list[_Row] = []
    disliked: list[_Row] = []
    for verdict, word, content in zip(by_age, words, contents, strict=True):
        weight = 1.0 if verdict.at == newest else _faded(newest - verdict.at, settings)
        if word is SAVE:
            weight *= settings.save
        (disliked if word is LESS else liked).append((verdict, weight, content))
    return _columns(liked), _columns(disliked)


def _all_differ(verdicts: Sequence[Feedback], contents: Sequence[tuple[object, ...]]) -> bool:
    """True if none is of an item told twice: each has a title, or else keys, of its own."""
    count = len(verdicts)
    # Titles, the first of a content, have been read by now.
    if len(set(map(itemgetter(0), contents))) == count:
        return True
    return len(set(map(attrgetter("item.keys"), verdicts))) == count


def _last_words(by_age: Sequence[Feedback]) -> tuple[list[Feedback], list[Verdict]]:
    """Give what was said of each content, and what of its item at last.

    An item judged again after it was rewritten has its newest verdict, and says what it said
    each time.
    """
    last = {(v.item.keys, v.item.title): v.verdict for v in by_age}
    said = {(v.item.keys, content_key(v.item)): v for v in by_age}.values()
    return list(said), [last[v.item.keys, v.item.title] for v in said]


def _faded(age: timedelta, settings: Settings) -> float:
    fresh = 1.0 - settings.feedback_floor
    return float(settings.feedback_floor + fresh * 0.5 ** (age / settings.half_life))
