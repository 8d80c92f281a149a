r"""The TeX of arXiv's titles and abstracts, made readable.  Pure, bounded, never raises."""

import logging
import re
from functools import lru_cache

from pylatexenc.latex2text import (  # type: ignore[import-untyped,unused-ignore]
    LatexNodes2Text,
    MacroTextSpec,
    get_default_latex_context_db,
)
from pylatexenc.latexwalker import LatexWalkerError  # type: ignore[import-untyped,unused-ignore]

MAX_TEX_CHARS = 20_000
MAX_TEX_FRAGMENTS = 300
MAX_TEX_FRAGMENT_CHARS = 1_000

_XSPACE = re.compile(r"\\xspace(?![A-Za-z])\s*(?=\w)")
_QUOTES = re.compile(r"``([^`']{1,300})''")
_URL = re.compile(r"\\url\s*\{([^{}]*)\}")
_HREF = re.compile(r"\\href\s*\{([^{}]*)\}\s*(?=\{)")

# Three levels are read, deeper ones stay raw; possessive, so a failing match costs one pass.
_GROUP = r"\{[^{}]*+(?:\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}[^{}]*+)*+\}"
_TEX = re.compile(
    # Pandoc's rule: no space inside the dollars, no digit behind them.
    rf"\$\$[^$]{{1,{MAX_TEX_FRAGMENT_CHARS}}}\$\$"
    rf"|\$(?![\s$])(?:[^$\\]|\\.){{1,{MAX_TEX_FRAGMENT_CHARS}}}+(?<!\s)\$(?!\d)"
    rf"|\\\([^$]{{1,{MAX_TEX_FRAGMENT_CHARS}}}?\\\)"
    rf"|\\\[[^$]{{1,{MAX_TEX_FRAGMENT_CHARS}}}?\\\]"
    # Accents: \'e \"{o} \^\i \v{c} \c c; letters: \o, \aa; then any macro with its groups.
    rf"|\\['\"`^~=.]\s*(?:{_GROUP}|\\?[A-Za-z])"
    rf"|\\[cvuHkrdbt](?:\s*{_GROUP}|\s+[A-Za-z](?![A-Za-z]))"
    r"|\\(?:aa|AA|ae|AE|oe|OE|o|O|l|L|ss|i|j)(?![A-Za-z])(?:\{\}|\s+(?=[a-z]))?"
    rf"|\\[A-Za-z]+\*?(?:\[[^\[\]]{{0,100}}\])?(?:\s*{_GROUP})*+"
    r"|\\[^A-Za-z\s]|\\\s"
    rf"|{_GROUP}",
    re.DOTALL,
)
_MACRO_NAME = re.compile(r"\\[A-Za-z]+\*?")
_TEX_SPECIAL = re.compile(r"(?<!\\)[%&#]")
_MONEY = re.compile(r"\$\d[^\\^_{}=<>+]*\s[^\\^_{}=<>+]*\$")
_STYLES = (
    *("em", "bf", "it", "sl", "sc", "tt", "rm", "sf", "bfseries", "itshape", "ttfamily"),
    *("xspace", "displaystyle", "textstyle", "limits"),
)
_STYLE = re.compile(rf"\\(?:{'|'.join(_STYLES)})")
_FRACTION = re.compile(r"\\[dt]frac(?![A-Za-z])")
_SPACES = re.compile(r"\s+")
_DELIMITERS = re.compile(r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])")

# The converter logs what it cannot do, with the text in it; a foreign title is no log line.
logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)


def from_tex(text: str) -> str:
    r"""Make the TeX in arXiv's titles and abstracts readable; all other text stays as it is.

    Only fragments that are TeX beyond doubt are converted, one by one: `$math$`, macros with
    their arguments, accents, groups in braces, quotes of two backticks.  So `0<x<1`, `$5`,
    `50 %`, `a & b` never reach a TeX parser.  A fragment that cannot be converted, or would
    lose words, stays raw.
    """
    if not may_hold_tex(text) or len(text) > MAX_TEX_CHARS:
        return text
    if "\\xspace" in text:
        text = _XSPACE.sub(" ", text)
    if "``" in text:
        text = _QUOTES.sub("“\\1”", text)
    return _TEX.sub(lambda match: _readable(match[0]), text, count=MAX_TEX_FRAGMENTS)


def may_hold_tex(text: str) -> bool:
    """Say whether a text holds a sign that TeX cannot do without; most hold none."""
    return "$" in text or "\\" in text or "{" in text or "``" in text


@lru_cache(maxsize=4096)
def _readable(fragment: str) -> str:
    """Convert one fragment of TeX, or give it back raw where words would be lost."""
    if len(fragment) > 2 * MAX_TEX_FRAGMENT_CHARS or _MONEY.fullmatch(fragment):
        return fragment
    if _STYLE.fullmatch(fragment):
        return ""
    source = _HREF.sub("", _FRACTION.sub(r"\\frac", fragment))
    if source.startswith("\\url"):
        return _URL.sub(r"\1", source.replace("}{", "} ")).rstrip("}")
    source = _TEX_SPECIAL.sub(r"\\\g<0>", _DELIMITERS.sub("", source))
    try:
        result = str(_converter().latex_to_text(source))
    # What broken TeX makes of the converter; LookupError also says "unknown macro".
    except (LatexWalkerError, RecursionError, LookupError, TypeError, ValueError, AttributeError):
        return fragment
    expected = sum(map(str.isalnum, _MACRO_NAME.sub("", source)))
    lost_words = 2 * sum(map(str.isalnum, result)) < expected
    if lost_words or "%s" in result:  # the converter's own template: an argument is missing
        return fragment
    return " ".join(result.split()) if expected else _SPACES.sub(" ", result)


def _refuse_unknown(node: object) -> str:
    raise LookupError(node)


@lru_cache(maxsize=1)
def _converter() -> LatexNodes2Text:
    """Build the converter once: the default macros, some mended, unknown ones refused."""
    context = get_default_latex_context_db()
    mended = [MacroTextSpec(name, "%s") for name in ("texttt", "mbox", "hbox")]
    mended += [MacroTextSpec(name, "") for name in (*_STYLES, "-")]
    mended.append(MacroTextSpec("|", "‖"))
    context.add_context_category("mended", macros=mended, prepend=True)
    context.set_unknown_macro_spec(MacroTextSpec("", simplify_repl=_refuse_unknown))
    return LatexNodes2Text(
        latex_context=context, math_mode="text", strict_latex_spaces=False, keep_comments=True
    )
