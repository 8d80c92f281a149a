"""What a mail says of a pick: the reasons that it names, and the sentences that it shows.

Both are chosen when the digest is composed, and kept with it: so every attempt says the same,
whatever version of the program makes it, and nothing is left to choose when the mail goes out.
"""

from collections.abc import Sequence

from digest.compose import wording
from digest.compose.extract import chosen_sentences, shown_sentences, telling_sentences
from digest.model import Item, Pick, Reason, ReasonKind, Said

# Looked up once: an enumeration's members are slow to reach, and each mail asks for many.
KEYWORD, TOPIC, POPULARITY = ReasonKind.KEYWORD, ReasonKind.TOPIC, ReasonKind.POPULARITY


def said_of(reasons: Sequence[Reason]) -> tuple[Said, ...]:
    """Choose the reasons to name, the weightiest first.

    Popularity speaks only where nothing else does; a keyword that the topic holds as well is
    said once.
    """
    telling = [one for one in reasons if one.kind is not POPULARITY]
    said: dict[str, Said] = {}
    for one in sorted(telling or reasons, key=_weight):
        said.setdefault(one.value.casefold(), (one.kind.value, one.value))
    return tuple(said.values())[: wording.REASONS_SHOWN]


def said_reasons(pick: Pick) -> tuple[Said, ...]:
    """Give the reasons to name, chosen when the digest was composed or else now."""
    return said_of(pick.reasons) if pick.said is None else pick.said


def sentences_for(item: Item, reasons: Sequence[Reason]) -> tuple[int, ...] | None:
    """Choose the sentences of an item's summary by the reasons for it; see `chosen_sentences`.

    None are chosen of an item whose machine-made summary is shown: it is the same for everybody.
    """
    if item.ai_summary:
        return ()
    return chosen_sentences(item.summary, matched_words(reasons))


def summary_of(pick: Pick) -> str:
    """Give what is shown of a pick's summary; see `summary_by`."""
    if pick.sentences is None and not pick.item.ai_summary:
        return telling_sentences(pick.item.summary, matched_words(pick.reasons))
    return summary_by(pick.item, pick.sentences or ())


def summary_by(item: Item, sentences: tuple[int, ...]) -> str:
    """Give chosen sentences of an item's summary; a machine-made one where the source has it."""
    if item.ai_summary:
        return telling_sentences(item.ai_summary, ())
    return shown_sentences(item.summary, sentences)


def matched_words(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """Give the values of the reasons that are words of the item, in the order of *reasons*."""
    return tuple([one.value for one in reasons if one.share > 0 and one.kind in (KEYWORD, TOPIC)])


def _weight(reason: Reason) -> float:
    return -abs(reason.share)
