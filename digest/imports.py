"""What other programs exported, brought in: feeds as sources, a library as an interest.

Foreign files are read in the sandbox, as listings are.
"""

import asyncio
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from digest.app import App
from digest.config import Settings, SourceSettings
from digest.config_file import replace_settings
from digest.errors import ConfigError, FetchError
from digest.fetch import files
from digest.fetch.bibliography import Library, read_library
from digest.fetch.examples import example, wanted_keys
from digest.fetch.opml import Feed, FeedList, read_feeds
from digest.fetch.sandbox import Sandbox
from digest.model import Interest, Subscriber, Validators
from digest.store import items, subscribers

Read = TypeVar("Read")

# A ranker weighs examples one by one; more than these say nothing new of an interest.
MAX_EXAMPLES = 500
MAX_NAME_CHARS = 40
_NAME_SIGNS = re.compile(r"[^a-z0-9]+")


def read_feed_list(path: Path) -> FeedList:
    """Read an OPML file.

    Raises:
        ParseError: it is none; FetchError: it cannot be read.
    """
    return _read(path, read_feeds)


def read_library_file(path: Path) -> Library:
    """Read a bibliography of any format.

    Raises:
        ParseError: it is none; FetchError: it cannot be read.
    """
    return _read(path, read_library)


def _read(path: Path, read: Callable[[bytes], Read]) -> Read:
    async def run() -> Read:
        saved = files.read(str(path), Validators())
        async with Sandbox() as sandbox:
            return await sandbox.run(read, (saved.documents or ())[0].content)

    try:
        return asyncio.run(run())
    except FetchError as error:
        error.source = error.source or path.name
        raise


# --- sources ----------------------------------------------------------------------------


def source_tables(feeds: Sequence[Feed], known: Collection[SourceSettings]) -> list[str]:
    """Write a [[sources]] table for each feed that is no source yet; names are made unique."""
    addresses = {source.url for source in known}
    names = {source.name for source in known}
    tables: list[str] = []
    for feed in feeds:
        if feed.url in addresses:
            continue
        name = next(candidate for candidate in _names(feed) if candidate not in names)
        names.add(name)
        # A JSON string is a TOML string as well.
        tables.append(
            f'[[sources]]\nname = "{name}"\nurl = {json.dumps(feed.url)}\nkind = "feed"\n'
        )
    return tables


def _names(feed: Feed) -> Iterator[str]:
    """Give names for a source, plain ones first: its title, its host, then numbered."""
    host = feed.url.partition("://")[2].partition("/")[0].partition(":")[0]
    spoken = [_NAME_SIGNS.sub("-", text.lower()).strip("-") for text in (feed.title, host)]
    plain = [name[:MAX_NAME_CHARS].strip("-") for name in spoken if name] or ["feed"]
    yield from plain
    number = 2
    while True:
        yield f"{plain[0]}-{number}"
        number += 1


def append_tables(path: Path, tables: Sequence[str]) -> Settings:
    """Append tables to the settings file and read it back; if it is wrong, nothing changes.

    Raises:
        ConfigError: the file cannot be read or written, or is wrong with the tables.
    """
    try:
        content, mode = path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return replace_settings(path, "\n\n".join([content.rstrip("\n"), *tables]), mode)


# --- libraries --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a library.

    Attributes:
        interest: as it stands now, examples included.
        added: examples that were not there before.
        to_paste: lines for the settings file, where that owns the subscriber; else "".
    """

    interest: Interest
    added: int
    to_paste: str = ""


def import_library(app: App, subscriber: Subscriber, library: Library, name: str) -> Imported:
    """Make a library's works the examples of an interest, a new one if there is none so named.

    Nothing is stored for a subscriber of the settings file: the next start would undo it.
    """
    with app.database.write() as connection:
        stored = items.find_by_keys(connection, wanted_keys(library))
        given = [example(work, stored) for work in library.works]
        known = {one.name: one for one in subscriber.interests}
        before = known.get(name, Interest(name=name))
        examples = tuple(dict.fromkeys((*before.examples, *given)))[:MAX_EXAMPLES]
        interest = replace(before, examples=examples)
        added = len(examples) - len(before.examples)
        if subscriber.config_owned:
            return Imported(interest=interest, added=added, to_paste=_lines(interest))
        interests = tuple((known | {name: interest}).values())
        subscribers.add_subscriber(
            connection, replace(subscriber, interests=interests), app.clock()
        )
    return Imported(interest=interest, added=added)


def _lines(interest: Interest) -> str:
    examples = "".join(f"  {json.dumps(one, ensure_ascii=False)},\n" for one in interest.examples)
    name = json.dumps(interest.name, ensure_ascii=False)
    return f"[[subscribers.interests]]\nname = {name}\nexamples = [\n{examples}]\n"
