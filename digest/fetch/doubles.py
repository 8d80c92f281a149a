"""Items of one feed that share a guid: one item shown twice, or two under one name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from digest.identity import keys
from digest.model import Announcement, Source
from digest.text import one_line


def without_doubles(
    announcements: Sequence[Announcement],
    guids: Sequence[str],
    source: Source,
    warnings: list[str],
) -> list[Announcement]:
    """Join items that are one, and tell apart those that merely share a guid.

    Of two with one guid, title and page the newer stays.  Others all stay, known by guid,
    page and title together: a guid that names two things names neither.

    Args:
        guids: of each announcement, "" where it has none.
        warnings: what was odd is added here.
    """
    kept: dict[tuple[str, str, str | None] | int, Announcement] = {}
    for place, (one, guid) in enumerate(zip(announcements, guids, strict=False)):
        own_name = (guid, one.title, one.links.page) if guid else place
        known = kept.get(own_name)
        if known is None or _day(one) > _day(known):
            kept[own_name] = one
    sharing = Counter(name[0] for name in kept if isinstance(name, tuple))
    for name, one in kept.items():
        if isinstance(name, tuple) and sharing[name[0]] > 1:
            guid = " ".join(filter(None, name))
            kept[name] = replace(one, keys=keys(guid=(source.name, guid), title=one.title))
    warnings += (
        f'{count} items share the guid "{one_line(guid, 100)}"'
        for guid, count in sharing.items()
        if count > 1
    )
    return list(kept.values())


def _day(one: Announcement) -> date:
    return one.published_on or date.min
