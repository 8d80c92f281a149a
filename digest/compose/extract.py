"""The most telling sentences of an abstract for one reader: chosen, never written.

A sentence ends only where the next one begins: not inside TeX, numbers, names or
abbreviations.  Nothing is put together from parts, and a cut is always shown.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from digest.text import fold, one_line

# Longer than three lines at the mail's width; two ordinary sentences of an abstract fit.
ROOM = 300
# Three times the longest abstract; what comes after is not read, so hostile text costs little.
TEXT_ROOM = 6_000
ELLIPSIS = "…"
# Words that are kept of a text.
KEPT_OF_A_TEXT = 512

Held: TypeAlias = tuple[tuple[int, ...], int]
"""The sentences of a text that hold a word, and what the word is worth."""

GAP = len(f" {ELLIPSIS} ")

# A full stop after one of these ends no sentence (compared without their own full stops).
ABBREVIATION = re.compile(
    r"(?:al|approx|art|ca|cf|ch|chap|col|dr|eds?|eg|eqn?s?|et|ex|figs?|i|ie|lem"
    r"|max|min|mrs?|ms|nos?|nr|op|pp?|prof|prop|refs?|secs?|sects?|st|suppl|tabs?|thm|vol"
    r"|vs|viz|wrt)"
)
# "U.S." and "J." alike; a theorem "A." that ends a sentence is rarer.
INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
# What may close a sentence after its stop, as a quotation does.
END = re.compile(r"""[.!?]+["'”’)\]}]*(?=\s)|[。！？]+["”’）」』]*""")
WIDE_STOPS = "。！？"
TEX = re.compile(r"\$\$.*?\$\$|\$[^$\n]{1,300}\$|\\\(.*?\\\)|\\\[.*?\\\]|https?://\S+", re.DOTALL)
# The verbs by which authors say what is theirs; such a sentence tells more than the setting.
CLAIM = re.compile(
    r"\b(?:we|this (?:paper|work|article|study|report|survey)|our (?:method|approach|model|results?"
    r"|experiments?|framework|system|key|work|main))\b.{0,60}?\b(?:propose|introduce|present|show"
    r"|develop|demonstrate|prove|find|release|achieve|provide|describe|study|investigate|establish"
    r"|outperform|reveal|derive)",
    re.IGNORECASE | re.DOTALL,
)


def sentences(text: str) -> tuple[str, ...]:
    """Split text into its sentences, made clean; joined by blanks they are the text again."""
    text = one_line(text, TEXT_ROOM)
    closed = [match.span() for match in TEX.finditer(text)]
    found: list[str] = []
    start = 0
    for match in END.finditer(text):
        inside = any(first < match.end() - 1 and match.start() < last - 1 for first, last in closed)
        if inside or not _ends_sentence(text, start, match):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    rest = text[start:].strip()
    return (*found, rest) if rest else tuple(found)


def telling_sentences(text: str, words: tuple[str, ...], room: int = ROOM) -> str:
    """Choose the sentences that say most to a reader, in their own order.

    First comes the one with most of the words; then what adds further words, and what
    follows a chosen one, while there is room.  Where no sentence has any of the words, the
    authors' claim is chosen, else the beginning.

    Args:
        text: such as an abstract.
        words: words and phrases that the item was found by; one text may hold several,
            apart by commas.
        room: characters; only a first sentence that is longer itself is cut, at a word.

    Returns:
        sentences of *text*, gaps between them shown by "…"; "" for empty text.
    """
    extract = shown_sentences(text, _choice(text, words, room), room)
    if extract.endswith(ELLIPSIS):
        return _around_a_word(text, words, extract, room)
    return extract


def chosen_sentences(text: str, words: tuple[str, ...], room: int = ROOM) -> tuple[int, ...] | None:
    """Give the places of the sentences that `telling_sentences` chooses, from 0.

    None if more is to be said than these: it would cut a sentence, which depends on the words.
    """
    chosen = _choice(text, words, room)
    is_cut = len(chosen) == 1 and len(_read(text).parts[chosen[0]]) > room
    return None if is_cut else chosen


def shown_sentences(text: str, chosen: tuple[int, ...], room: int = ROOM) -> str:
    """Give sentences by their places as they are shown; places past the end are passed over."""
    parts = _read(text).parts
    known = [place for place in chosen if place < len(parts)]
    return _joined(parts, known, room) if known else ""


def _choice(text: str, words: tuple[str, ...], room: int) -> tuple[int, ...]:
    read = _read(text)
    if not read.parts:
        return ()
    held = read.held
    found: dict[str, Held] = {}
    for value in words:
        for word in _apart(value):
            if places := held[word] if word in held else read.look_up(word):
                found[word] = places
    # Readers have many words, but a text has few sentences that hold any of them.
    return _chosen(text, tuple(sorted(found.values())), room)


@lru_cache(maxsize=16384)
def _apart(value: str) -> tuple[str, ...]:
    return tuple([word.strip() for word in value.split(",")])


@lru_cache(maxsize=65536)
def _chosen(text: str, found: tuple[Held, ...], room: int) -> tuple[int, ...]:
    """Choose sentences for words, each known by those that hold it and what it is worth."""
    read = _read(text)
    parts, claims = read.parts, read.claims
    # Which words a sentence holds (a bit for each), and what it is worth.
    held: dict[int, int] = {}
    worths: dict[int, int] = {}
    bit = 1
    for places, worth in found:
        for place in places:
            held[place] = held.get(place, 0) | bit
            # A phrase tells more than a word of it does elsewhere.
            worths[place] = worths.get(place, 0) + worth
        bit <<= 1
    if held:
        place = -max([(worth, claims[place], -place) for place, worth in worths.items()])[2]
    else:
        place = claims.index(True) if True in claims else 0
    chosen, known = {place}, held.pop(place, 0)
    left = room - len(parts[place]) - GAP
    following = {place + 1}
    while True:
        # What adds a word comes before whatever follows a chosen sentence and adds none.
        fitting = [
            (added, claims[place], -place)
            for place, words in held.items()
            if (added := (words & ~known).bit_count()) and len(parts[place]) <= left
        ] or [
            (0, claims[place], -place)
            for place in following
            if place < len(parts) and len(parts[place]) <= left
        ]
        if not fitting:
            return tuple(sorted(chosen))
        place = -max(fitting)[2]
        chosen.add(place)
        known |= held.pop(place, 0)
        left -= len(parts[place]) + GAP
        following.discard(place)
        if place + 1 not in chosen:
            following.add(place + 1)


class _Read:
    """A text as it was read once.

    Attributes:
        parts: its sentences; folded: the same for comparison; claims: which ones claim.
        held: for each word that was looked up, the sentences that hold it and what it is
            worth; None where none does.
    """

    def __init__(self, text: str) -> None:
        self.parts = sentences(text)
        self.folded = tuple(f" {fold(part)}" for part in self.parts)
        self.claims = tuple(bool(CLAIM.search(part)) for part in self.parts)
        self.held: dict[str, Held | None] = {}

    def look_up(self, word: str) -> Held | None:
        """Find the sentences that hold a word: "embedding" is in "embeddings" as well."""
        sought = _sought(word)
        places = [place for place, part in enumerate(self.folded) if sought and sought in part]
        found = (tuple(places), word.count(" ") + 1) if places else None
        if len(self.held) >= KEPT_OF_A_TEXT:
            self.held.clear()
        self.held[word] = found
        return found


_read = lru_cache(maxsize=4096)(_Read)


@lru_cache(maxsize=16384)
def _sought(word: str) -> str:
    """Give what stands in a folded sentence that holds a word; "" for no word at all.

    A word begins after a blank; in scripts without blanks it may begin anywhere.
    """
    sought = fold(word)
    return sought if not sought or sought > "\u2e7f" else f" {sought}"


def _joined(parts: Sequence[str], chosen: Sequence[int], room: int) -> str:
    if len(chosen) == 1:
        return cut(parts[chosen[0]], room)
    text = parts[chosen[0]]
    for before, place in pairwise(chosen):
        close = "" if text.endswith(tuple(WIDE_STOPS)) else " "
        text += close if place == before + 1 else f" {ELLIPSIS} "
        text += parts[place]
    return text


def _around_a_word(text: str, words: Sequence[str], extract: str, room: int) -> str:
    """Cut a long sentence so that it shows one of the words, where its beginning shows none."""
    read = _read(text)
    apart = {word for value in words for word in _apart(value)}
    parts, folded = read.parts, read.folded
    head = extract.removesuffix(ELLIPSIS)
    place = next((place for place, part in enumerate(parts) if part.startswith(head)), None)
    wanted = [_sought(word) for word in sorted(apart, key=len, reverse=True) if word]
    if place is None or any(one and one in f" {fold(extract)}" for one in wanted):
        return extract
    sought = next((one for one in wanted if one and one in folded[place]), "")
    if not sought:
        return extract
    part = parts[place]
    starts = [match.start() for match in re.finditer(r"(?<!\S)\S", part)]
    past = bisect_left(starts, 1, key=lambda start: sought not in f" {fold(part[start:])}")
    # What leads to the word says what it is about; what follows it is cut.
    least = starts[max(past - 1, 0)] - room // 2
    start = next(start for start in starts if start >= least)
    for match in TEX.finditer(part):
        if match.start() < start < match.end():
            start = match.start()
    shown = f"{ELLIPSIS} {cut(part[start:], room - GAP)}"
    return shown if start and sought in f" {fold(shown)}" else extract


def cut(text: str, room: int) -> str:
    """Shorten text to *room* characters at the end of a word, outside TeX and addresses."""
    if len(text) <= room:
        return text
    end = room - 1
    # Most text holds none of it, and to look for it takes longer than all the rest.
    if "$" in text or "\\" in text or "://" in text:
        for match in TEX.finditer(text):
            if match.start() < end < match.end():
                end = match.start()
    head = text[:end]
    if not text[end].isspace() and not head.endswith(" ") and " " in head.strip():
        head = head[: head.rindex(" ")]
    # With no blank in reach (Chinese, or one endless word) the cut falls where it must.
    return (head.rstrip(" ,;:–-(") or text[: room - 1]) + ELLIPSIS


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Say whether a stop really ends the sentence that began at *start*."""
    if match[0][0] in WIDE_STOPS:
        return True
    following = text[match.end() :].lstrip()
    if match[0][0] != ".":
        # "?" within a sentence, as in a quoted question, goes on in lower case.
        return not following[:1].islower()
    if following[:1].islower():
        return False
    last = text[start : match.start()].rsplit(None, 1)[-1:]
    word = last[0].lstrip("([{\"'“‘") if last else ""
    return not (INITIALS.fullmatch(word) or ABBREVIATION.fullmatch(word.replace(".", "").lower()))
