"""Real documents, damaged in every way: no reader does anything but read or raise ParseError."""

from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.fetch.bibliography import read_library
from digest.fetch.opml import read_feeds
from digest.fetch.parsing import parse_listing
from digest.model import Source
from tests.fetch.conftest import SAMPLES

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
BASE = "https://example.org/details/biorxiv/a/b/0?offset=0"
# A mutation costs as much as its document: the beginning of each will do.
MAX_BYTES = 30_000
ENCODINGS = ("utf-16", "utf-32-be", "latin-1", "utf-7", "cp037")
MAPPING = {
    "items": "data || message.items || notes || @",
    "title": "title || join(' ', title)",
    "authors": "authors[].name || author[].family",
    "date": "publicationDate || issued",
    "link": "url",
    "upvotes": "length(authors)",
    "next": "next || token",
}
SELECTORS = {"item": "article, tr, dt", "title": "h3, td", "authors": "li", "date": "time@datetime"}


def real(*folders):
    if not SAMPLES.is_dir():
        return [b""]
    paths = [path for folder in folders for path in sorted((SAMPLES / folder).iterdir())]
    return [path.read_bytes()[:MAX_BYTES] for path in paths]


def mailbox():
    message = EmailMessage()
    message["From"] = "alerts@example.org"
    message["Date"] = "Thu, 01 Oct 2026 10:00:00 +0200"
    message.set_content("see HTML")
    message.add_alternative(
        "<h3><a class=gse_alrt_title href='https://scholar.google.com/scholar_url?url=http%3A%2F%2F"
        "a.example'>A title</a></h3><div>A Lovelace - arXiv:2401.01234</div><div>text</div>",
        subtype="html",
    )
    return [b"From x\n" + message.as_bytes() + b"\n\nFrom y\n" + message.as_bytes()]


@st.composite
def damaged(draw, documents):
    """Cut, splice, flip or recode a document, a few times over."""
    content = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        match draw(st.sampled_from(("cut", "drop", "splice", "flip", "repeat", "recode"))):
            case "cut":
                content = content[:end]
            case "drop":
                content = content[:start] + content[end:]
            case "splice":
                content = content[:start] + draw(st.sampled_from(documents))[:2_000] + content[end:]
            case "flip":
                content = content[:start] + draw(st.binary(max_size=8)) + content[start + 4 :]
            case "repeat":
                content = content[:end] + content[start : start + 500] * 3 + content[end:]
            case "recode":
                encoding = draw(st.sampled_from(ENCODINGS))
                content = content.decode("utf-8", "replace").encode(encoding, "replace")
    return content


def read_as(kind, **options):
    source = Source(name="damaged", url="x", kind=kind, options=options)
    return lambda content: parse_listing(content, source, NOW, base=BASE)


SERVICES = real("semantic-scholar", "crossref")
CASES = {
    "api": (SERVICES + real("pubmed"), read_as("api")),
    "auto": (SERVICES + real("pubmed", "arxiv-list-html"), read_as("auto")),
    "mapping": (SERVICES, read_as("api", mapping=MAPPING)),
    "page": (real("hf-html", "arxiv-list-html"), read_as("page", selectors=SELECTORS)),
    "mail": (mailbox(), read_as("file")),
    "opml": (real("opml"), read_feeds),
    "bibliography": (real("bibliography"), read_library),
}


@pytest.mark.parametrize("name", CASES)
def test_damaged_document_is_read_or_refused(name):
    documents, read = CASES[name]

    @settings(max_examples=60, deadline=10_000, suppress_health_check=list(HealthCheck))
    @given(damaged(documents))
    def check(content):
        with suppress(ParseError):
            read(content)

    check()
