"""Hugging Face listings saved as markdown: a heading for each paper, links in three spellings.

Links may be inline (`[text](address)`), numbered (`[text][35]`, addresses at the end or
lost) or plain; abstracts may be hard-wrapped, with or without backslashes before the breaks;
votes stand before the title in a box of their own, or after the abstract.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

from digest.fetch.card import (
    COUNT,
    SITE,
    Card,
    read_author_count,
    read_count,
    read_day,
    read_organisation,
    read_paper_id,
)

MAX_VOTE_BOX_CHARS = 40
MAX_BODY_CHARS = 50_000

_TARGET = r"(?:\((?P<link>[^()\s]{1,500})\)|\[(?P<number>\d{1,5})\])"
HEADING = re.compile(
    # "### [Title](address)", the title perhaps over two or three lines ...
    rf"^\#\#\#[ ]\[(?P<linked>[^\n]{{1,600}}(?:\n[^\n\#]{{1,300}}){{0,3}}?)\]{_TARGET}[ ]*$"
    # ... or "### Title", its second line set in.
    r"|^\#\#\#[ ](?P<plain>[^\[\n][^\n]{0,600}(?:\n[ ]{2,}[^\n]{1,300}){0,3})$",
    re.MULTILINE | re.VERBOSE,
)
_REFERENCE = re.compile(r"^ {0,3}\[?(?P<number>\d{1,5})[\]:.]{1,2} +(?P<link>https?://\S+)$", re.M)

# "[", "65", "][35]" right before the next title.
_VOTE_BOX = re.compile(rf"\[\n(?P<count>-|{COUNT})\n\]\[\d{{1,5}}\]\s*\Z")
# "[101](https://huggingface.co/login?next=%2Fpapers%2F2606.00683)", "Upvote" perhaps before.
_VOTE_LINK = re.compile(
    rf"\[(?:Upvote\s+)?(?P<count>-|{COUNT})\]"
    rf"\({re.escape(SITE)}/login\?next=(?P<path>[^()\s]{{1,200}})\)"
)
_WRAPPED_ABSTRACT = re.compile(
    r"\s*\[(?![\[!]|[-*] )(?P<text>.+?)\](?:\(https?://[^()\s]+\)|\[\d+\])", re.DOTALL
)
# What may follow an abstract that is no link: each of these opens a line.
_AFTER_ABSTRACT = re.compile(
    r"^(?:\[?\n?[ ]*[-*•][ ]+(?:\d+ authors?\b|!\[|\[图片|$)|\[?- ?$|\[\[|\[!\[|\[Upvote\b|"
    r"\[(?:LINK: )?GitHub\b|·|\[arXiv Page\]|Submitted by$|<a id=)",
    re.M,
)
_ORGANISATION = re.compile(
    r"\[(?:!\[[^\[\]\n]{0,200}\]\([^()\s]{0,500}\)|\[[^\[\]\n]{0,200}\])"
    r"\s*(?P<name>[^\[\]\n]{1,200})\](?:\([^()\s]+\)|\[\d+\])"
)
_AUTHOR_LINE = re.compile(r"^[ \[*•-]*\d+ authors?\b", re.M)
_DATE = re.compile(r"·\s*(?:Published on\s+)?(?=[A-Z][a-z]{2})")
_COMMENTS = re.compile(rf"[ ]?\[?[ ]?(?P<count>{COUNT})(?:\]|\s|$)")
_CODE = re.compile(r"\[(?:LINK: )?GitHub\b[^\[\]\n]{0,20}\]\((?P<link>[^()\s]{1,500})\)")
_BREAK_MARK = re.compile(r"(?<!\\)\\++(?=\n)|\\\s(?=\s)")


def read_headed(document: str) -> Iterator[Card]:
    """Read the cards of a document with a heading for each paper, doubled ones twice."""
    address_by_number = {m["number"]: m["link"] for m in _REFERENCE.finditer(document)}
    upvotes_by_id: dict[str, int | None] = {}
    for vote in _VOTE_LINK.finditer(document):
        if paper_id := read_paper_id(unquote(vote["path"])):
            upvotes_by_id[paper_id] = read_count(vote["count"])
    headings = list(HEADING.finditer(document))
    above = document[: headings[0].start()] if headings else ""
    ends = [heading.start() for heading in headings[1:]] + [len(document)]
    for heading, end in zip(headings, ends, strict=True):
        box = _VOTE_BOX.search(above[-MAX_VOTE_BOX_CHARS:])
        above = document[heading.end() : end]
        link = heading["link"] or address_by_number.get(heading["number"] or "", "")
        paper_id = read_paper_id(link)
        if heading["link"] and not paper_id:
            continue
        body = above[:-MAX_VOTE_BOX_CHARS] + _VOTE_BOX.sub("", above[-MAX_VOTE_BOX_CHARS:])
        card = _read_body(_VOTE_LINK.sub("", body[:MAX_BODY_CHARS]))
        title = _BREAK_MARK.sub(" ", heading["linked"] or heading["plain"])
        upvotes = upvotes_by_id.get(paper_id or "", read_count(box["count"]) if box else None)
        yield replace(card, title=title, paper_id=paper_id, upvotes=upvotes)


def _read_body(body: str) -> Card:
    """Read what stands between two headings; the title is left to the caller."""
    if wrapped := _WRAPPED_ABSTRACT.match(body):
        summary, rest = wrapped["text"], body[wrapped.end() :]
    else:
        after = _AFTER_ABSTRACT.search(body)
        cut = after.start() if after else len(body)
        summary, rest = body[:cut], body[cut:]
    authors = _AUTHOR_LINE.search(rest)
    organisation = None if authors else _ORGANISATION.search(rest)
    code = _CODE.search(rest)
    dated = _DATE.search(rest)
    day, tail = (dated and read_day(rest[dated.end() :])) or (None, "")
    comments = _COMMENTS.match(tail)
    return Card(
        title="",
        summary=_BREAK_MARK.sub(" ", summary),
        author_count=read_author_count(authors[0]) if authors else None,
        organisation=read_organisation(organisation["name"]) if organisation else None,
        day=day,
        comments=read_count(comments["count"]) if comments else None,
        code=code["link"] if code else None,
    )
