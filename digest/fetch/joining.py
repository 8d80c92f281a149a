"""Several documents that are one listing: its pages, or the files of a folder.  Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from digest.fetch.work import name_within, newer
from digest.model import Announcement, Listing


def join(listings: Sequence[Listing], warnings: Sequence[str] = ()) -> Listing:
    """Join the pages of a listing, at least one, in their order; each item once.

    Args:
        warnings: what was odd about the joining, besides what the pages say themselves.
    """
    if len(listings) == 1:
        # What one document shows is its parser's business.
        return replace(listings[0], warnings=(*listings[0].warnings, *warnings))
    found: dict[str, Announcement] = {}
    for listing in listings:
        for one in listing.announcements:
            name = name_within(one)
            found[name] = newer(found[name], one) if name in found else one
    said = (warning for listing in listings for warning in listing.warnings)
    return replace(
        listings[0],
        announcements=tuple(found.values()),
        next_url=listings[-1].next_url,
        fresh_for=longest(*(listing.fresh_for for listing in listings)),
        warnings=(*dict.fromkeys(said), *warnings),
    )


def longest(*spans: timedelta | None) -> timedelta | None:
    """Give the longest of the known spans, None where none is known."""
    return max(filter(None, spans), default=None)
