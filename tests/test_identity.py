import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.identity import keys, title_fingerprint
from digest.spellings import arxiv_id, canonical_link, doi

ABSTRACT = (
    "We study how sparse expansion of queries and documents helps the first stage of ranking. "
    "Our model is trained end to end."
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2604.21935", None),
        (" 2604.21935v2\n", 2),
        ("arXiv:2604.21935", None),
        ("arXiv:2604.21935v1", 1),
        ("ARXIV: 2604.21935", None),
        ("arXiv:2604.21935v3 [cs.LG]", 3),
        ("oai:arXiv.org:2604.21935v1", 1),
        ("oai:arXiv.org:2604.21935", None),
        ("arxiv:2604.21935:hepml-v1", None),
        ("http://arxiv.org/abs/2604.21935v1", 1),
        ("https://arxiv.org/abs/2604.21935", None),
        ("https://www.arxiv.org/abs/2604.21935?context=cs#top", None),
        ("//arxiv.org/abs/2604.21935/", None),
        ("/abs/2604.21935", None),
        ("/pdf/2604.21935v2.pdf", 2),
        ("https://arxiv.org/pdf/2604.21935", None),
        ("https://arxiv.org/html/2604.21935v1", 1),
        ("https://arxiv.org/format/2604.21935", None),
        ("export.arxiv.org/abs/2604.21935", None),
        ("https://huggingface.co/papers/2604.21935", None),
        ("https://huggingface.co/papers/2604.21935#community", None),
        ("https://huggingface.co/papers/2604.21935?ref=x", None),
        ("https://huggingface.co/papers/2604.21935.md", None),
        ("/papers/2604.21935", None),
        ("10.48550/arXiv.2604.21935", None),
        ("doi:10.48550/ARXIV.2604.21935", None),
        ("https://doi.org/10.48550/arXiv.2604.21935", None),
        ("https://www.alphaxiv.org/abs/2604.21935v2", 2),
        ("https://ar5iv.labs.arxiv.org/html/2604.21935", None),
        ("https://ar5iv.org/abs/2604.21935", None),
    ],
)
def test_every_spelling_gives_one_id(text, version):
    assert arxiv_id(text) == ("2604.21935", version)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("math.GT/0309136", ("math/0309136", None)),
        ("astro-ph/0601001v1", ("astro-ph/0601001", 1)),
        ("http://arxiv.org/abs/quant-ph/0201082v2", ("quant-ph/0201082", 2)),
        ("https://arxiv.org/abs/astro-ph%2F0601001", ("astro-ph/0601001", None)),
        ("10.48550/arXiv.math/0309136", ("math/0309136", None)),
        ("0704.0001", ("0704.0001", None)),
        ("1412.0001", ("1412.0001", None)),
        ("1501.00001", ("1501.00001", None)),
    ],
)
def test_old_and_boundary_ids(text, expected):
    assert arxiv_id(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0000.0000", id="zeros"),
        pytest.param("2613.00001", id="month 13"),
        pytest.param("2600.00001", id="month 0"),
        pytest.param("2604.00000", id="number 0"),
        pytest.param("1412.00001", id="five digits too early"),
        pytest.param("1501.0001", id="four digits too late"),
        pytest.param("0703.0001", id="before the scheme"),
        pytest.param("2604.21935v0", id="version 0"),
        pytest.param("foo/0101001", id="no archive"),
        pytest.param("math/0704001", id="old form too late"),
        pytest.param("see arXiv:2604.21935", id="in prose"),
        pytest.param("arXiv:2604.21935 and arXiv:2604.21936", id="two of them"),
        pytest.param("https://example.org/abs/2604.21935", id="another host"),
        pytest.param("https://arxiv.org@example.org/abs/2604.21935", id="user name as host"),
        pytest.param("https://huggingface.co/login?next=%2Fpapers%2F2604.21935", id="login"),
        pytest.param("https://huggingface.co/papers", id="the listing"),
        pytest.param("http://[::1/abs/2604.21935", id="broken address"),
        pytest.param("٢٦٠٤.٢١٩٣٥", id="other digits"),
        pytest.param("", id="empty"),
        pytest.param("arxiv:" * 1000, id="long"),
    ],
)
def test_what_is_no_id_gives_none(text):
    assert arxiv_id(text) is None


@settings(max_examples=100)
@given(
    st.integers(15, 35), st.integers(1, 12), st.integers(1, 99999), st.none() | st.integers(1, 20)
)
def test_ids_survive_every_wrapping(year, month, number, version):
    bare = f"{year}{month:02}.{number:05}"
    spelled = bare + (f"v{version}" if version else "")

    for form in ("{}", "arXiv:{}", "http://arxiv.org/abs/{}", "https://arxiv.org/pdf/{}.pdf"):
        assert arxiv_id(form.format(spelled)) == (bare, version)


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_no_text_breaks_the_readers(text):
    arxiv_id(text)
    doi(text)
    link = canonical_link(text, "https://example.org/a/")

    assert link is None or canonical_link(link) == link
    assert keys(title=text or "x", guid=("s", text), link=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1101/743294", "10.1101/743294"),
        ("doi:10.1145/ABC.1", "10.1145/abc.1"),
        ("https://doi.org/10.1145/ABC.1", "10.1145/abc.1"),
        ("http://dx.doi.org/10.1000%2Fxyz", "10.1000/xyz"),
        ("10.1145/1.", "10.1145/1"),
        ("http://biorxiv.org/cgi/content/short/743294v1?rss=1", "10.1101/743294"),
        (
            "https://www.biorxiv.org/content/10.1101/2023.12.16.571984v2.full.pdf",
            "10.1101/2023.12.16.571984",
        ),
        ("https://www.biorxiv.org/about", None),
        ("10.1/x", None),
        ("see doi:10.1145/1", None),
        ("10.1145/a b", None),
    ],
)
def test_doi_spellings(text, expected):
    assert doi(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Example.ORG:443/A?b=1#c", "https://example.org/A?b=1"),
        ("http://example.org:8080", "http://example.org:8080/"),
        ("../x", "https://base.example/x"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("/a?utm_source=rss&z=1&fbclid=2&a=%20", "https://base.example/a?z=1&a=%20"),
        ("https://user:pass@example.org/", "https://example.org/"),
        ("https://example.org/a b\"<>", "https://example.org/a%20b%22%3C%3E"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://[::1]:8443/x", "https://[::1]:8443/x"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("tag:example.org,2026:1", None),
        ("https://example.org:99999/", None),
        ("http://[::1", None),
        ("https://example.org/" + "x" * 3000, None),
        ("", None),
    ],
)  # fmt: skip
def test_links_have_one_spelling_or_none(url, expected):
    assert canonical_link(url, "https://base.example/d/") == expected


# --- keys -------------------------------------------------------------------------------


def test_keys_come_in_the_order_of_trust():
    found = keys(
        arxiv="2604.21935v2",
        doi="10.1145/1",
        guid=("blog", " Tag:1 "),
        link="http://example.org/1",
        title="A title that is long enough to stand alone",
        authors=["Ada Lovelace"],
        summary=ABSTRACT,
    )

    assert found[:4] == (
        "arxiv:2604.21935",
        "doi:10.1145/1",
        "guid:blog:Tag:1",
        "link:https://example.org/1",
    )
    assert [key.partition(":")[0] for key in found[4:]] == ["title"] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {"guid": ("s", "oai:arXiv.org:2604.21935v1")},
        {"link": "https://arxiv.org/abs/2604.21935"},
        {"doi": "10.48550/arXiv.2604.21935"},
        {"link": "https://huggingface.co/papers/2604.21935"},
    ],
)
def test_arxiv_in_any_field_is_the_arxiv_key_and_no_other(fields):
    assert keys(title="X", **fields) == ("arxiv:2604.21935",)


def test_blank_guid_and_refused_link_are_no_keys():
    found = keys(title="X", guid=("s", " \n"), link="javascript:alert(1)")

    assert len(found) == 1
    assert found[0].startswith("title:")


def test_long_values_are_hashed_so_that_keys_stay_short():
    found = keys(title="X", guid=("s", "g" * 9000), link="https://example.org/" + "x" * 1900)

    assert [key.partition(":")[0] for key in found] == ["guid", "link"]
    assert max(map(len, found)) <= 500


LONG = "Sparse Expansion Models for First-Stage Ranking"
GENERIC = "Introduction"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            {"title": LONG, "authors": ["A. Low"], "summary": ABSTRACT},
            {"title": LONG, "summary": ABSTRACT},
            id="text listing without authors",
        ),
        pytest.param(
            {"title": LONG, "summary": ABSTRACT},
            {"title": LONG.upper(), "summary": ABSTRACT.replace("sparse ex", "sparseex").upper()},
            id="case, white space, highlight",
        ),
        pytest.param(
            {"title": "M{\\aa}ns' Poincar\\'e maps", "summary": ABSTRACT},
            {"title": "Måns' Poincaré maps", "summary": "Abstract: " + ABSTRACT},
            id="TeX and a leading word",
        ),
        pytest.param(
            {"title": LONG, "authors": ["Kaur, M."]},
            {"title": LONG, "authors": ["Mandeep Kaur", "Bob Low"], "summary": ABSTRACT},
            id="no abstract, author spelled otherwise",
        ),
        pytest.param({"title": LONG}, {"title": LONG, "summary": ABSTRACT}, id="long title alone"),
        pytest.param(
            {"title": GENERIC, "summary": ABSTRACT}, {"title": GENERIC, "summary": ABSTRACT},
            id="generic title, same abstract",
        ),
    ],
)  # fmt: skip
def test_one_work_shares_a_title_key(one, other):
    assert set(keys(**one)) & set(keys(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            {"title": "SPLADE", "summary": ABSTRACT}, {"title": "SPLADE v2", "summary": ABSTRACT},
            id="one title begins the other",
        ),
        pytest.param(
            {"title": LONG, "summary": ABSTRACT}, {"title": LONG + "?!s", "summary": ABSTRACT},
            id="abstracts begin alike",
        ),
        pytest.param(
            {"title": GENERIC, "authors": ["A. Low"]}, {"title": GENERIC, "authors": ["B. High"]},
            id="generic title, other authors",
        ),
        pytest.param(
            {"title": GENERIC, "summary": ABSTRACT}, {"title": GENERIC, "summary": ABSTRACT[9:]},
            id="generic title, other abstract",
        ),
        pytest.param(
            {"title": GENERIC, "summary": "Read more", "link": "https://a.example/"},
            {"title": GENERIC, "summary": "Read more", "link": "https://b.example/"},
            id="generic title and no abstract to speak of",
        ),
        pytest.param({"title": "???"}, {"title": "!!!"}, id="titles without letters"),
    ],
)  # fmt: skip
def test_two_works_share_no_key(one, other):
    assert not set(keys(**one)) & set(keys(**other))


def test_fingerprint_says_nothing_of_its_title():
    assert len(title_fingerprint("x" * 5000)) == 32
