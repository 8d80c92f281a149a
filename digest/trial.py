"""A listing read once, for whoever wants to know what the program makes of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from digest.errors import FetchError
from digest.fetch.fetcher import ListingFetcher
from digest.fetch.files import is_file
from digest.fetch.http import Http
from digest.fetch.sandbox import Sandbox
from digest.model import Announcement, Listing, Source, Validators

TRIAL = "trial"
MAX_NAME_CHARS = 40
SHOWN_ITEMS = 3
# Somebody waits for the answer.
PATIENCE = timedelta(seconds=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of reading one listing; `listing` is None if and only if it failed."""

    source: Source
    listing: Listing | None
    error: str | None = None

    def as_object(self) -> dict[str, object]:
        """Give the result for scripts: kind, outcome, count, items, warnings, error.

        What a listing does not show of an item is null, lists included.
        """
        listing = self.listing
        announcements = listing.announcements if listing else ()
        return {
            "kind": listing.kind if listing else None,
            "outcome": self.outcome,
            "count": len(announcements),
            "items": [_item_object(one) for one in announcements],
            "warnings": list(listing.warnings) if listing else [],
            "error": self.error,
        }

    @property
    def outcome(self) -> str:
        """Give "items", "empty" or "failed"."""
        if self.listing is None:
            return "failed"
        return "items" if self.listing.announcements else "empty"

    def lines(self) -> list[str]:
        """Give the result for people: kind, count, first items, oddities, settings to paste."""
        if self.listing is None:
            return [f"failed: {self.error}"]
        shown_on = f", of {self.listing.shown_on}" if self.listing.shown_on else ""
        count = len(self.listing.announcements)
        found = f"{count} items" if count else "no items, which is valid"
        lines = [f"kind {self.listing.kind}: {found}{shown_on}", ""]
        for one in self.listing.announcements[:SHOWN_ITEMS]:
            lines += [f"  {one.title}", f"    {_facts(one)}", ""]
        lines += [f"odd: {warning}" for warning in self.listing.warnings]
        lines += [""] if self.listing.warnings else []
        return [*lines, "settings to paste:", "", *_settings(self.source, self.listing.kind)]


async def try_listing(source: Source) -> Trial:
    """Read a source once; nothing is stored, and a failure is a result."""
    async with Http() as http, Sandbox() as sandbox:
        fetcher = ListingFetcher(http, sandbox, lambda: datetime.now(UTC), patience=PATIENCE)
        try:
            fetched = await fetcher.fetch(source, Validators())
        except FetchError as error:
            return Trial(source=source, listing=None, error=str(error))
    listing = fetched.listing or Listing(kind=source.kind, announcements=())
    return Trial(source=source, listing=listing)


def _item_object(one: Announcement) -> dict[str, object]:
    return {
        "id": one.keys[0],
        "keys": list(one.keys),
        "title": one.title,
        "summary": one.summary or None,
        "authors": list(one.authors) or None,
        "author_count": one.author_count,
        "organisation": one.organisation,
        "categories": list(one.categories) or None,
        "published_on": one.published_on.isoformat() if one.published_on else None,
        "announce": str(one.announce),
        "version": one.version,
        "upvotes": one.upvotes,
        "comments": one.comments,
        "link": one.links.page,
    }


def _facts(one: Announcement) -> str:
    facts = [one.keys[0], str(one.announce)]
    if one.authors:
        facts.append(", ".join(one.authors[:3]) + (" et al." if len(one.authors) > 3 else ""))
    elif one.author_count:
        facts.append(f"{one.author_count} authors")
    if one.organisation:
        facts.append(one.organisation)
    if one.published_on:
        facts.append(one.published_on.isoformat())
    if one.upvotes is not None:
        facts.append(f"{one.upvotes} votes")
    return " · ".join(facts)


def _settings(source: Source, kind: str) -> list[str]:
    # A relative path would be looked up where the service runs.
    url = str(Path(source.url).absolute()) if _is_plain_path(source.url) else source.url
    # A JSON string is a TOML string as well.
    lines = ["[[sources]]", f'name = "{_name(source)}"', f"url = {json.dumps(url)}"]
    lines.append(f'kind = "{kind}"')
    if source.private_network:
        lines.append("private_network = true")
    for table in ("mapping", "selectors"):
        fields = source.options.get(table)
        if isinstance(fields, Mapping):
            lines += ["", f"[sources.{table}]"]
            lines += [f"{name} = {json.dumps(where)}" for name, where in fields.items()]
    return lines


def _is_plain_path(url: str) -> bool:
    return is_file(url) and not url.startswith(("file:", "~"))


def _name(source: Source) -> str:
    """Make a name that says where a source is, unless it has one."""
    if source.name != TRIAL:
        return source.name
    parts = urlsplit(source.url)
    # The host, or the name of a file; then the last part of an address.
    said = [Path(parts.path).stem] if is_file(source.url) else [parts.hostname or "", parts.path]
    words = re.sub(r"[^a-z0-9]+", "-", "-".join(said).lower()).strip("-")
    return words[:MAX_NAME_CHARS].strip("-") or TRIAL
