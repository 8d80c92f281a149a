"""What feeds of PubMed and the ACL Anthology say in ways of their own.  Pure.

Source: pubmed.ncbi.nlm.nih.gov, RSS of a saved search; aclanthology.org, identifiers.
"""

import re
from urllib.parse import urlsplit

_PUBMED_GUID = re.compile(r"pubmed:(?P<pmid>[1-9]\d{0,9})", re.ASCII)
# The abstract stands between its heading and a line of ids; description has its end alone.
_PUBMED_ABSTRACT = re.compile(
    r"<b>ABSTRACT</b>\s*</p>(?P<abstract>.{1,100000}?)<p[^<>]{0,200}>\s*PMID:", re.DOTALL
)
_PUBMED_DOI = re.compile(r"\bdoi:\s?(?P<doi>10\.\d{4,9}/[^\s<>]{1,300}?)\.?(?=[\s<])")
_ACL_ID = re.compile(
    r"/(?:anthology/(?:papers/)?)?"
    r"(?P<id>\d{4}\.[a-z0-9_]{1,40}-[a-z0-9_]{1,40}\.\d{1,4}|[A-Z]\d{2}-\d{4,5})(?:\.pdf|/)?",
    re.ASCII,
)
_ACL_HOSTS = ("aclanthology.org", "www.aclanthology.org", "aclweb.org", "www.aclweb.org")


def pubmed_page(guid: str) -> str | None:
    """Give the page of an article by its guid `pubmed:PMID`; the feed's links count clicks."""
    found = _PUBMED_GUID.fullmatch(guid)
    return f"https://pubmed.ncbi.nlm.nih.gov/{found['pmid']}/" if found else None


def pubmed_abstract(markup: str) -> str | None:
    """Cut the abstract, as HTML, out of what a PubMed feed shows of an article."""
    found = _PUBMED_ABSTRACT.search(markup)
    return found["abstract"] if found else None


def pubmed_doi(markup: str) -> str | None:
    """Read the DOI out of the citation that a PubMed feed shows of an article."""
    found = _PUBMED_DOI.search(markup[:5_000])
    return found["doi"] if found else None


def acl_id(link: str) -> str | None:
    """Read `2024.acl-long.12` or `P19-1001` from any address of a paper in the Anthology."""
    if "acl" not in link:
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    found = _ACL_ID.fullmatch(parts.path) if parts.hostname in _ACL_HOSTS else None
    return found["id"] if found else None
