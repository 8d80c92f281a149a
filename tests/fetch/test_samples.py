"""Every sample listing with its expected count, told by content alone, as INDEX.md lists them."""

import re
from datetime import UTC, datetime

import pytest

from digest.errors import ParseError
from digest.fetch.parsing import parse_listing
from digest.model import Source
from tests.fetch.conftest import SAMPLES

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)

# Folders that hold no listings.
NO_LISTINGS = {
    "opml": "lists of sources, imported",
    "bibliography": "libraries, imported",
    "hostile": "measured in test_hostile.py",
    "hostile-json": "measured in test_hostile.py",
}
# Where no reader can give the count of the index, and why.
REFUSED = {
    "rss_2.0_invalid_1.xml": "broken off before its first item, so no valid empty feed",
    "unknown_feed.xml": "a <note>, no feed at all",
    "rss_incomplete_cdata.xml": "broken off before a single letter of its only item",
    "undeclared_namespace.xml": "broken and without items, so no valid empty feed",
}


def rows():
    """Read folder, file and expectation of every row of INDEX.md."""
    folder = ""
    for line in (SAMPLES / "INDEX.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## (\S+)/", line):
            folder = heading[1]
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0] not in ("file", "---") and folder not in NO_LISTINGS:
            yield folder, cells[0], cells[-1]


def cases():
    if not SAMPLES.is_dir():
        return
    for folder, name, expected in rows():
        # "0 papers, an error" is an error.
        count = None if "error must" in expected or ", an error" in expected else expected
        yield pytest.param(
            f"{folder}/{name}",
            int(re.match(r"\d+", count)[0]) if count and name not in REFUSED else None,
            "not well-formed" in expected,
            id=name,
        )


def read(name, kind="auto"):
    source = Source(name="trial", url=str(SAMPLES / name), kind=kind)
    return parse_listing((SAMPLES / name).read_bytes(), source, NOW)


@pytest.mark.parametrize(("name", "count", "ill_formed"), list(cases()))
def test_sample_gives_the_count_of_the_index(name, count, ill_formed):
    if count is None:
        with pytest.raises(ParseError):
            read(name)
        return

    listing = read(name)

    assert len(listing.announcements) == count
    assert listing.warnings or not ill_formed
    for one in listing.announcements:
        assert one.title == one.title.strip() != ""
        assert one.keys


def test_index_names_every_sample(samples):
    named = {f"{folder}/{name}" for folder, name, _ in rows()}
    there = {
        str(path.relative_to(samples))
        for path in samples.glob("*/*")
        if path.parent.name not in NO_LISTINGS
    }

    assert there == named
