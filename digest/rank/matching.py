"""Exact matches: the keywords, names, organisations and categories that readers state.

A day's items are indexed once; every distinct wish of a batch of readers is looked up once,
however many readers share it.
"""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from digest.model import Described
from digest.rank.words import STOP_WORDS, item_text, placed_words, words


class Field(StrEnum):
    """Where a wish is looked for."""

    TEXT = "text"
    AUTHOR = "author"
    ORGANISATION = "organisation"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Mentions:
    """How an item shows a phrase.

    Attributes:
        times: in title, summary and keywords together; 0 = it does not.
        prominent: the title or the item's own keywords show it.
    """

    times: int
    prominent: bool

    @property
    def aboutness(self) -> float:
        """1.0 for one mention in passing, towards 2.0 for an item that is about it."""
        said = self.times + self.prominent
        return 2.0 * said / (said + 1.0)


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing a reader states: a phrase in the text, a name, a category.

    Attributes:
        value: as the reader wrote it; in TEXT a final `*` stands for any ending.
    """

    field: Field
    value: str


class Index:
    """A day's n items, for looking up wishes; each kind is prepared when first asked for."""

    def __init__(self, items: Sequence[Described]) -> None:
        self._items = items
        self._readings: dict[int, _Reading] = {}

    @cached_property
    def _padded(self) -> list[str]:
        """Every item's folded words, apart by single blanks, with blanks around."""
        return [f" {' '.join(words(item_text(item)))} " for item in self._items]

    @cached_property
    def _headings(self) -> list[str]:
        """Likewise titles and keywords alone."""
        headings = (". ".join((item.title, *item.keywords)) for item in self._items)
        return [f" {' '.join(words(heading))} " for heading in headings]

    @cached_property
    def _by_word(self) -> dict[str, list[int]]:
        by_word: dict[str, list[int]] = defaultdict(list)
        for place, padded in enumerate(self._padded):
            for word in dict.fromkeys(padded.split()):
                by_word[word].append(place)
        return by_word

    @cached_property
    def _vocabulary(self) -> list[str]:
        return sorted(self._by_word)

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[int, list[str]]]]:
        by_name: dict[str, list[tuple[int, list[str]]]] = defaultdict(list)
        for place, item in enumerate(self._items):
            for name in filter(None, map(name_parts, item.authors)):
                by_name[name[-1]].append((place, name))
        return by_name

    @cached_property
    def _by_category(self) -> dict[str, list[int]]:
        by_category: dict[str, list[int]] = defaultdict(list)
        for place, item in enumerate(self._items):
            for category in {c.casefold() for c in item.categories}:
                for whole in _with_parents(category):
                    by_category[whole].append(place)
        return by_category

    @cached_property
    def _organisations(self) -> list[str]:
        return [f" {' '.join(words(item.organisation or ''))} " for item in self._items]

    def places(self, wish: Wish) -> list[int]:
        """Find the items that show a wish, in order, each once."""
        if wish.field is Field.TEXT:
            return self._with_phrase(wish.value)
        if wish.field is Field.AUTHOR:
            wanted = name_parts(wish.value)
            candidates = self._by_name.get(wanted[-1], []) if wanted else []
            return sorted({place for place, name in candidates if same_name(wanted, name)})
        if wish.field is Field.CATEGORY:
            category = wish.value.strip().casefold().removesuffix("*").removesuffix(".")
            return sorted(set(self._by_category.get(category, [])))
        phrase = " ".join(words(wish.value))
        if not phrase:
            return []
        return [n for n, name in enumerate(self._organisations) if f" {phrase} " in name]

    def mentions(self, wish: Wish, place: int) -> Mentions:
        """Say how an item shows a phrase; neighbours that are the same word count once."""
        phrase, open_ended = read_phrase(wish.value)
        if not phrase:
            return Mentions(0, prominent=False)
        sought = _sought(phrase, open_ended=open_ended)
        return Mentions(self._padded[place].count(sought), sought in self._headings[place])

    def spelled(self, wish: Wish, place: int) -> str:
        """Give a matched wish as the item itself spells it."""
        item = self._items[place]
        if wish.field is Field.TEXT:
            return self._reading(place).spelling(wish.value) or wish.value
        if wish.field is Field.AUTHOR:
            wanted = name_parts(wish.value)
            shown = (a for a in item.authors if same_name(wanted, name_parts(a)))
            return next(shown, wish.value)
        if wish.field is Field.ORGANISATION:
            return item.organisation or wish.value
        category = wish.value.strip().casefold().removesuffix("*").removesuffix(".")
        shown = (c for c in item.categories if category in _with_parents(c.casefold()))
        return next(shown, wish.value)

    def shared(self, text: str, place: int) -> list[str]:
        """Give the telling words of a text that an item shows, as the item spells them.

        What stands together without a blank, as Chinese does, is given together.
        """
        reading = self._reading(place)
        found = sorted(reading.first[word] for word in _telling(text) if word in reading.first)
        runs: list[tuple[int, int]] = []
        for position in found:
            if runs and reading.touches(runs[-1][1], position):
                runs[-1] = runs[-1][0], position
            else:
                runs.append((position, position))
        return [reading.spelled(*run) for run in runs]

    def _reading(self, place: int) -> "_Reading":
        """Read an item for its spelling when a reason first needs it: most are never picked."""
        reading = self._readings.get(place)
        if reading is None:
            reading = self._readings[place] = _Reading.of(self._items[place])
        return reading

    def _with_phrase(self, value: str) -> list[int]:
        phrase, open_ended = read_phrase(value)
        if not phrase:
            return []
        exact = phrase[:-1] if open_ended else phrase
        candidates: set[int] | None = None
        for word in exact:
            found = set(self._by_word.get(word, ()))
            candidates = found if candidates is None else candidates & found
            if not candidates:
                return []
        if candidates is None:
            candidates = set(self._beginning_with(phrase[-1]))
        if len(phrase) > 1:
            sought = _sought(phrase, open_ended=open_ended)
            candidates = {place for place in candidates if sought in self._padded[place]}
        return sorted(candidates)

    def _beginning_with(self, start: str) -> Iterable[int]:
        for word in self._vocabulary[bisect.bisect_left(self._vocabulary, start) :]:
            if not word.startswith(start):
                return
            yield from self._by_word[word]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The words of one item's text in order.

    Attributes:
        text: as it was read; `spans` says where in it each word stands.
        folded: each word folded.
        first: where each folded word first stands.
    """

    text: str
    folded: list[str]
    spans: list[tuple[int, int]]
    first: dict[str, int]

    @classmethod
    def of(cls, item: Described) -> "_Reading":
        text, placed = placed_words(item_text(item))
        first: dict[str, int] = {}
        for position, (folded, _, _) in enumerate(placed):
            first.setdefault(folded, position)
        spans = [(start, end) for _, start, end in placed]
        return cls(text, [folded for folded, _, _ in placed], spans, first)

    def spelled(self, first: int, last: int) -> str:
        """Give the words from one to another as the item has them, on one line."""
        return " ".join(self.text[self.spans[first][0] : self.spans[last][1]].split())

    def touches(self, one: int, other: int) -> bool:
        """True if no sign stands between two words that follow each other."""
        return other == one + 1 and self.spans[one][1] == self.spans[other][0]

    def spelling(self, value: str) -> str | None:
        """Give the item's own spelling of a keyword; None where it does not stand there."""
        phrase, open_ended = read_phrase(value)
        if not phrase:
            return None
        exact, last = phrase[:-1], phrase[-1]
        # Only a phrase of one open word can begin with a word that is not in it.
        begin = self.first.get(phrase[0], len(self.folded)) if exact or not open_ended else 0
        for start in range(begin, len(self.folded) - len(exact)):
            end = start + len(exact)
            word = self.folded[end]
            agrees = word.startswith(last) if open_ended else word == last
            if agrees and tuple(self.folded[start:end]) == exact:
                return self.spelled(start, end)
        return None


@lru_cache(maxsize=10_000)
def _telling(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if word not in STOP_WORDS)


@lru_cache(maxsize=10_000)
def read_phrase(value: str) -> tuple[tuple[str, ...], bool]:
    """Read a keyword as (folded words, open-ended): `graph*` is (("graph",), True)."""
    bare = value.strip().strip("\"'“”„«»").strip()
    open_ended = bare.endswith("*")
    return tuple(words(bare)), open_ended


def _sought(phrase: Sequence[str], *, open_ended: bool) -> str:
    """Give a phrase as it stands among folded words that single blanks part."""
    return f" {' '.join(phrase)}" + ("" if open_ended else " ")


def name_parts(name: str) -> list[str]:
    """Fold a person's name, family name last: "LeCun, Yann" is ["yann", "lecun"]."""
    family, comma, given = name.partition(",")
    return words(f"{given} {family}") if comma else words(name)


def same_name(one: Sequence[str], other: Sequence[str]) -> bool:
    """True if two names may be one person: family names equal, first names not at odds.

    An initial agrees with a name that begins with it; a missing middle name agrees.
    """
    if not one or not other or one[-1] != other[-1]:
        return False
    if len(one) == 1 or len(other) == 1:
        return len(one) == len(other)
    first, second = one[0], other[0]
    shorter = min(len(first), len(second))
    return first == second or (shorter == 1 and first[0] == second[0])


def _with_parents(category: str) -> list[str]:
    """Give a category with the groups above it: "cs.lg" stands in "cs" too."""
    parts = category.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]
