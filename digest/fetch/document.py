"""What every parser needs before it can read: bytes to text or JSON, and a first look.

Bounded: no recursion on input depth, nothing is fetched or opened.
"""

import codecs
import json
import re
from typing import Any, NoReturn

from selectolax.lexbor import LexborHTMLParser

from digest.errors import ParseError
from digest.text import markup_depth

# So many bytes tell what a document is.
HEAD_BYTES = 4_096
# Navigation with all its addresses may stand before what gives a saved listing away.
LISTING_HEAD_BYTES = 20_000
# Real pages stay below 5,000 by our estimate; at 20,000 the tree builder takes two seconds.
MAX_DEPTH = 20_000

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HTML = re.compile(r"\s*(?:<!--.{0,500}?-->\s*)*<(?:!doctype html|html|head|body)\b", re.I | re.S)
_LISTING_SIGN = re.compile(
    r"get trending papers in your email inbox|by\W{0,20}AK\b.{0,200}and the research community",
    re.I | re.S,
)


def decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode a document by its BOM, else as UTF-8; say in a warning what was replaced."""
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), "utf-8")
    try:
        return content.decode(encoding), ()
    except UnicodeDecodeError as error:
        text = content.decode(encoding, errors="replace")
        return text, (f"bytes that are no {encoding} were replaced, first at {error.start}",)


def load_json(content: bytes, source: str) -> tuple[Any, tuple[str, ...]]:
    """Read a JSON document; NaN and infinities are refused.

    Args:
        source: name of the source, for the error.

    Raises:
        ParseError: it is empty, no JSON, or nested deeper than this program reads.

    Source: RFC 8259.
    """
    text, warnings = decode(content)
    try:
        return json.loads(text, parse_constant=_refuse_constant), warnings
    except RecursionError as error:
        raise ParseError("expected JSON, got it nested too deep", source=source) from error
    except ValueError as error:
        raise ParseError(f"expected JSON, got {excerpt(text)}: {error}", source=source) from error


def read_page(markup: str, source: str) -> LexborHTMLParser:
    """Read an HTML page.

    Raises:
        ParseError: it is nested deeper than any real page.
    """
    if markup_depth(markup) > MAX_DEPTH:
        raise ParseError("expected a page, got markup nested too deep", source=source)
    return LexborHTMLParser(markup)


def excerpt(text: str) -> str:
    """Quote the beginning of a document for an error message."""
    start = " ".join(text[:200].split())[:60]
    return json.dumps(start, ensure_ascii=True) if start else "an empty document"


def looks_like_json(content: bytes) -> bool:
    """Tell by the first bytes whether a document can only be JSON."""
    return _head(content).lstrip()[:1] in ("[", "{") and not looks_like_text(content)


def looks_like_html(content: bytes) -> bool:
    """Tell by the first bytes whether a document is an HTML page."""
    return _HTML.match(_head(content)) is not None


def looks_like_text(content: bytes) -> bool:
    """Tell by the first bytes whether a document is a paper listing saved as text."""
    head = _head(content, LISTING_HEAD_BYTES)
    return not looks_like_html(content) and _LISTING_SIGN.search(head) is not None


def _head(content: bytes, size: int = HEAD_BYTES) -> str:
    # A cut inside a character at the end is no reason to warn.
    return decode(content[:size])[0]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
