"""Atom and JSON feeds: of the public list, and of one reader's own digests."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree as Tree

from fastapi import APIRouter
from starlette.responses import Response

from digest.compose import wording
from digest.links import Purpose
from digest.model import Item
from digest.store.digests import digests_of
from digest.web.reading import latest_day, stretch_of
from digest.web.site import Site

ATOM = "http://www.w3.org/2005/Atom"
OWN_DIGESTS = 7
Format = Literal["atom", "json"]


def feed_pages(site: Site) -> APIRouter:
    """Give the routes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/feed.{kind}")
    def public_feed(kind: Format) -> Response:
        found = stretch_of(site, latest_day(site)).items
        dated = [(item, item.eligible_at or item.first_seen_at) for item in found]
        return answer(site, kind, f"{site.links.base_url}/feed", dated)

    @router.get("/f/{token}/{kind}")
    def own_feed(token: str, kind: Format) -> Response:
        _site, subscriber = site.reader(Purpose.FEED, token)
        with site.database.read() as connection:
            past = digests_of(connection, subscriber.id, OWN_DIGESTS)
        dated = [(pick.item, digest.composed_at) for digest in past for pick in digest.picks]
        # The address of the feed is a secret, so its id is not that.
        return answer(site, kind, f"urn:uuid:{subscriber.id}", dated)

    return router


def answer(
    site: Site, kind: Format, feed_id: str, dated: Iterable[tuple[Item, datetime]]
) -> Response:
    """Answer with a feed of items, each with the instant it came."""
    entries = list(dated)
    if kind == "atom":
        return Response(atom(site, feed_id, entries), media_type="application/atom+xml")
    return Response(json_feed(site, entries), media_type="application/feed+json")


def atom(site: Site, feed_id: str, dated: list[tuple[Item, datetime]]) -> bytes:
    """Write an Atom feed.  RFC 4287."""
    Tree.register_namespace("", ATOM)
    feed = Tree.Element(f"{{{ATOM}}}feed")

    def add(parent: Tree.Element, name: str, text: str = "", **attributes: str) -> Tree.Element:
        element = Tree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
        element.text = text
        return element

    add(feed, "id", feed_id)
    add(feed, "title", site.settings.mail.logo_text)
    add(feed, "link", href=f"{site.links.base_url}/")
    add(feed, "updated", max((at for _, at in dated), default=site.clock()).isoformat())
    add(add(feed, "author"), "name", site.settings.mail.logo_text)
    for item, at in dated:
        entry = add(feed, "entry")
        add(entry, "id", f"urn:uuid:{item.id}")
        add(entry, "title", wording.title(item))
        add(entry, "link", href=_link(site, item))
        add(entry, "updated", at.isoformat())
        for author in item.authors[:50]:
            add(add(entry, "author"), "name", author)
        add(entry, "summary", item.summary)
    return bytes(Tree.tostring(feed, encoding="utf-8", xml_declaration=True))


def json_feed(site: Site, dated: list[tuple[Item, datetime]]) -> str:
    """Write a JSON Feed, version 1.1 (jsonfeed.org)."""
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": site.settings.mail.logo_text,
            "home_page_url": f"{site.links.base_url}/",
            "items": [
                {
                    "id": item.id,
                    "url": _link(site, item),
                    "title": wording.title(item),
                    "content_text": item.summary,
                    "date_published": at.isoformat(),
                    "authors": [{"name": author} for author in item.authors[:50]],
                }
                for item, at in dated
            ],
        },
        ensure_ascii=False,
    )


def _link(site: Site, item: Item) -> str:
    return wording.page(item) or f"{site.links.base_url}/item/{item.id}"
