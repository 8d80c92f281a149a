"""Real documents, damaged in every way: no reader does anything but read or raise ParseError."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.fetch import files
from digest.fetch.bibliography import read_library
from digest.fetch.opml import read_feeds
from digest.fetch.parsing import parse_listing
from digest.model import Source, Validators
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


SCHOLAR = (
    "<h3><a class=gse_alrt_title href='https://scholar.google.com/scholar_url?url=http%3A%2F%2F"
    "a.example'>A title</a></h3><div>Á Lovelace - arXiv:2401.01234</div><div>text<br>more</div>"
)
SEMANTIC_SCHOLAR = (
    "<table><tr><td><a href='https://www.semanticscholar.org/paper/T/"
    "0123456789abcdef0123456789abcdef01234567?utm_source=a'><h3>Deep trees</h3></a></table>"
)


def alert(markup, **how):
    message = EmailMessage()
    message["From"] = "alerts@example.org"
    message["Date"] = "Thu, 01 Oct 2026 10:00:00 +0200"
    message.set_content("see HTML")
    message.add_alternative(markup, subtype="html", **how)
    return message.as_bytes()


def mailboxes():
    """Give an mbox, single mails in several transfer encodings, and an arXiv mailing as mail."""
    mails = [
        alert(SCHOLAR, cte="base64"),
        alert(SCHOLAR, cte="quoted-printable", charset="iso-8859-1"),
        alert(SEMANTIC_SCHOLAR),
    ]
    head = b"From: no-reply@arxiv.org\nDate: Thu, 16 Mar 2023 20:10:00 -0400\n\n"
    mailings = [head + content for content in real("arxiv-email")]
    return [b"".join(b"From x\n" + mail + b"\n\n" for mail in mails), *mails, *mailings]


ZOTERO = [
    json.dumps(
        [{"data": {"itemType": "preprint", "title": "A", "creators": [{"lastName": "L"}]}}]
    ).encode(),
    (
        b'"Item Type","Title","Author","DOI","Url","Date"\n"preprint","A","L, B; C, D","10.1000/x",'
        b'"https://arxiv.org/abs/2401.00001","2024-01-02"\n'
    ),
    b"PT J\nAU Lee, A\n   Chen, B\nTI A title\n   on two lines\nDI 10.1000/x\nER\n\nEF\n",
]


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
    "mail": (mailboxes(), read_as("file")),
    "mail told by content": (mailboxes(), read_as("auto")),
    "opml": (real("opml"), read_feeds),
    "bibliography": (real("bibliography") + ZOTERO, read_library),
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


@settings(max_examples=30, deadline=10_000, suppress_health_check=list(HealthCheck))
@given(mails=st.lists(damaged(mailboxes()), min_size=1, max_size=3))
def test_damaged_maildir_is_read_or_refused(tmp_path_factory, mails):
    """A folder of mails is read file by file, as the fetcher does."""
    folder = tmp_path_factory.mktemp("maildir")
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir()
    for number, mail in enumerate(mails):
        (folder / ("new", "cur")[number % 2] / f"1.{number}:2,S").write_bytes(mail)

    saved = files.read(str(folder), Validators())

    assert len(saved.documents) == len(mails)
    for document in saved.documents:
        with suppress(ParseError):
            read_as("file")(document.content)
