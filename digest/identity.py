"""The keys an item is known by: arXiv id, DOI, guid, link, title; and their normal forms.

Pure.  A key is text with a prefix that says how far it may be trusted:

    arxiv:2401.01234   the work itself, whatever its version
    doi:10.1101/743294 the work as one registrar knows it
    guid:<source>:...  unique within that source only
    link:https://...   one page
    title:<hash>       a fingerprint of the title and of what else tells two works apart
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from digest import spellings
from digest.spellings import arxiv_id, canonical_link, is_arxiv_doi
from digest.tex import from_tex, may_hold_tex
from digest.text import fold

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

_LOWER = bytes.maketrans(bytes(range(65, 91)), bytes(range(97, 123)))
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())


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
    given = [text for text in (arxiv, doi, guid_text, link) if text]
    arxiv_ids = [arxiv_id(text) for text in given]
    dois = [spellings.doi(text) for text in given]
    # What names a work by itself is no guid and no page of its own.
    works = {text for text, *known in zip(given, arxiv_ids, dois, strict=True) if any(known)}
    found: list[str] = []
    if known := next(filter(None, arxiv_ids), None):
        found.append(f"arxiv:{known[0]}")
    if registered := next((one for one in dois if one and not is_arxiv_doi(one)), None):
        found.append(f"doi:{registered}")
    if guid_text not in works and (bare := guid_text.strip()):
        found.append(_bounded(f"guid:{name}:", bare))
    page = canonical_link(link) if link and link not in works else None
    if page:
        # One page, whether it is reached through http or https.
        found.append(_bounded("link:", "https:" + page.partition(":")[2]))
    letters, begun = _letters(title), opening(summary)
    if begun:
        found.append("title:" + _fingerprint(title, begun))
    if authors and len(letters) >= MIN_TITLE_LETTERS:
        found.append("title:" + _fingerprint(title, "", authors))
    if len(letters) >= MIN_LONE_TITLE_LETTERS:
        found.append("title:" + _fingerprint(title, ""))
    return tuple(found) or ("title:" + _fingerprint(title, "", authors),)


def title_fingerprint(title: str, authors: Sequence[str] = (), summary: str = "") -> str:
    """Hash a title together with the best sign that tells works of one title apart.

    That sign is the opening of the abstract where there is one, else the first author's
    surname, else nothing.  Case, accents, TeX, punctuation and white space do not count:
    sources differ in them.  The whole title counts, so "SPLADE" and "SPLADE v2" stay two,
    and so do two works of different titles whose abstracts begin alike.
    """
    return _fingerprint(title, opening(summary), authors)


def opening(summary: str) -> str:
    """Give the first letters of an abstract, "" where the summary is too short to be one.

    Two works of one title and one opening are the same work.
    """
    # White space and TeX take room too, so look at more than is kept.
    head = summary[: 8 * OPENING_LETTERS]
    if not may_hold_tex(head):
        head = summary[: 3 * OPENING_LETTERS]
    letters = _letters(head).removeprefix("abstract")
    return letters[:OPENING_LETTERS] if len(letters) >= MIN_OPENING_LETTERS else ""


def _fingerprint(title: str, begun: str, authors: Sequence[str] = ()) -> str:
    letters = _letters(title) or title.strip().casefold()
    if begun:
        sign = f"opening {begun}"
    elif surname := _surname(authors[0]) if authors else "":
        sign = f"author {surname}"
    else:
        sign = ""
    return blake2b(f"{letters}\n{sign}".encode(errors="replace"), digest_size=16).hexdigest()


def _bounded(prefix: str, value: str) -> str:
    key = prefix + value
    if len(key) <= MAX_KEY_CHARS:
        return key
    return prefix + blake2b(value.encode(errors="replace"), digest_size=16).hexdigest()


# Each key of an item asks for the same title and the same opening again.
@lru_cache(maxsize=64)
def _letters(text: str) -> str:
    """Give letters and digits alone: renderings lose spaces beside words they highlight."""
    plain = from_tex(text)
    if plain.isascii():
        return plain.encode().translate(_LOWER, _NO_LETTERS).decode()
    return fold(plain).replace(" ", "")


def _surname(name: str) -> str:
    """Give "kaur" for "Kaur, M.", "M. Kaur" and "Mandeep Kaur"."""
    before, comma, _ = name.partition(",")
    words = fold(from_tex(before if comma else name)).split()
    return (words[0] if comma else words[-1]) if words else ""
