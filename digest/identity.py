"""The keys an item is known by: arXiv id, DOI, guid, link, title; and their normal forms.

Pure.  A key is text with a prefix that says how far it may be trusted:

    arxiv:2401.01234   the work itself, whatever its version
    doi:10.1101/743294 the work as one registrar knows it
    guid:<source>:...  unique within that source only
    link:https://...   one page
    title:<hash>       a fingerprint of the title and of what else tells two works apart
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from digest.text import fold, from_tex

MAX_LINK_CHARS = 2_000
# Longer values are kept as a hash, so that a key always fits into a database index.
MAX_KEY_CHARS = 500
# So many letters of an abstract tell two works of one title apart; more would let a typo or a
# formula that another source spells differently part one work.
OPENING_LETTERS = 64
# Below this a summary is no abstract but "Read more" or "Comments".
MIN_OPENING_LETTERS = 40
# Shorter titles ("Editorial", "Introduction") say nothing, not even beside an author's name.
MIN_TITLE_LETTERS = 16
# From here on a title is a key by itself, for listings that show no more (trending pages).
# diff still parts two works of such a title by their ids, their authors or their source.
MIN_LONE_TITLE_LETTERS = 30

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
_NOT_LETTER = re.compile(r"[^0-9a-z]+")
_TEX_SIGN = re.compile(r"[\\${`]")
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
    text = text.strip()
    if len(text) > MAX_LINK_CHARS or not _MAY_BE_ARXIV.search(text):
        return None
    return _read_arxiv_id(text)


def doi(text: str) -> str | None:
    """Read a DOI in lower case from `10.x/y`, `doi:10.x/y`, a doi.org or a bioRxiv link.

    Source: ISO 26324 (DOI names compare without regard to ASCII case).
    """
    text = text.strip()
    if len(text) > MAX_LINK_CHARS or ("10." not in text and "rxiv.org" not in text.lower()):
        return None
    return _read_doi(text)


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


def title_fingerprint(title: str, authors: Sequence[str] = (), summary: str = "") -> str:
    """Hash a title together with the best sign that tells works of one title apart.

    That sign is the opening of the abstract where there is one, else the first author's
    surname, else nothing.  Case, accents, TeX, punctuation and white space do not count:
    sources differ in them.  The whole title counts, so "SPLADE" and "SPLADE v2" stay two,
    and so do two works of different titles whose abstracts begin alike.
    """
    letters = _letters(title) or title.strip().casefold()
    if begun := opening(summary):
        sign = f"opening {begun}"
    elif surname := _surname(authors[0]) if authors else "":
        sign = f"author {surname}"
    else:
        sign = ""
    return blake2b(f"{letters}\n{sign}".encode(errors="replace"), digest_size=16).hexdigest()


def keys(
    *,
    arxiv: str | None = None,
    doi: str | None = None,
    guid: tuple[str, str] | None = None,
    link: str | None = None,
    title: str,
    authors: Sequence[str] = (),
    summary: str = "",
) -> tuple[str, ...]:
    """Give every key an item is known by, most trusted first; at least one.

    Fields may hold any spelling: a guid or a link that is an arXiv page gives the `arxiv:`
    key, one that is a DOI the `doi:` key.  An abstract gives a title key, an author another
    one, a long title a third by itself, so that a listing with only one of the three still
    meets the item.  A short bare title is a key only where there is nothing else.

    Args:
        guid: (name of the source, its guid or Atom id).
    """
    name, guid_text = guid or ("", "")
    spellings = [text for text in (arxiv, doi, guid_text, link) if text]
    found: list[str] = []
    if known := next(filter(None, map(arxiv_id, spellings)), None):
        found.append(f"arxiv:{known[0]}")
    if registered := next(filter(None, map(_foreign_doi, spellings)), None):
        found.append(f"doi:{registered}")
    if guid_text.strip() and not _is_name_of_a_work(guid_text):
        found.append(_bounded(f"guid:{name}:", guid_text.strip()))
    page = canonical_link(link) if link and not _is_name_of_a_work(link) else None
    if page:
        # One page, whether it is reached through http or https.
        found.append(_bounded("link:", "https:" + page.partition(":")[2]))
    if opening(summary):
        found.append("title:" + title_fingerprint(title, summary=summary))
    if authors and len(_letters(title)) >= MIN_TITLE_LETTERS:
        found.append("title:" + title_fingerprint(title, authors))
    if len(_letters(title)) >= MIN_LONE_TITLE_LETTERS:
        found.append("title:" + title_fingerprint(title))
    return tuple(found) or ("title:" + title_fingerprint(title, authors, summary),)


def opening(summary: str) -> str:
    """Give the first letters of an abstract, "" where the summary is too short to be one.

    Two works of one title and one opening are the same work.
    """
    # White space and TeX take room too, so look at more than is kept.
    head = summary[: 8 * OPENING_LETTERS]
    if not _TEX_SIGN.search(head):
        head = summary[: 3 * OPENING_LETTERS]
    letters = _letters(head).removeprefix("abstract")
    return letters[:OPENING_LETTERS] if len(letters) >= MIN_OPENING_LETTERS else ""


# --- spellings --------------------------------------------------------------------------


# The same spelling is asked for by each key of an item.
@lru_cache(maxsize=64)
def _read_arxiv_id(text: str) -> tuple[str, int | None] | None:
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
    if lower.startswith("doi:"):
        return text[4:].strip()
    parts = _split(text)
    if parts and parts.hostname in ("doi.org", "dx.doi.org", "www.doi.org"):
        return unquote(parts.path.lstrip("/"))
    return text


def _foreign_doi(text: str) -> str | None:
    """Read a DOI that is not arXiv's own, which says no more than the arXiv id."""
    found = doi(text)
    return None if found is None or _ARXIV_DOI.fullmatch(found) else found


def _is_name_of_a_work(text: str) -> bool:
    return arxiv_id(text) is not None or doi(text) is not None


def _bounded(prefix: str, value: str) -> str:
    key = prefix + value
    if len(key) <= MAX_KEY_CHARS:
        return key
    return prefix + blake2b(value.encode(errors="replace"), digest_size=16).hexdigest()


# --- titles -----------------------------------------------------------------------------


# Each key of an item asks for the same title and the same opening again.
@lru_cache(maxsize=64)
def _letters(text: str) -> str:
    """Give letters and digits alone: renderings lose spaces beside words they highlight."""
    plain = from_tex(text)
    if plain.isascii():
        return _NOT_LETTER.sub("", plain.lower())
    return fold(plain).replace(" ", "")


def _surname(name: str) -> str:
    """Give "kaur" for "Kaur, M.", "M. Kaur" and "Mandeep Kaur"."""
    before, comma, _ = name.partition(",")
    words = fold(from_tex(before if comma else name)).split()
    return (words[0] if comma else words[-1]) if words else ""
