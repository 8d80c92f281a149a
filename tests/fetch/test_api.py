"""Answers of paper services, told by their shape, and any other JSON by a mapping."""

import json
from datetime import UTC, date, datetime

import pytest

from digest.errors import ParseError
from digest.fetch import api
from digest.fetch.parsing import detect, parse_listing
from digest.model import Announce, Source

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
SOURCE = Source(name="api", url="https://example.org/")


def read(document, base="", **options):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    source = Source(name="api", url="https://example.org/", kind="api", options=options)
    return api.parse(content, source, NOW, base=base)


def only(document):
    (announcement,) = read(document).announcements
    return announcement


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("semantic-scholar/recommended.json", 100),
        ("semantic-scholar/search-transformer-2026-06.json", 5),
        ("semantic-scholar/search_paper.json", 100),
        ("crossref/crossref.json", 1),
        ("crossref/works_cursor.json", 20),
        ("crossref/works_one.json", 1),
        ("pubmed/pubmed_efetch.xml", 5),
        ("pubmed/pubmed_esearch.json", 5),
    ],
)
def test_sample_gives_exactly_its_works(samples, path, expected):
    content = (samples / path).read_bytes()

    listing = parse_listing(content, SOURCE, NOW)

    assert detect(content) == listing.kind == "api"
    assert len(listing.announcements) == expected


def test_semantic_scholar_paper_is_known_by_its_ids(samples):
    content = (samples / "semantic-scholar/search-transformer-2026-06.json").read_bytes()

    listing = read(content, base="https://api.semanticscholar.org/graph/v1/paper/search?query=x")

    swin = listing.announcements[0]
    assert swin.keys[:2] == ("arxiv:2103.14030", "doi:10.1109/iccv48922.2021.00986")
    assert swin.title.startswith("Swin Transformer: Hierarchical")
    assert swin.authors[0] == "Ze Liu"
    assert swin.links.page == "https://arxiv.org/abs/2103.14030"
    assert swin.published_on is None
    assert listing.next_url.endswith("search?query=x&offset=5")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"total": 0, "offset": 0}, id="search without data"),
        pytest.param({"total": 0, "token": None, "data": []}, id="bulk search"),
        pytest.param({"recommendedPapers": []}, id="recommendations"),
        pytest.param({"notes": [], "count": 0}, id="OpenReview"),
        pytest.param({"message-type": "work-list", "message": {"items": []}}, id="Crossref"),
        pytest.param({"messages": [{"status": "no posts found"}], "collection": []}, id="bioRxiv"),
        pytest.param({"esearchresult": {"count": "0", "idlist": []}}, id="esearch"),
    ],
)
def test_answer_without_works_is_a_valid_empty_listing(document):
    assert read(document).announcements == ()


def test_bulk_search_goes_on_by_its_token():
    listing = read(
        {"total": 2, "token": "abc", "data": [{"paperId": "1", "title": "One"}]},
        base="https://api.semanticscholar.org/graph/v1/paper/search/bulk?query=x",
    )

    assert listing.next_url.endswith("bulk?query=x&token=abc")


def test_batch_leaves_out_papers_that_the_service_does_not_know():
    assert only([None, {"paperId": "1", "title": "One", "abstract": None}]).title == "One"


def test_crossref_work_is_read_from_arrays_and_jats():
    work = only(
        {
            "DOI": "10.1234/ABC.5",
            "title": ["A <i>fine</i> &amp;amp; good title"],
            "abstract": "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim</jats:title>"
            "<jats:p>To   see.</jats:p></jats:sec>",
            "author": [{"given": "Ada", "family": "Lovelace"}, {"name": "The Group"}],
            "published-online": {"date-parts": [[2026, 5]]},
            "issued": {"date-parts": [[2026, 6, 7]]},
            "relation": {"has-preprint": [{"id-type": "doi", "id": "10.48550/arXiv.2401.01234"}]},
        }
    )

    assert work.keys[:2] == ("arxiv:2401.01234", "doi:10.1234/abc.5")
    assert work.title == "A fine & good title"
    assert work.summary == "Aim\n\nTo see."
    assert work.authors == ("Ada Lovelace", "The Group")
    assert work.published_on == date(2026, 6, 7)


@pytest.mark.parametrize("title", [[], None, [""]])
def test_crossref_work_without_title_is_named_by_its_doi(title):
    work = only({"DOI": "10.1234/abc", "title": title, "type": "other"} | {"title": title or []})

    assert work.title == "10.1234/abc"


@pytest.mark.parametrize(
    "parts", [[[None]], [[2020]], [[2020, 13, 40]], [], "2020", [[True, 1, 1]]]
)
def test_date_that_names_no_day_is_none(parts):
    document = {"DOI": "10.1234/abc", "title": ["One"], "issued": {"date-parts": parts}}

    assert only(document).published_on is None


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"value": value}])
def test_openreview_submission_is_read_in_both_versions(wrap):
    content = {
        "title": wrap("On Things"),
        "abstract": wrap("We do."),
        "authors": wrap(["Ada Lovelace", "Anonymous"]),
        "keywords": wrap(["things"]),
        "venue": wrap("ICLR 2026 poster"),
        "pdf": wrap("/pdf/1.pdf"),
    }
    submission = {"id": "aB3", "forum": "aB3", "pdate": 1_790_000_000_000, "content": content}
    reply = {"id": "r", "forum": "aB3", "replyto": "aB3", "content": {"comment": wrap("Nice")}}

    work = only({"notes": [submission, reply], "count": 2})

    assert work.keys[:2] == ("guid:api:aB3", "link:https://openreview.net/forum?id=aB3")
    assert (work.title, work.authors, work.keywords) == (
        "On Things",
        ("Ada Lovelace",),
        ("things",),
    )
    assert work.published_on == date(2026, 9, 21)
    assert work.links.pdf == "https://openreview.net/pdf/1.pdf"


def test_openreview_goes_on_until_all_notes_were_shown():
    notes = [{"id": str(n), "content": {"title": f"Title {n}"}} for n in range(3)]
    address = "https://api2.openreview.net/notes?offset=2"

    assert read({"notes": notes, "count": 9}, base=address).next_url.endswith("offset=5")
    assert read({"notes": notes, "count": 5}, base=address).next_url is None


def row(version, day, **fields):
    return {
        "doi": "10.1101/2023.12.16.571984",
        "title": "A genome",
        "authors": "Kaur, M.; Shukla, A.",
        "version": version,
        "date": day,
        "category": "genomics",
        "abstract": "We sequence.",
        "published": "NA",
        "server": "biorxiv",
    } | fields


def test_versions_of_a_preprint_are_one_work():
    work = only(
        {"collection": [row("1", "2023-12-16"), row("2", "2024-01-05", title="The genome")]}
    )

    assert (work.title, work.version, work.announce) == ("The genome", 2, Announce.NEW)
    assert work.published_on == date(2023, 12, 16)
    assert work.authors == ("Kaur, M.", "Shukla, A.")
    assert work.keys[0] == "doi:10.1101/2023.12.16.571984"


def test_later_version_alone_is_a_replacement_and_may_name_its_journal():
    work = only({"collection": [row("2", "2024-01-05", published="10.1038/x1")]})

    assert work.announce is Announce.REPLACEMENT
    assert work.keys[:2] == ("doi:10.1101/2023.12.16.571984", "doi:10.1038/x1")


@pytest.mark.parametrize("ending", ["", "/0", "/0/json"])
def test_biorxiv_goes_on_by_its_cursor(ending):
    document = {
        "messages": [{"status": "ok", "cursor": 0, "count": 100, "total": "156"}],
        "collection": [row("1", "2024-01-01")],
    }
    base = "https://api.biorxiv.org/details/biorxiv/2024-01-01/2024-01-02"

    listing = read(document, base=base + ending)

    assert listing.next_url == f"{base}/100{ending[2:]}"


def test_pubmed_article_is_read_from_its_own_part_alone(samples):
    listing = read((samples / "pubmed/pubmed_efetch.xml").read_bytes())

    first = listing.announcements[0]
    assert first.keys[:2] == ("doi:10.1186/s13550-026-01466-0", "guid:api:pubmed:42286391")
    assert first.title.startswith("Early timepoint 99mTc-DPD whole body")
    assert not first.title.endswith(".")
    assert first.summary.startswith("BACKGROUND: Cardiac transthyretin amyloidosis (ATTR-CM)")
    assert first.authors[0] == "Stephan Settelmeier"
    assert first.published_on == date(2026, 6, 12)


def test_cut_off_articles_are_told(samples):
    content = (samples / "pubmed/pubmed_efetch.xml").read_bytes()

    listing = read(content[: len(content) // 2])

    assert 0 < len(listing.announcements) < 5
    assert "broken after" in listing.warnings[0]


def test_translated_title_loses_brackets_and_collective_is_an_author():
    listing = read(
        b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article>"
        b"<ArticleTitle>[On things].</ArticleTitle><AuthorList><Author><CollectiveName>"
        b"The Group</CollectiveName></Author></AuthorList><Journal><JournalIssue><PubDate>"
        b"<MedlineDate>2020 Jan-Feb</MedlineDate></PubDate></JournalIssue></Journal></Article>"
        b"</MedlineCitation><PubmedData><ReferenceList><Reference><ArticleIdList>"
        b"<ArticleId IdType='doi'>10.1/x</ArticleId></ArticleIdList></Reference></ReferenceList>"
        b"</PubmedData></PubmedArticle></PubmedArticleSet>"
    )

    (work,) = listing.announcements
    assert (work.title, work.authors, work.published_on) == ("On things", ("The Group",), None)
    assert not any(key.startswith("doi:") for key in work.keys)


def test_esearch_says_where_its_ids_are_described(samples):
    content = (samples / "pubmed/pubmed_esearch.json").read_bytes()

    listing = read(content, base="https://eutils.example/entrez/eutils/esearch.fcgi?term=x&tool=t")

    assert listing.details_at.startswith(
        "https://eutils.example/entrez/eutils/efetch.fcgi?db=pubmed"
    )
    assert "42286391,42286351" in listing.details_at.replace("%2C", ",")
    assert "tool=t" in listing.details_at


def test_esummary_rows_are_works():
    work = only(
        {
            "result": {
                "uids": ["7"],
                "7": {
                    "uid": "7",
                    "title": "On things.",
                    "authors": [{"name": "Lovelace A"}],
                    "sortpubdate": "2026/06/01 00:00",
                    "articleids": [{"idtype": "doi", "value": "10.1234/x"}],
                },
            }
        }
    )

    assert (work.title, work.keys[0], work.published_on) == (
        *("On things", "doi:10.1234/x"),
        date(2026, 6, 1),
    )


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ({"message": "Too Many Requests", "code": "429"}, "answered with an error: Too Many"),
        ({"error": "Paper not found"}, "answered with an error: Paper not found"),
        ({"status": "failed", "message": [{"message": "bad"}]}, "answered with an error"),
        ({"esearchresult": {"ERROR": "Empty term", "idlist": []}}, "error: Empty term"),
        ({"papers": [{"name": "x"}]}, "expected an answer of PubMed, Crossref.*got papers"),
        ([1, 2], "expected an answer"),
        ({"notes": [1, {"id": "x"}]}, "could read none of 2 entries: entry 1 skipped"),
    ],
)
def test_what_is_no_listing_is_a_clear_error(document, cause):
    with pytest.raises(ParseError, match=cause):
        read(document)


# --- any other JSON ---------------------------------------------------------------------

MAPPING = {
    "items": "results[?kind=='paper']",
    "title": "name",
    "link": "urls.html",
    "summary": "text",
    "authors": "people[].full_name",
    "date": "when",
    "doi": "ids.doi",
    "upvotes": "likes",
    "next": "paging.next",
}


def test_mapping_says_where_the_facts_stand():
    document = {
        "results": [
            {
                "kind": "paper",
                "name": "On things",
                "urls": {"html": "/papers/1"},
                "text": "<p>We do.</p>",
                "people": [{"full_name": "Ada Lovelace"}, {"full_name": "Alan Turing"}],
                "when": "May 24, 2026",
                "ids": {"doi": "https://doi.org/10.1234/X"},
                "likes": "12",
            },
            {"kind": "banner", "name": "Buy"},
        ],
        "paging": {"next": "?page=2"},
    }

    listing = read(document, base="https://example.org/list", mapping=MAPPING)

    (work,) = listing.announcements
    assert (work.title, work.summary, work.upvotes) == ("On things", "We do.", 12)
    assert work.authors == ("Ada Lovelace", "Alan Turing")
    assert work.published_on == date(2026, 5, 24)
    assert work.keys[:2] == ("doi:10.1234/x", "link:https://example.org/papers/1")
    assert listing.next_url == "?page=2"


@pytest.mark.parametrize(
    ("mapping", "document", "cause"),
    [
        ({"title": "a["}, [{}], r"mapping\.title: no JMESPath"),
        ({"title": "a", "items": "b"}, {"b": 1}, "mapping.items: expected an array, found int"),
        ({"title": "abs(a)"}, [{"a": "x"}], r"could read none of 1 entries: .*mapping\.title"),
        ({"title": "a", "items": "keys(@)"}, [1], r"mapping\.items"),
    ],
)
def test_mapping_that_does_not_fit_is_named(mapping, document, cause):
    with pytest.raises(ParseError, match=cause):
        read(document, mapping=mapping)
