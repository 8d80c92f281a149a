"""Text to folded words: the one reading of text that features, keywords and reasons share.

A word is folded (case, accents, compatibility forms, plural ending), so "Graphs" finds
"graph".  Han and kana characters are words of their own: neighbours then make the phrases
that a script without spaces does not mark.  "C++", "C#" and ".NET" are words; other signs
only part words.  TeX markup left in a title is dropped.
"""

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

from digest.model import Described

MAX_CHARACTERS = 20_000  # of a summary; what stands behind is no abstract any more

_WORD = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]|[^\\W_"
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+(?:\\+\\+|#)?"
    r"|\.(?i:net)(?![^\W_])"
)
_TEX = re.compile(r"\\[a-zA-Z]+\*?|\\[^a-zA-Z]|[${}~^]")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6});?")


def words(text: str) -> list[str]:
    """Read the folded words of a text, in order."""
    return [fold(word) for word in _WORD.findall(_plain(text))]


def placed_words(text: str) -> tuple[str, list[tuple[str, int, int]]]:
    """Read a text's words in order: the text as read, and each (folded, start, end) in it."""
    plain = _plain(text)
    return plain, [(fold(one[0]), one.start(), one.end()) for one in _WORD.finditer(plain)]


def item_text(item: Described) -> str:
    """Join what an item says of itself: title, summary and keywords, sentences apart."""
    return ". ".join((item.title, item.summary[:MAX_CHARACTERS], *item.keywords))


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """Fold one word: no case, no accents, no compatibility forms, no English plural."""
    if not word.isascii():
        marked = unicodedata.normalize("NFKD", word)
        bare = "".join(c for c in marked if not unicodedata.combining(c))
        word = unicodedata.normalize("NFC", bare)
    word = word.casefold()
    if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui":
        return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    return word


def _plain(text: str) -> str:
    """Drop TeX commands and entities; compose accents, so that a letter is one character."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\\" in text or "$" in text or "{" in text:
        text = _TEX.sub(lambda found: "" if found[0] in "{}$" else " ", text)
    return _ENTITY.sub(" ", text) if "&" in text else text


# The list of the Glasgow Information Retrieval Group, folded.  scikit-learn has it too, and
# takes two seconds to import.
STOP_WORDS = frozenset(files("digest.rank").joinpath("stop_words.txt").read_text("utf-8").split())
