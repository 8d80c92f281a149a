"""Real samples, damaged: every parser gives a listing or a ParseError, soon, and nothing else."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.fetch.parsing import parse_listing
from digest.model import Source
from tests.fetch.conftest import NOW, SAMPLES

# One or two small samples of every reader; a cut keeps the large ones quick.
SAMPLE_CHARS = 30_000
KINDS = {
    "huggingface": [
        "hf-api/daily_papers-2026-06-12.json",
        "hf-html/daily-papers-2024-08-01.html",
        "hf-text/001_ba9f93ca00140ad5.txt",
        "hf-text/papers-search-refs-2026-06-29.txt",
    ],
    "arxiv": [
        "arxiv-feed/rss-cs.CL-2026-04-27.xml",
        "arxiv-feed/old-rss-hep-ex-2018-05-23.xml",
        "arxiv-api/query-transformer-2026-06.xml",
        "arxiv-list-html/q-fin-new-2023-03-17.html",
        "arxiv-email/astro-ph.EP.txt",
        "arxiv-abs/2101.10016.abs",
    ],
    "feed": [
        "feeds/full.atom",
        "feeds/full.rss",
        "feeds/rss_1.0_spec_1.xml",
        "biorxiv/rss_1.0_biorxiv.xml",
        "feeds-dates/everything.xml",
        "jsonfeed/full.json",
        "jsonfeed/jsonfeed_elastic_1.1.json",
    ],
    "api": [
        "semantic-scholar/search-transformer-2026-06.json",
        "crossref/crossref.json",
        "pubmed/pubmed_efetch.xml",
        "pubmed/pubmed_esearch.json",
    ],
    "file": ["arxiv-email/q-fin.TR-2023-03-17.txt"],
}
CASES = [pytest.param(name, kind, id=name) for kind, names in KINDS.items() for name in names]

# What breaks readers, to be put anywhere.
BITS = st.sampled_from(
    [
        *(
            b"<",
            b">",
            b"&",
            b"]]>",
            b"<!--",
            b"<![CDATA[",
            b"</item>",
            b"<item>",
            b"<dd>",
            b"\\\\\n",
        ),
        *(b'"', b"{", b"}", b"[", b"null", b"1e999", b"-1", b"\\ud800", b"\\u0000", b"{}", b"[[[["),
        *(
            b"\x00",
            b"\xff\xfe",
            b"\xe2\x80\xae",
            b"\n\n",
            b"$\\frac{",
            b"99999-99-99",
            b"v0",
            b"%s",
        ),
    ]
)
ENCODINGS = st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "latin-1", "cp037", "utf-7", "gbk"])


HOW = st.sampled_from(["cut", "drop", "splice", "repeat", "flip", "put", "encode"])
SHARE = st.floats(0, 1)
DAMAGES = st.lists(
    st.tuples(
        *(HOW, SHARE, SHARE, st.lists(BITS, min_size=1, max_size=8)),
        *(st.lists(SHARE, max_size=20), st.integers(0, 7), ENCODINGS),
    ),
    min_size=1,
    max_size=3,
)


def spoil(content, how, first, second, bits, places, bit, encoding):
    """Damage a document in one way; shares say where."""
    at, to = sorted(int(share * len(content)) for share in (first, second))
    match how:
        case "cut":
            return content[:at]
        case "drop":
            return content[:at] + content[to:]
        case "splice":
            return content[to:] + content[:to]
        case "repeat":
            return content[:to] + content[at:]
        case "flip":
            return _flip(content, places, bit)
        case "put":
            return content[:at] + b"".join(bits) + content[at:]
        case _:
            return content.decode("utf-8", "replace").encode(encoding, "replace")


def _flip(content, shares, bit):
    flipped = bytearray(content)
    for share in shares:
        if flipped:
            flipped[min(int(share * len(flipped)), len(flipped) - 1)] ^= 1 << bit
    return bytes(flipped)


@pytest.mark.parametrize(("name", "kind"), CASES)
@settings(
    max_examples=40,
    deadline=20_000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(damages=DAMAGES, told=st.booleans())
def test_damaged_sample_ends_in_a_listing_or_a_parse_error(samples, name, kind, damages, told):
    content = (SAMPLES / name).read_bytes()[:SAMPLE_CHARS]
    for damage in damages:
        content = spoil(content, *damage)
    source = Source(name="fuzz", url="https://example.org/x", kind=kind if told else "auto")

    found, cause = read(content, source)

    # What is shown to an operator must not move a terminal.
    assert cause.isprintable()
    assert all(one.keys and one.title and one.title.isprintable() for one in found)


def read(content, source):
    """Give what was found, or why nothing was; any other exception is the test's failure."""
    try:
        listing = parse_listing(content, source, NOW, base="https://example.org/x")
    except ParseError as error:
        return (), str(error)
    return listing.announcements, ""
