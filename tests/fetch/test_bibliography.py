"""Libraries of reference managers: every format to the same works."""

import json
from datetime import date

import pytest

from digest.errors import ParseError
from digest.fetch.bibliography import read_library


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("baseline_empty_values.ris", 4),
        ("bib-many.bib", 2),
        ("bibtex.bib", 1),
        ("citeproc.json", 1),
        ("crossref.bib", 1),
        ("example_bom.ris", 1),
        ("example_full.ris", 2),
        ("example_multiline.ris", 3),
        ("example_utf_chars.ris", 1),
        ("faulty_year.ris", 1),
        ("multiple-eg.ris", 2),
        ("peerj.ris", 1),
        ("pubmed_zotero.ris", 6),
    ],
)
def test_sample_gives_exactly_its_records(samples, name, expected):
    library = read_library((samples / "bibliography" / name).read_bytes())

    assert library.records == expected
    assert library.works


BIBTEX = r"""
@comment{not this}
@string{jan26 = "January"}
@article{a, title = {{SPLADE} v2: P{\'o}lya \& more},
  author = {Lovelace, Ada and Alan Turing and others},
  eprint = {2401.01234v2}, archivePrefix = "arXiv", year = 2026, month = jan26, day = 5}
@inproceedings{a, title = "Attention" # " is all", author = {Vaswani, Ashish},
  journal = {arXiv preprint arXiv:1706.03762}}
"""
RIS = """exported by hand
TY - JOUR
TI - On things
AU - Lovelace, Ada
DA - 2026/01/05/
UR - https://arxiv.org/abs/2401.01234
TY  - JOUR
T1  - Other things,
that go on
A1  - Turing, Alan
DO  - 10.1234/X
"""
ISI = """FN Clarivate
VR 1.0
PT J
AU Lovelace, A
AF Lovelace, Ada
TI On things
   and more
DI 10.1234/X
UT WOS:1
ER

EF"""
CSL = [
    {
        "type": "article",
        "title": "On things",
        "author": [{"family": "Lovelace", "given": "Ada"}, {"literal": "The Group"}],
        "issued": {"date-parts": [[2026, 1, 5]]},
        "number": "arXiv:2401.01234",
    }
]
ZOTERO = [
    {
        "key": "A",
        "data": {
            "itemType": "preprint",
            "title": "On things",
            "creators": [{"firstName": "Ada", "lastName": "Lovelace"}, {"name": "The Group"}],
            "date": "2026-01-05",
            "extra": "arXiv:2401.01234 [cs]",
        },
    },
    {"key": "B", "data": {"itemType": "attachment", "title": "PDF"}},
]
CSV = """"Key","Item Type","Author","Title","DOI","Url","Abstract Note","Date","Extra"
"A","preprint","Lovelace, Ada; The Group","On things","","","","2026-01-05","arXiv: 2401.01234"
"""


@pytest.mark.parametrize(
    ("content", "key", "title", "authors"),
    [
        (BIBTEX, "arxiv:2401.01234", "SPLADE v2: Pólya & more", ("Ada Lovelace", "Alan Turing")),
        (RIS, "arxiv:2401.01234", "On things", ("Ada Lovelace",)),
        (json.dumps(CSL), "arxiv:2401.01234", "On things", ("Ada Lovelace", "The Group")),
        (json.dumps(CSL[0]), "arxiv:2401.01234", "On things", ("Ada Lovelace", "The Group")),
        (json.dumps(ZOTERO), "arxiv:2401.01234", "On things", ("Ada Lovelace", "The Group")),
        (CSV, "arxiv:2401.01234", "On things", ("Ada Lovelace", "The Group")),
    ],
    ids=["BibTeX", "RIS", "CSL-JSON", "one CSL object", "Zotero JSON", "Zotero CSV"],
)
def test_work_is_read_from_every_format(content, key, title, authors):
    first = read_library(content.encode()).works[0]

    assert (first.keys[0], first.title, first.authors) == (key, title, authors)
    assert first.published_on == date(2026, 1, 5)


def test_works_under_one_citation_key_are_two():
    library = read_library(BIBTEX.encode())

    assert library.records == 2
    assert (library.works[1].title, library.works[1].keys[0]) == (
        *("Attention is all", "arxiv:1706.03762"),
    )


def test_record_without_end_and_wrapped_values_are_read():
    other = read_library(RIS.encode()).works[1]

    assert (other.title, other.keys[0]) == ("Other things, that go on", "doi:10.1234/x")


def test_web_of_science_is_read():
    (work,) = read_library(ISI.encode()).works

    assert (work.title, work.authors, work.keys[0]) == (
        *("On things and more", ("Ada Lovelace",)),
        "doi:10.1234/x",
    )


@pytest.mark.parametrize(
    ("encoding", "title"),
    [("utf-8-sig", "Pólya 的书"), ("gbk", "深度学习研究"), ("windows-1252", "Pólya résumé")],
)
def test_encoding_is_told_by_the_bytes(encoding, title):
    content = f"@book{{a, title = {{{title}}}}}".encode(encoding)

    assert read_library(content).works[0].title == title


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", b"plain text", b"[1, 2]", b'{"a": ', b"@@@ {{{"]
)
def test_what_is_no_library_is_refused(content):
    with pytest.raises(ParseError):
        read_library(content)
