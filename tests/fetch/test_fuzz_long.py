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


@st.composite
def damages(draw):
    """Draw a function that spoils a document in one to three ways."""
    steps = []
    for _ in range(draw(st.integers(1, 3))):
        at, to = draw(st.floats(0, 1)), draw(st.floats(0, 1))
        match draw(st.sampled_from(["cut", "drop", "splice", "repeat", "flip", "put", "encode"])):
            case "cut":
                steps.append(lambda c, at=at: c[: int(at * len(c))])
            case "drop":
                steps.append(
                    lambda c, a=min(at, to), b=max(at, to): c[: _at(c, a)] + c[_at(c, b) :]
                )
            case "splice":
                steps.append(lambda c, at=at: c[_at(c, at) :] + c[: _at(c, at)])
            case "repeat":
                steps.append(lambda c, at=at: c[: _at(c, at)] + c[_at(c, at) // 2 :])
            case "flip":
                places, bit = draw(st.lists(st.floats(0, 1), max_size=20)), draw(st.integers(0, 7))
                steps.append(lambda c, p=places, bit=bit: _flip(c, p, bit))
            case "put":
                bits = draw(st.lists(BITS, min_size=1, max_size=8))
                steps.append(
                    lambda c, at=at, b=b"".join(bits): c[: _at(c, at)] + b + c[_at(c, at) :]
                )
            case _:
                name = draw(ENCODINGS)
                steps.append(lambda c, n=name: c.decode("utf-8", "replace").encode(n, "replace"))
    return steps


def _at(content, share):
    return int(share * len(content))


def _flip(content, shares, bit):
    flipped = bytearray(content)
    for share in shares:
        if flipped:
            flipped[min(int(share * len(flipped)), len(flipped) - 1)] ^= 1 << bit
    return bytes(flipped)


@pytest.mark.parametrize(("name", "kind"), CASES)
@settings(
    max_examples=1500,
    deadline=5000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=damages(), told=st.booleans())
def test_damaged_sample_ends_in_a_listing_or_a_parse_error(samples, name, kind, steps, told):
    content = (SAMPLES / name).read_bytes()[:SAMPLE_CHARS]
    for step in steps:
        content = step(content)
    source = Source(name="fuzz", url="https://example.org/x", kind=kind if told else "auto")

    try:
        listing = parse_listing(content, source, NOW, base="https://example.org/x")
    except ParseError as error:
        assert str(error).isprintable()
        return

    for one in listing.announcements:
        assert one.keys
        assert one.title
        assert one.title.isprintable()
