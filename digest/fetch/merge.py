"""Joining what several sources say of one work, so that richer data wins over poorer.  Pure.

Nothing known is ever erased.  A newer version replaces title, abstract and authors; without
one the longer abstract and the longer list of authors stand, so that two sources that differ
cannot take turns.  Counts take the newest value; keys are united, most trusted first.
"""

from dataclasses import fields, replace
from datetime import date
from typing import Any

from digest.model import Announcement, Described, Item, Links
from digest.text import fold

TRUST = ("arxiv:", "doi:", "guid:", "link:", "title:")
MAX_KEYWORDS = 50


def merge(item: Item, announcement: Announcement, *, by_owner: bool = False) -> Item:
    """Give the item with what an announcement adds to it.

    Instants, sources and eligibility stay as they are.

    Args:
        by_owner: the announcement comes from the source that showed the item first, so that
            its changes of unversioned text are revisions, not another rendering.
    """
    is_newer = _is_newer(announcement, item)
    return replace(
        item,
        **_joined(item, announcement, by_owner=by_owner),
        withdrawn=announcement.withdrawn or (item.withdrawn and not is_newer),
    )


def join_announcements(first: Announcement, second: Announcement) -> Announcement:
    """Make one announcement of two in the same listing: strongest kind, richest data."""
    return replace(
        first,
        **_joined(first, second),
        announce=max(first.announce, second.announce, key=lambda kind: kind.strength),
        announced_on=first.announced_on or second.announced_on,
        withdrawn=first.withdrawn or second.withdrawn,
    )


def join_items(first: Item, second: Item) -> Item:
    """Make one item of two stored ones; the id and the first sight of the older one stay."""
    older, younger = sorted((first, second), key=lambda item: (item.first_seen_at, item.id))
    eligible = [item.eligible_at for item in (older, younger) if item.eligible_at]
    revised = [item.revised_at for item in (older, younger) if item.revised_at]
    return replace(
        older,
        **_joined(older, younger),
        eligible_at=min(eligible, default=None),
        revised_at=max(revised, default=None),
        withdrawn=older.withdrawn or younger.withdrawn,
        sources=_united(older.sources, younger.sources),
    )


def is_revised(before: Described, after: Described) -> bool:
    """Tell a real change of title, abstract or version from learning more of the same text.

    Case, punctuation, white space and a cut-off end do not count.
    """
    title_before, title_after = _letters(before.title), _letters(after.title)
    summary_before, summary_after = _letters(before.summary), _letters(after.summary)
    return (
        title_before != title_after
        or not summary_after.startswith(summary_before)
        or _is_newer(after, before)
    )


def unite_keys(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Unite keys in the order of trust; of equal trust the first ones come first."""
    rank = {prefix: place for place, prefix in enumerate(TRUST)}
    return tuple(sorted(_united(first, second), key=lambda key: rank[key.partition(":")[0] + ":"]))


# --- one field at a time ----------------------------------------------------------------


def _joined(known: Described, added: Described, *, by_owner: bool = False) -> dict[str, Any]:
    """Decide each field that both describe; the result is a set of changes for `replace`."""
    is_newer = _is_newer(added, known)
    is_outdated = known.version is not None and (added.version or 0) < known.version
    is_poorer = bool(known.authors) and not added.authors
    learned_version = known.version is None and added.version is not None
    is_richer = bool(added.authors) and not known.authors
    # The owner's word counts where it is no older and no poorer than what is known.
    is_owners = by_owner and not is_outdated and not is_poorer
    takes_text = is_newer or is_owners
    takes_title = takes_text or (not is_outdated and (learned_version or is_richer))

    def replaces(value: str | tuple[str, ...], old: str | tuple[str, ...]) -> bool:
        is_longer = not is_outdated and len(value) > len(old)
        return bool(value) and (takes_text or is_longer or not old)

    authors = added.authors if replaces(added.authors, known.authors) else known.authors
    summary = added.summary if replaces(added.summary, known.summary) else known.summary
    counts = (len(authors), added.author_count if takes_title else None, known.author_count)
    return {
        "keys": unite_keys(known.keys, added.keys),
        "title": added.title if takes_title else known.title,
        "summary": summary,
        "authors": authors,
        "author_count": max(filter(None, counts), default=added.author_count),
        "organisation": known.organisation or added.organisation,
        "categories": _united(known.categories, added.categories),
        "keywords": _united(known.keywords, added.keywords)[:MAX_KEYWORDS],
        "links": _filled(known.links, added.links),
        "thumbnail": known.thumbnail or added.thumbnail,
        **_published(known, added),
        "version": max(filter(None, (known.version, added.version)), default=None),
        "upvotes": known.upvotes if added.upvotes is None else added.upvotes,
        "comments": known.comments if added.comments is None else added.comments,
        "ai_summary": added.ai_summary or known.ai_summary,
        "language": known.language or added.language,
    }


def _published(known: Described, added: Described) -> dict[str, date | bool | None]:
    """Keep the first date that was read; one that was concluded gives way to it."""
    concluded = known.published_on is None or known.published_on_inferred
    source = added if concluded and added.published_on else known
    if known.published_on and added.published_on_inferred:
        source = known
    return {
        "published_on": source.published_on,
        "published_on_inferred": source.published_on_inferred,
    }


def _filled(known: Links, added: Links) -> Links:
    names = (field.name for field in fields(Links))
    return Links(**{name: getattr(known, name) or getattr(added, name) for name in names})


def _united(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _is_newer(one: Described, other: Described) -> bool:
    return one.version is not None and other.version is not None and one.version > other.version


def _letters(text: str) -> str:
    # Renderings lose and add spaces beside highlighted words, so letters alone are compared.
    return fold(text).replace(" ", "")
