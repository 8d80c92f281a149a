"""What a mail says of a pick: the reasons that it names, and the sentences that it shows.

Both are chosen when the digest is composed, and kept with it: so every attempt says the same,
whatever version of the program makes it, and nothing is left to choose when the mail goes out.
"""

from collections.abc import Sequence

from digest.compose import wording
from digest.compose.extract import chosen_sentences, shown_sentences, telling_sentences
from digest.model import Item, Pick, Reason, ReasonKind

# Looked up once: an enumeration's members are slow to reach, and each mail asks for many.
KEYWORD, TOPIC, POPULARITY = ReasonKind.KEYWORD, ReasonKind.TOPIC, ReasonKind.POPULARITY


def said_first(reasons: Sequence[Reason]) -> tuple[tuple[Reason, ...], int]:
    """Put reasons in order of weight; popularity speaks only where nothing else does.

    A keyword that the topic holds as well is said once.

    Returns:
        all the reasons, those that are said at the head; how many these are.
    """
    telling = [one for one in reasons if one.kind is not POPULARITY]
    said: dict[str, Reason] = {}
    for one in sorted(telling or reasons, key=_weight):
        said.setdefault(one.value.casefold(), one)
    head = tuple(said.values())
    return (*head, *[one for one in reasons if not any(one is other for other in head)]), len(head)


def said_reasons(pick: Pick) -> tuple[Reason, ...]:
    """Give the reasons that are named, the weightiest first."""
    reasons, said = pick.reasons, pick.said
    if said is None:
        reasons, said = said_first(reasons)
    return reasons[: min(said, wording.REASONS_SHOWN)]


def sentences_for(item: Item, reasons: Sequence[Reason]) -> tuple[int, ...] | None:
    """Choose the sentences of an item's summary by the reasons for it; see `chosen_sentences`."""
    return chosen_sentences(item.summary, _matched_words(reasons))


def summary_of(pick: Pick) -> str:
    """Give what is shown of an item's summary: a machine-made one where the source has it."""
    item = pick.item
    if item.ai_summary:
        return telling_sentences(item.ai_summary, ())
    if pick.sentences is None:
        return telling_sentences(item.summary, _matched_words(pick.reasons))
    return shown_sentences(item.summary, pick.sentences)


def _matched_words(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """Give the values of the reasons that are words of the item, in the order of *reasons*."""
    return tuple([one.value for one in reasons if one.share > 0 and one.kind in (KEYWORD, TOPIC)])


def _weight(reason: Reason) -> float:
    return -abs(reason.share)
