"""The style sheet of the mail, written into the elements of its templates."""

import re
from functools import cache

from css_inline import CSSInliner, InlineError

JINJA = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
KEPT_RULES = re.compile(r"(?<=<head>)(<style>.*?</style>)(.*?)(?=</head>)", re.DOTALL)


@cache
def inline_style(source: str, style_sheet: str) -> str:
    """Write a style sheet into the elements of a template; its Jinja2 parts stay untouched.

    A whole document keeps the at-rules of the sheet in its head; a fragment takes only
    what can stand in `style` attributes.  Inside a tag, Jinja2 may stand in the values of
    attributes only.

    Raises:
        ValueError: the markup or the style sheet cannot be read.
    """
    parts: list[str] = []

    def veiled(text: str) -> str:
        pieces = JINJA.split(text)
        for place in range(1, len(pieces), 2):
            parts.append(pieces[place])
            token = f"jinja{len(parts) - 1}part"
            before = "".join(pieces[:place])
            # A comment may stand where text would be moved about, as between table rows.
            in_tag = before.rfind("<") > before.rfind(">")
            is_statement = not pieces[place].startswith("{{")
            pieces[place] = f"<!--{token}-->" if is_statement and not in_tag else token
        return "".join(pieces)

    markup, rules = veiled(source), re.sub(r"<!--|-->", "", veiled(style_sheet))
    try:
        if "<html" in markup:
            inliner = CSSInliner(
                extra_css=rules, keep_at_rules=True, load_remote_stylesheets=False, minify_css=True
            )
            # The kept rules come first, which moves the charset beyond the 1024 bytes in which
            # HTML asks for it.
            styled = KEPT_RULES.sub(r"\2\1", inliner.inline(markup))
        else:
            inliner = CSSInliner(load_remote_stylesheets=False, minify_css=True)
            styled = inliner.inline_fragment(markup, rules)
    except InlineError as error:
        raise ValueError(f"style sheet: {error}") from error
    restored = re.sub(
        r"(?:<!--|&lt;!--)?jinja(\d+)part(?:-->|--&gt;)?",
        lambda match: parts[int(match[1])],
        styled,
    )
    return restored.rstrip("\n") + "\n"
