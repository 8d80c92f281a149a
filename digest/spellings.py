"""The one form of arXiv ids, DOIs and links, from any spelling of them.  Pure."""

import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

MAX_LINK_CHARS = 2_000

# Source: arXiv's category taxonomy and its archives closed before 2007.
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|"
    "cond-mat|cs|dg-ga|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|"
    "nucl-ex|nucl-th|patt-sol|physics|plasm-ph|q-alg|q-bio|quant-ph|solv-int|supr-con"
)
_ARXIV_ID = re.compile(
    r"(?:(?P<new>(?P<yymm>\d{2}(?:0[1-9]|1[0-2]))\.(?P<number>\d{4,5}))"
    rf"|(?P<archive>{_ARCHIVES})(?:\.[A-Za-z-]{{2,17}})?"
    r"/(?P<old>(?P<old_yymm>\d{2}(?:0[1-9]|1[0-2]))\d{3}))"
    r"(?:v(?P<version>[1-9]\d{0,2}))?",
    re.ASCII | re.IGNORECASE,
)
# What every spelling holds, escaped ones apart; most links hold none and need no closer look.
_MAY_BE_ARXIV = re.compile(r"\d{4}(?:\.\d{4}|\d{3})|%", re.ASCII)
_ARXIV_SHAPE = re.compile(r"\d{4}\.\d{4,5}(?:v\d{1,3})?", re.ASCII)
# The spellings of feeds and of the Hub, read at once; none of them needs a closer look.
_USUAL_ARXIV = re.compile(
    r"(?:https?://(?:(?:www|export)\.)?arxiv\.org/(?:abs|pdf)/|https://huggingface\.co/papers/"
    r"|(?:oai:arxiv\.org:|arxiv:)?)(?P<id>\d{4}\.\d{4,5}(?:v\d{1,3})?)",
    re.ASCII | re.IGNORECASE,
)
# arXiv:ID, oai:arXiv.org:ID, a derived guid arxiv:ID:anything, a citation arXiv:ID [cs.LG].
_ARXIV_NAME = re.compile(
    r"(?:oai:arxiv\.org:|info:arxiv/|arxiv:\s?)?(?P<id>[^\s:\[\]]+)"
    r"(?::\S+|\s*\[[a-z-]+(?:\.[a-z-]+)?\])?",
    re.ASCII | re.IGNORECASE,
)
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(?P<id>\S+)", re.ASCII | re.IGNORECASE)
_ARXIV_PATH = re.compile(
    r"/(?:abs|pdf|html|format|e-print|src|ps|papers|overview|forum|resources)/"
    r"(?P<id>.+?)(?:\.pdf|\.md|\.ps\.gz)?/?"
)
_ARXIV_HOSTS = re.compile(
    r"(?:[\w-]+\.)?(?:arxiv\.org|alphaxiv\.org|ar5iv\.org)|ar5iv\.labs\.arxiv\.org|xxx\.lanl\.gov"
    r"|(?:www\.)?huggingface\.co|hf\.co|(?:www\.)?scholar\.archive\.org",
    re.ASCII,
)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/[!-~]{1,300}", re.ASCII)
_PREPRINT_HOSTS = re.compile(r"(?:[\w-]+\.)?(?:bio|med)rxiv\.org", re.ASCII)
_PREPRINT_PATH = re.compile(
    r"/(?:content/(?:early/[\d/]*|10\.1101/)|cgi/content/(?:short|abstract|full)/)"
    r"(?P<number>\d{4}\.\d\d\.\d\d\.\d{6,9}|\d{6,9})(?:v\d+)?(?:\.\S*)?/?",
    re.ASCII,
)

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_[ce]id|_hs\w+"
    r"|mkt_tok|ref_src|ref_url|cmpid|spm|sc_channel|__s|vero_id|oly_\w+_id"
)
# Of such a link nothing is dropped or quoted.
_PLAIN_LINK = re.compile(r"https?://[a-z0-9][a-z0-9.-]*/[\w.~/-]*", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def arxiv_id(text: str) -> tuple[str, int | None] | None:
    """Read an arXiv id without its version, and the version, from any spelling of it.

    Args:
        text: an id, link, guid or DOI as a whole; ids inside prose are not looked for,
            since abstracts and comments name other works.

    Returns:
        ("2401.01234", 2), ("math/0309136", None); None if it is no valid arXiv id.

    Source: arXiv identifier scheme, info.arxiv.org/help/arxiv_identifier.
    """
    return None if len(text) > MAX_LINK_CHARS else _read_arxiv_id(text.strip())


def is_invalid_arxiv_id(text: str) -> bool:
    """Say whether a bare id is written as arXiv's are and still is none: `0000.0000`, month 13."""
    return _ARXIV_SHAPE.fullmatch(text.strip()) is not None and arxiv_id(text) is None


def doi(text: str) -> str | None:
    """Read a DOI in lower case from `10.x/y`, `doi:10.x/y`, a doi.org or a bioRxiv link.

    Source: ISO 26324 (DOI names compare without regard to ASCII case).
    """
    return None if len(text) > MAX_LINK_CHARS else _read_doi(text.strip())


def canonical_link(url: str, base: str = "") -> str | None:
    """Give the one spelling of an http(s) address, resolved against *base*; None for others.

    Gone are fragment, default port, credentials and known tracking parameters; the rest,
    order of parameters included, means what it meant.
    """
    url = url.strip()
    if not url or max(len(url), len(base)) > MAX_LINK_CHARS:
        return None
    if _PLAIN_LINK.fullmatch(url):
        return url
    try:
        parts = urlsplit(urljoin(base, url))
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not re.fullmatch(r"[\w.:-]+", host, re.ASCII):
        return None
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    # "%" is safe: what is quoted already stays as it is.
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~", errors="replace")
    query = "&".join(
        quote(pair, safe="/%:@!$'()*+,;=~?", errors="replace")
        for pair in parts.query.split("&")
        if pair and not _TRACKING.fullmatch(pair.partition("=")[0].lower())
    )
    return f"{parts.scheme}://{host}{path}" + (f"?{query}" if query else "")


def is_arxiv_doi(name: str) -> bool:
    """Say whether a DOI is arXiv's own, which says no more than the arXiv id."""
    return _ARXIV_DOI.fullmatch(name) is not None


# The same spelling is asked for by each key of an item.
@lru_cache(maxsize=64)
def _read_arxiv_id(text: str) -> tuple[str, int | None] | None:
    if not _MAY_BE_ARXIV.search(text):
        return None
    if usual := _USUAL_ARXIV.fullmatch(text):
        return _valid_arxiv_id(usual["id"])
    if "/" not in text:
        found = _ARXIV_NAME.fullmatch(text)
        return _valid_arxiv_id(found["id"]) if found else None
    text = _without_doi_prefix(text)
    if found := _ARXIV_DOI.fullmatch(text):
        return _valid_arxiv_id(found["id"])
    if path := _arxiv_path(text):
        found = _ARXIV_PATH.fullmatch(path)
        # ar5iv and old mirrors also serve /ID.
        return _valid_arxiv_id(found["id"] if found else path.strip("/"))
    found = _ARXIV_NAME.fullmatch(text)
    return _valid_arxiv_id(found["id"]) if found else None


@lru_cache(maxsize=64)
def _read_doi(text: str) -> str | None:
    if "10." not in text and "rxiv.org" not in text.lower():
        return None
    parts = _split(text)
    if parts and parts.hostname and _PREPRINT_HOSTS.fullmatch(parts.hostname):
        found = _PREPRINT_PATH.fullmatch(parts.path)
        return f"10.1101/{found['number']}" if found else None
    name = _without_doi_prefix(text).rstrip(".,;").lower()
    return name if _DOI.fullmatch(name) else None


def _valid_arxiv_id(text: str) -> tuple[str, int | None] | None:
    found = _ARXIV_ID.fullmatch(text)
    if not found:
        return None
    version = int(found["version"]) if found["version"] else None
    if found["new"]:
        yymm, number = found["yymm"], found["number"]
        # Since April 2007; five digits since January 2015.
        valid = "0704" <= yymm < "9100" and len(number) == (4 if yymm < "1501" else 5)
        return (found["new"], version) if valid and int(number) else None
    # July 1991 to March 2007.
    valid = (found["old_yymm"] >= "9107" or found["old_yymm"] <= "0703") and found["old"][
        4:
    ] != "000"
    return (f"{found['archive'].lower()}/{found['old']}", version) if valid else None


def _arxiv_path(text: str) -> str | None:
    """Give the path of a link to arXiv or to a site that serves its papers by id."""
    if text.startswith("/") and not text.startswith("//"):
        return unquote(text.partition("?")[0].partition("#")[0])
    parts = _split(text if "//" in text[:8] else f"https://{text}")
    if not parts or not parts.hostname or not _ARXIV_HOSTS.fullmatch(parts.hostname):
        return None
    return unquote(parts.path)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _without_doi_prefix(text: str) -> str:
    lower = text.lower()
    if "doi" not in lower:
        return text
    if lower.startswith("doi:"):
        return text[4:].strip()
    parts = _split(text)
    if parts and parts.hostname in ("doi.org", "dx.doi.org", "www.doi.org"):
        return unquote(parts.path.lstrip("/"))
    return text
