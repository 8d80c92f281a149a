"""What every XML reader needs first: bytes to text, the root element, entities refused.

Bounded and linear; nothing is fetched or opened.
"""

import codecs
import re
from dataclasses import dataclass
from html.entities import html5
from xml.sax.saxutils import escape

from digest.errors import ParseError
from digest.fetch.document import excerpt

# Source: XML 1.0 section 2.2; what expat refuses and lenient readers pass on.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
NAME = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")

CDATA = "<![CDATA["
# All but the five names that XML has itself, and numbers.
BARE = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)(?:(?P<name>[A-Za-z]\w{1,30});)?",
    re.ASCII,
)

SKIP_DAYS = re.compile(r"<skipDays>(?P<days>.{0,1000}?)</skipDays>", re.DOTALL)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

XML_SPACE = (" ", "\t", "\n", "\r", "?")

# UTF-32 first: its little-endian mark begins with that of UTF-16.  XML 1.0 appendix F.
STARTS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """An XML document as text, without XML declaration and illegal characters.

    Attributes:
        root: local name of the root element, "" where there is none.
        late_declaration: something stands before the XML declaration (XML 1.0 section 2.8).
        warnings: what had to be guessed or replaced.
    """

    text: str
    root: str
    late_declaration: bool
    warnings: tuple[str, ...]


def read_markup(content: bytes, charset: str | None = None) -> Markup:
    """Decode a document and find its root element.

    Args:
        charset: what the server said of application/xml; a byte order mark stands above it.

    Raises:
        ParseError: it declares entities (bombs, files, addresses).
    """
    text, warnings = _decode(content, charset)
    clean = ILLEGAL.sub("", text.lstrip("\ufeff"))
    if len(clean) < len(text.lstrip("\ufeff")):
        warnings.append("control characters were removed")
    start, declaration = _prolog(clean)
    # Only a document type can declare entities; where it ends is the reader's guess, so the
    # whole document counts.
    if "<!DOCTYPE" in clean[:start] and "<!ENTITY" in clean:
        raise ParseError("document declares entities: refused", permanent=True)
    tag = NAME.match(clean, start)
    return Markup(
        # What the declaration says of the encoding is no longer true.
        text=clean[: declaration.start] + clean[declaration.stop :],
        root=tag[2] if tag else "",
        late_declaration=declaration.start > 0,
        warnings=tuple(warnings),
    )


def found(markup: Markup) -> str:
    """Say for an error what a document is instead of the one expected."""
    return f"<{markup.root}>" if markup.root else excerpt(markup.text)


def skip_weekdays(markup: Markup) -> frozenset[int]:
    """Read the weekdays (0 = Monday) on which an RSS channel says that it brings nothing."""
    found = SKIP_DAYS.search(markup.text)
    said = found["days"].lower() if found else ""
    return frozenset(number for number, name in enumerate(WEEKDAYS) if f">{name}<" in said)


def with_entities(text: str) -> str:
    """Mend what XML refuses and feeds hold: a bare "&", and HTML's names of characters.

    What stands in a CDATA section is text already.
    """
    before, *sections = text.split(CDATA)
    mended = [BARE.sub(_entity, before)]
    for section in sections:
        inside, end, after = section.partition("]]>")
        mended += (CDATA, inside, end, BARE.sub(_entity, after))
    return "".join(mended)


def _entity(found: re.Match[str]) -> str:
    character = html5.get(f"{found['name']};") if found["name"] else None
    return escape(character) if character else f"&amp;{found[0][1:]}"


def _decode(content: bytes, charset: str | None) -> tuple[str, list[str]]:
    marked = next((name for start, name in STARTS if content.startswith(start)), None)
    declaration = DECLARED.search(content[:500].replace(b"\x00", b""))
    declared = declaration[1].decode("ascii") if declaration else None
    claims = [marked, charset, declared if not marked else None]
    warnings: list[str] = []
    for encoding in filter(None, claims):
        try:
            return content.decode(_wider(encoding)), warnings
        except LookupError:
            warnings.append(f'encoding "{encoding[:40]}" is unknown')
        except ValueError:
            warnings.append(f'document is not in the encoding it claims, "{encoding[:40]}"')
    for encoding in ("utf-8", "windows-1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            warnings.append(f"document is not {encoding}")
        else:
            return text, warnings
    return content.decode("utf-8", "replace"), warnings


def _wider(encoding: str) -> str:
    # Documents that claim GB2312 use characters of its successors.
    return "gb18030" if encoding.lower() in ("gb2312", "gbk") else encoding


def _prolog(text: str) -> tuple[int, slice]:
    """Give the place of the root element's "<" and that of the XML declaration.

    Without a root it is the end of the text, without a declaration an empty slice at 0.
    """
    position, declaration = 0, slice(0, 0)
    while (start := text.find("<", position)) >= 0:
        if text.startswith("<!--", start):
            position = _after(text, "-->", start)
        elif text.startswith("<?", start):
            position = _after(text, ">", start)
            if text.startswith("<?xml", start) and text[start + 5 : start + 6] in XML_SPACE:
                declaration = slice(start, position)
        elif text.startswith("<!", start):
            position = _after_doctype(text, start)
        else:
            return start, declaration
    return len(text), declaration


def _after_doctype(text: str, start: int) -> int:
    """Skip a document type, with the declarations that may stand in its brackets."""
    bracket, end = text.find("[", start), _after(text, ">", start)
    if 0 <= bracket < end:
        return _after(text, ">", _after(text, "]", bracket))
    return end


def _after(text: str, sign: str, start: int) -> int:
    place = text.find(sign, start)
    return len(text) if place < 0 else place + len(sign)
