"""Items and digests as the pages show them: in words, every text from outside made tame."""

from collections.abc import Sequence
from dataclasses import dataclass

from digest.compose import headings, wording
from digest.compose.extract import telling_sentences
from digest.compose.telling import said_reasons
from digest.model import Digest, Item, MentionKind, ReasonKind
from digest.render import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One item, ready to be shown."""

    title: str
    url: str | None
    own_page: str
    authors: str
    organisation: str
    extract: str
    paragraphs: tuple[str, ...]
    is_ai: bool
    votes: str
    comments: str
    links: tuple[wording.Link, ...]
    language: str
    sources: str
    picture: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickView:
    """One pick; `section` names the interest that begins with it."""

    place: int
    item: ItemView
    reasons: tuple[str, ...]
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionsView:
    """What a digest names under one heading: the items, and why each is there."""

    heading: str
    lines: tuple[tuple[ItemView, str], ...]


def view_item(language: Language, item: Item, *, has_pictures: bool = False) -> ItemView:
    """Give an item in a language's words."""
    is_pictured = has_pictures and wording.safe_url(item.thumbnail)
    votes, comments = wording.counts(language, item.upvotes, item.comments)
    return ItemView(
        title=wording.title(item),
        url=wording.page(item),
        own_page=f"/item/{item.id}",
        authors=wording.authors(language, item),
        organisation=wording.organisation(item),
        extract=telling_sentences(item.ai_summary or item.summary, ()),
        paragraphs=tuple(item.summary.split("\n\n")) if item.summary else (),
        is_ai=bool(item.ai_summary),
        votes=votes,
        comments=comments,
        links=wording.links(language, item),
        language=wording.language_tag(item.language),
        sources=", ".join(item.sources),
        picture=f"/thumbnail/{item.id}" if is_pictured else "",
    )


def view_picks(language: Language, digest: Digest) -> list[PickView]:
    """Give a digest's picks in order, with their reasons."""
    shown: list[PickView] = []
    section: str | None = None
    for pick in digest.picks:
        name = wording.section_name(language, pick.interest)
        reasons = said_reasons(pick)
        shown.append(
            PickView(
                place=pick.place,
                item=view_item(language, pick.item),
                reasons=tuple(
                    wording.reason_words(language, ReasonKind(kind), value)
                    for kind, value in reasons
                ),
                section="" if name == section else wording.line(name, wording.NAME_ROOM),
            )
        )
        section = name
    return shown


def view_mentions(language: Language, digest: Digest) -> list[MentionsView]:
    """Give what a digest names without carrying it, a heading for each kind that there is."""
    return [
        MentionsView(
            heading=headings.mention_heading(language, kind, digest),
            lines=tuple(
                (
                    view_item(language, one.item),
                    headings.mention_note(language, one, digest.edition),
                )
                for one in digest.mentions
                if one.kind is kind
            ),
        )
        for kind in MentionKind
        if any(one.kind is kind for one in digest.mentions)
    ]


def view_items(
    language: Language, items: Sequence[Item], *, has_pictures: bool = False
) -> list[ItemView]:
    """Give items in a language's words."""
    return [view_item(language, item, has_pictures=has_pictures) for item in items]
