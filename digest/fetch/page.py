"""Any HTML listing to a Listing, by CSS selectors in the settings.

Without selectors it reads what most listing pages look like: `article` elements with a
heading.  Pure; nothing is fetched, no script runs.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from digest.errors import ParseError
from digest.fetch.markup import read_markup
from digest.fetch.values import count, day
from digest.fetch.work import MAX_AUTHORS, MAX_TERMS, Work, collect, split_names
from digest.model import Listing, Source
from digest.spellings import canonical_link
from digest.text import from_html, markup_depth, one_line

KIND = "page"
# What most listing pages look like.
USUAL = {
    "item": "article",
    "title": "h1, h2, h3, h4",
    "summary": "p",
    "date": "time",
    "next": 'a[rel~="next"], link[rel~="next"]',
}
# Real pages stay far below; at 20,000 the tree builder takes two seconds.
MAX_DEPTH = 20_000
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
# "time@datetime": the attribute in place of the text.
_ATTRIBUTE = re.compile(r"(?P<selector>.*?)\s*@(?P<attribute>[A-Za-z][\w:-]{0,40})", re.DOTALL)


class Selectors:
    """The selectors of a `[sources.selectors]` table, gaps filled with the usual ones.

    Args:
        given: field -> CSS selector, perhaps with "@attribute" behind it; "" = not there.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._selectors = {**USUAL, **{field: one for field, one in given.items() if one}}

    def items(self, page: LexborHTMLParser) -> list[LexborNode]:
        """Give the elements of the items, in the page's order."""
        return _select(page, "item", self._selectors["item"])

    def next_page(self, page: LexborHTMLParser) -> str:
        """Give the next page's address as it stands there, "" where there is none."""
        return self._value(page, "next", "href")

    def read(self, item: LexborNode) -> Work:
        """Give the work of one item.

        Raises:
            ParseError: a selector is none.
        """
        authors = self._values(item, "authors", MAX_AUTHORS)
        return Work(
            title=self._value(item, "title"),
            summary="\n\n".join(self._values(item, "summary", MAX_TERMS)),
            authors=split_names(authors[0]) if len(authors) == 1 else authors,
            organisation=self._value(item, "organisation"),
            arxiv=self._value(item, "arxiv"),
            doi=self._value(item, "doi"),
            guid=self._value(item, "id"),
            page=self._link(item),
            pdf=self._value(item, "pdf", "href"),
            categories=self._values(item, "categories", MAX_TERMS),
            published_on=self._day(item),
            upvotes=count(self._value(item, "upvotes")),
            comments=count(self._value(item, "comments")),
        )

    def _link(self, item: LexborNode) -> str:
        """Give the item's address: the selected one, else the title's, else the first there is."""
        if "link" in self._selectors:
            return self._value(item, "link", "href")
        titles = _select(item, "title", _ATTRIBUTE.sub(r"\g<selector>", self._selectors["title"]))
        places = [*titles[:1], *([titles[0].parent] if titles else []), item]
        for place in filter(None, places):
            for node in (place, *place.css("a[href]")[:1]):
                if node.tag == "a" and (link := _content(node, "href")):
                    return link
        return ""

    def _day(self, item: LexborNode) -> date | None:
        """Give the item's date: as machines are told it, else as it can be read."""
        spellings = [self._value(item, "date", name) for name in ("datetime", "content", "")]
        return next(filter(None, map(day, spellings)), None)

    def _value(self, where: LexborHTMLParser | LexborNode, field: str, attribute: str = "") -> str:
        return next(iter(self._values(where, field, 1, attribute)), "")

    def _values(
        self,
        where: LexborHTMLParser | LexborNode,
        field: str,
        most: int,
        attribute: str = "",
    ) -> list[str]:
        selector = self._selectors.get(field, "")
        if not selector:
            return []
        if named := _ATTRIBUTE.fullmatch(selector):
            selector, attribute = named["selector"], named["attribute"]
        nodes = _select(where, field, selector)[:most]
        values = (_content(node, attribute) for node in nodes)
        return [value for value in values if value]


def parse(
    content: bytes,
    source: Source,
    fetched_at: datetime,  # noqa: ARG001 every parser takes the same
    *,
    base: str = "",
    charset: str | None = None,
) -> Listing:
    """Read a page by the source's selectors.

    Args:
        base: where it came from, for relative links.
        charset: what the server said; a byte order mark stands above it.

    Raises:
        ParseError: a selector is none, or finds no item: another page, or a new layout.
    """
    told = _CHARSET.search(content, 0, 4096)
    markup = read_markup(content, charset or (told[1].decode("ascii") if told else None))
    if markup_depth(markup.text) > MAX_DEPTH:
        raise ParseError("expected a page, got markup nested too deep", source=source.name)
    page = LexborHTMLParser(markup.text)
    given = source.options.get("selectors")
    selectors = Selectors(given if isinstance(given, Mapping) else {})
    items = selectors.items(page)
    if not items:
        heading = page.css_first("title")
        shown = one_line(heading.text() if heading else "", 80)
        raise ParseError(
            f'selectors.item finds nothing on the page "{shown}": another page, or a new layout',
            source=source.name,
        )
    anchor = page.css_first("base[href]")
    base = canonical_link((anchor.attributes.get("href") if anchor else "") or "", base) or base
    collected = collect(items, selectors.read, source, base=base)
    following = selectors.next_page(page)
    return Listing(
        kind=KIND,
        announcements=collected.announcements,
        next_url=canonical_link(following, base) if following else None,
        warnings=(*markup.warnings, *collected.warnings),
    )


def _select(where: LexborHTMLParser | LexborNode, field: str, selector: str) -> list[LexborNode]:
    # Nothing before "@" means the item itself; the parser does not know ":scope".
    if selector in ("", ":scope") and isinstance(where, LexborNode):
        return [where]
    try:
        return where.css(selector)
    except SelectolaxError as error:
        raise ParseError(
            f'selectors.{field}: no CSS selector: "{one_line(selector, 100)}"', permanent=True
        ) from error


def _content(node: LexborNode, attribute: str) -> str:
    if attribute:
        return (node.attributes.get(attribute) or "").strip()
    # Elements inside may be blocks, that part words, or marks, that do not.
    has_elements = next(node.iter(), None) is not None
    return from_html(node.html or "") if has_elements else node.text().strip()
