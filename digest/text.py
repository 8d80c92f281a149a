"""Foreign text to clean plain text, and plain text to what comparing needs.

Pure, bounded in time and depth, and never raises for any str: everything that a source says
goes through here before it may reach a mail header, a log line, a terminal or a page.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate

import nh3

# Raw text may be so many times longer than what is kept of it; the rest is never looked at.
SLACK = 16
# Marks on one base character; Unicode's stream-safe format allows 30, no language needs 8.
# Sorting them is quadratic in their number.  UAX 15 section 13.
MAX_MARKS = 8
MAX_MARKUP_CHARS = 200_000
# Real pages nest below 100; the HTML5 tree builder is quadratic in the depth.
MAX_MARKUP_DEPTH = 500

# Controls but white space; soft hyphen; zero-width, bidi and invisible operators; interlinear
# marks; noncharacters; tags.  Line and paragraph separators count as white space.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ODD = re.compile(f"{_INVISIBLE.pattern[:-1]}{_SURROGATE.pattern[1:]}")
_PRINTABLE = bytes(range(0x20, 0x7F))

_BLOCKS = {
    *("p", "br", "hr", "div", "section", "article", "header", "footer", "blockquote", "pre"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr"),
    *("figure", "figcaption", "caption"),
}
_INLINE = {"a", "b", "i", "em", "strong", "span", "sub", "sup", "u", "code", "small", "tt", "font"}
_DROPPED = {
    *("head", "title", "script", "style", "template", "noscript", "iframe", "object", "svg"),
    # MathML says each formula twice.
    *("x-annotation", "x-annotation-xml"),
}
# Read as what they are in HTML, with a prefix or without; source: NISO Z39.96 (JATS).
_FOREIGN = {
    "sec": "div",
    "list": "ul",
    "list-item": "li",
    "disp-formula": "div",
    "def-list": "dl",
    "jats:title": "h4",
    "abstract": "div",
}
_KNOWN = _BLOCKS | _INLINE | _DROPPED | {"html", "body", "img", "td", "th", "tbody", "thead"}
_BREAK = re.compile(r"<br>")
_CELL = re.compile(r"</?t[dh]>")
_TAG = re.compile(r"<[^<>]*>")
_TAG_START = re.compile(r"<(/?)[A-Za-z]")
_MAY_BE_TAG = re.compile(r"<[A-Za-z/!?]")
_TAG_NAME = re.compile(r"<(/?)([A-Za-z][\w:.-]*)")
# Tags alone: such markup needs no tree to be read.
_PLAIN = re.compile(
    rf"(?:[^<]++|</?(?:{'|'.join(sorted(_BLOCKS | _INLINE, key=len, reverse=True))})\s?/?>)*+"
)
_PLAIN_TAG = re.compile(rf"</?(?:(?P<inline>{'|'.join(sorted(_INLINE))})|[a-z0-9]+)\s?/?>")


def one_line(text: str, max_chars: int = 500) -> str:
    """Turn any text into one clean line, cut at a word with "…" where it is too long.

    Gone are control, bidi, zero-width and tag characters; line ends and other white space
    fold to one space; lone surrogates become U+FFFD; the rest is NFC.
    """
    if len(text) <= max_chars and _is_plain(text):
        return " ".join(text.split()) if "  " in text else text.strip()
    return _cut(" ".join(_clean(text[: SLACK * max_chars]).split()), max_chars)


def paragraphs(text: str, max_chars: int = 20_000) -> str:
    """Turn any text into clean paragraphs, apart by one blank line; single breaks are joined."""
    if len(text) <= max_chars and _is_plain(text):
        return " ".join(text.split()) if "  " in text else text.strip()
    blocks = (" ".join(_clean(block).split()) for block in _blocks(text[: SLACK * max_chars]))
    return _cut("\n\n".join(block for block in blocks if block), max_chars)


def from_html(markup: str) -> str:
    """Give the text of foreign HTML as clean paragraphs: no script, no style, entities once.

    Plain text passes through as `paragraphs` leaves it.
    """
    markup = markup[:MAX_MARKUP_CHARS]
    if "<" not in markup or not _MAY_BE_TAG.search(markup):
        return paragraphs(html.unescape(markup), MAX_MARKUP_CHARS)
    if _PLAIN.fullmatch(markup):
        broken = _PLAIN_TAG.sub(_break_of, markup)
        return paragraphs(html.unescape(broken), MAX_MARKUP_CHARS)
    if markup_depth(markup) > MAX_MARKUP_DEPTH:
        return paragraphs(html.unescape(_TAG.sub(" ", markup)), MAX_MARKUP_CHARS)
    clean = nh3.clean(
        _TAG_NAME.sub(_known_tag, markup),
        tags=_BLOCKS | {"td", "th"},
        clean_content_tags=_DROPPED,
        attributes={},
        generic_attribute_prefixes=set(),
        strip_comments=True,
        link_rel=None,
    )
    # What nh3 leaves has no attributes and every other "<" escaped, so a pattern may read it.
    broken = _TAG.sub("\n\n", _CELL.sub(" ", _BREAK.sub("\n", clean)))
    return paragraphs(html.unescape(broken), MAX_MARKUP_CHARS)


def markup_depth(markup: str) -> int:
    """Bound from above how deep elements nest, in one pass and without building a tree.

    HTML5 tree builders take time quadratic in the depth: 100,000 open elements, a minute.
    """
    steps = (-1 if slash else 1 for slash in _TAG_START.findall(markup))
    return max(accumulate(steps), default=0)


def fold(text: str) -> str:
    """Reduce text to what counts when two spellings are compared.

    NFKC, case folded, accents of alphabets removed, everything but letters, digits and the
    signs that belong to them (of any script) turned into single spaces.
    """
    if text.isascii():
        return " ".join(_NOT_WORD.sub(" ", text.lower()).split())
    # Twice: folding case can leave a text that NFKC changes again (Unicode 3.13, D146).
    wide = unicodedata.normalize("NFKC", _clean(text)).casefold()
    bare = unicodedata.normalize("NFKD", wide).translate(_BARE)
    return " ".join(unicodedata.normalize("NFKC", bare).split())


def tokens(text: str) -> list[str]:
    """Split text into folded words; Chinese and Japanese runs into pairs of characters."""
    found: list[str] = []
    for word in fold(text).split():
        if word.isascii():
            found.append(word)
            continue
        for run in _CJK_RUN.split(word):
            if len(run) > 2 and _CJK_RUN.fullmatch(run):
                found.extend(run[i : i + 2] for i in range(len(run) - 1))
            elif run:
                found.append(run)
    return found


# --- cleaning ---------------------------------------------------------------------------


def _is_plain(text: str) -> bool:
    """Say whether a text is printable ASCII alone, by the quickest way there is."""
    return text.isascii() and not text.encode().translate(None, _PRINTABLE)


def _blocks(text: str) -> Iterator[str]:
    """Give what stands between blank lines; U+2029 is one, too."""
    block: list[str] = []
    for line in text.replace("\u2029", "\n\n").splitlines():
        if line and not line.isspace():
            block.append(line)
        elif block:
            yield " ".join(block)
            block = []
    if block:
        yield " ".join(block)


def _break_of(tag: re.Match[str]) -> str:
    return "" if tag["inline"] else "\n" if tag[0].startswith("<br") else "\n\n"


def _known_tag(tag: re.Match[str]) -> str:
    """Name a tag so that the sanitiser keeps its text: of MathML's names, `sec`, it does not."""
    name = tag[2].lower()
    local = name.rpartition(":")[2]
    read_as = _FOREIGN.get(name) or _FOREIGN.get(local) or (local if local in _KNOWN else "")
    return f"<{tag[1]}{read_as or f'x-{local}'}"


def _clean(text: str) -> str:
    """Drop what cannot be seen and compose the rest; white space is left to the caller."""
    if text.isascii():
        return text if text.isprintable() else _INVISIBLE.sub("", text)
    seen = text
    if _ODD.search(text):
        seen = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    marks = "".join(character for character in set(seen) if unicodedata.combining(character))
    if marks:
        seen = re.sub(f"([{marks}]{{{MAX_MARKS}}})[{marks}]+", r"\1", seen)
    return unicodedata.normalize("NFC", seen)


def _cut(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    kept = text[: max_chars - 1]
    at_word = max(kept.rfind(" "), kept.rfind("\n"))
    # A "word" that fills half the line is no word: cut inside it.
    if not text[max_chars - 1].isspace() and at_word > max_chars // 2:
        kept = kept[:at_word]
    return kept.rstrip() + "…"


# --- folding ----------------------------------------------------------------------------

_NOT_WORD = re.compile(r"[^0-9a-z]+")
_CJK_RUN = re.compile(
    "([\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
# Letters that NFKD does not take apart but every keyboard does.
_PLAIN_LETTERS = {
    ord(letter): plain
    for letter, plain in zip(
        "æœøłđðħıþŧŋ", ("ae", "oe", "o", "l", "d", "d", "h", "i", "th", "t", "n"), strict=True
    )
}


class _Bare(dict[int, str]):
    """A table for str.translate that learns each character when it first meets it."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        combining = unicodedata.combining(character)
        # Accents (200 and up), overlays, Hebrew and Arabic vowel points go; the signs that
        # make another letter (kana voicing, Indic vowels, virama) stay.
        if combining >= 200 or combining == 1 or 10 <= combining <= 35:
            kept = ""
        elif unicodedata.category(character)[0] in "LMN":
            kept = character
        else:
            kept = " "
        self[code] = kept
        return kept


_BARE = _Bare(_PLAIN_LETTERS)
