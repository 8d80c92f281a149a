"""What is new in a listing, held against the store's items.  Pure.

An announcement meets an item where they share a key, unless they contradict each other: two
arXiv ids, two DOIs of one registrar, two guids or pages of one source, or under one title
another abstract or other authors.  The most trusted kind of key of which both have one
decides.  Whether an item is news is decided here, once: `eligible_at` is set, or stays None.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from functools import reduce

from digest.fetch.merge import is_revised, join_announcements, join_items, merge
from digest.identity import opening
from digest.model import (
    Announce,
    Announcement,
    Change,
    ChangeKind,
    Described,
    Item,
    Listing,
    Source,
)
from digest.text import fold

# Enough names to find one in common; a collaboration may have 3,000.
MAX_COMPARED_AUTHORS = 50
# Announcements of a work's first appearance; a replacement never makes a known item news.
FIRST_ANNOUNCES = (Announce.NEW, Announce.CROSS_LIST)

_DESCRIBED = tuple(field.name for field in fields(Described))


def diff(
    listing: Listing,
    source: Source,
    stored: Mapping[str, Item],
    *,
    now: datetime,
    baseline: bool,
    new_id: Callable[[], str],
) -> list[Change]:
    """Find what a listing changes, one change for each work, in the listing's order.

    Args:
        stored: key -> item, for every key of the listing that the store knows.
        baseline: the source's first listing; only its `backlog` newest items are news.
        new_id: makes the id of a new item.
    """
    works = _works(listing.announcements, source, stored)
    news = [work for work in works if work.announcement.announce in source.announce]
    if baseline:
        news = sorted(news, key=_newest_first)[: source.backlog]
    is_news = frozenset(news).__contains__
    return [
        _change(work, source, now=now, baseline=baseline, is_news=is_news(work), new_id=new_id)
        for work in works
    ]


# --- which announcements and items are one work -----------------------------------------


@dataclass(slots=True, eq=False)
class _Work:
    """What of one listing and of the store is one work."""

    announcement: Announcement
    items: list[Item] = field(default_factory=list)

    def takes(self, other: Described, source: Source) -> bool:
        """Tell whether nothing known of the work contradicts *other*."""
        known = (self.announcement, *self.items)
        return not any(_contradict(described, other, source) for described in known)


def _works(
    announcements: Iterable[Announcement], source: Source, stored: Mapping[str, Item]
) -> list[_Work]:
    """Group announcements and stored items into works; each key then belongs to one work."""
    works: list[_Work] = []
    work_by_key: dict[str, _Work] = {}
    work_by_item_id: dict[str, _Work] = {}
    for announcement in announcements:
        items = [stored[key] for key in announcement.keys if key in stored]
        met = [work_by_key.get(key) for key in announcement.keys]
        met += [work_by_item_id.get(item.id) for item in items]
        work = next((work for work in met if work and work.takes(announcement, source)), None)
        if work:
            work.announcement = join_announcements(work.announcement, announcement)
        else:
            work = _Work(announcement)
            works.append(work)
        for item in items:
            if item.id not in work_by_item_id and work.takes(item, source):
                work.items.append(item)
                work_by_item_id[item.id] = work
        for key in announcement.keys:
            if key not in stored or work_by_item_id.get(stored[key].id) is work:
                work_by_key.setdefault(key, work)
    for work in works:
        own = tuple(key for key in work.announcement.keys if work_by_key.get(key) is work)
        work.announcement = replace(work.announcement, keys=own)
    # One whose every key belongs to others stands there already.
    return [work for work in works if work.announcement.keys]


def _contradict(one: Described, other: Described, source: Source) -> bool:
    """Tell whether two descriptions that share a key must be of two works all the same."""
    for prefix in _namespaces(one, other, source):
        ours, theirs = _keys_under(prefix, one), _keys_under(prefix, other)
        if ours and theirs:
            return not ours & theirs
    if _keys_under("link:", one) & _keys_under("link:", other):
        return False
    # Only a title is left.  One opening proves it; two of them need an author in common.
    our_opening, their_opening = opening(one.summary), opening(other.summary)
    our_names, their_names = _names(one), _names(other)
    if our_opening and their_opening:
        return our_opening != their_opening and not our_names & their_names
    return bool(our_names and their_names) and not our_names & their_names


def _namespaces(one: Described, other: Described, source: Source) -> Iterator[str]:
    """Give the prefixes under which a work has one key, most trusted first."""
    yield "arxiv:"
    for key in one.keys:
        if key.startswith("doi:"):
            yield key.partition("/")[0] + "/"  # one registrar; a journal's DOI is another's
    yield f"guid:{source.name}:"
    if all(source.name in getattr(x, "sources", (source.name,)) for x in (one, other)):
        yield "link:"


def _keys_under(prefix: str, described: Described) -> set[str]:
    return {key for key in described.keys if key.startswith(prefix)}


def _names(described: Described) -> set[str]:
    """Give the words of the authors' names; initials say too little."""
    words = fold(" ".join(described.authors[:MAX_COMPARED_AUTHORS])).split()
    return {word for word in words if len(word) > 1 or not word.isascii()}


# --- what a work's announcement changes -------------------------------------------------


def _newest_first(work: _Work) -> int:
    """Give what sorts works newest first; those of one day keep the listing's order."""
    announcement = work.announcement
    return -(announcement.announced_on or announcement.published_on or date.min).toordinal()


def _change(
    work: _Work,
    source: Source,
    *,
    now: datetime,
    baseline: bool,
    is_news: bool,
    new_id: Callable[[], str],
) -> Change:
    announcement = work.announcement
    is_news = is_news and not announcement.withdrawn
    if not work.items:
        item = Item(
            **{name: getattr(announcement, name) for name in _DESCRIBED},
            id=new_id(),
            first_seen_at=now,
            eligible_at=now if is_news else None,
            withdrawn=announcement.withdrawn,
            sources=(source.name,),
        )
        return Change(kind=ChangeKind.NEW, item=item, announcement=announcement)

    known = reduce(join_items, work.items)
    previous = next(item for item in work.items if item.id == known.id)
    item = merge(known, announcement, by_owner=known.sources[:1] == (source.name,))
    is_first_of_source = source.name not in known.sources
    # A source that skipped an item in its baseline does not make it news by showing it on.
    becomes_news = is_news and not baseline and is_first_of_source and not item.withdrawn
    becomes_news = becomes_news and announcement.announce in FIRST_ANNOUNCES
    revised = is_revised(previous, item)
    item = replace(
        item,
        eligible_at=item.eligible_at or (now if becomes_news else None),
        revised_at=now if revised else item.revised_at,
        sources=tuple(dict.fromkeys((*known.sources, source.name))),
    )
    return Change(
        kind=ChangeKind.REVISED if revised else ChangeKind.SEEN,
        item=item,
        announcement=announcement,
        previous=previous,
        merged_ids=tuple(item.id for item in work.items if item.id != known.id),
    )
