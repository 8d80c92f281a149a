"""OPML, as feed readers export it, to the feeds it lists: well-formed or not.

Pure; an address is never opened, and a command that some readers keep in its place
(`exec:`, `filter:`, `|`) never run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from xml.parsers import expat

from digest.errors import ParseError
from digest.fetch.markup import found, read_markup
from digest.spellings import MAX_LINK_CHARS, canonical_link
from digest.text import one_line

ROOTS = ("opml", "OPML", "Opml")
# feed://host/path and feed:https://host/path, as browsers handed them to readers.
_FEED_SCHEME = re.compile(r"feed:(?P<web>//|https?://)", re.IGNORECASE)
MAX_FEEDS = 5_000
MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One subscription: an http(s) address and what the list calls it, perhaps ""."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """The feeds of a list, each address once, and what was left out or odd."""

    feeds: tuple[Feed, ...]
    warnings: tuple[str, ...]


def read_feeds(content: bytes) -> FeedList:
    """Read the feeds of a list in their order; one that stands in two folders is one feed.

    Raises:
        ParseError: it is no OPML.
    """
    markup = read_markup(content)
    if markup.root not in ROOTS:
        raise ParseError(f"expected OPML, got {found(markup)}")
    outlines = _Outlines()
    outlines.feed(markup.text)
    outlines.close()
    warnings = [*markup.warnings, *_oddities(markup.text)]
    feeds: dict[str, Feed] = {}
    for attributes in outlines.found[:MAX_FEEDS]:
        address = _FEED_SCHEME.sub(r"\g<web>", (attributes.get("xmlurl") or "").strip(), count=1)
        address = f"http:{address}" if address.startswith("//") else address
        if canonical_link(address) is None:
            warnings.append(f'"{one_line(address, 80)}" is no web address: left out')
            continue
        title = one_line(attributes.get("title") or attributes.get("text") or "", MAX_NAME_CHARS)
        # The address as it stands there: what a server takes for tracking may be its key.
        feeds.setdefault(address, Feed(title=title, url=one_line(address, MAX_LINK_CHARS)))
    return FeedList(feeds=tuple(feeds.values()), warnings=tuple(warnings))


def _oddities(text: str) -> Iterator[str]:
    try:
        expat.ParserCreate().Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 the end
    except expat.ExpatError as error:
        yield f"not well-formed, read as far as it goes: {error}"


class _Outlines(HTMLParser):
    """Collects outlines with an address.

    HTML's rules read what real exports are: names in any case, bare "&", tags never closed
    or closed twice.  Nesting means nothing here, so none is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "outline" and any(name == "xmlurl" and value for name, value in attrs):
            self.found.append(dict(attrs))
