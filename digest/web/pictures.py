"""Thumbnails of stored items, from our own address: no reader's browser goes elsewhere for them.

They are fetched by the guarded client of the sources, are of known image types and small, and
are kept for a while; there are none unless the operator says `mail.thumbnails = "proxied"`.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest.compose.wording import safe_url
from digest.errors import DigestError, NotFoundError
from digest.web.reading import stored_item
from digest.web.site import Here, Site

logger = logging.getLogger(__name__)

# What is kept of all pictures, and how many servers are asked at once.
KEPT_BYTES = 32 * 1024 * 1024
AT_ONCE = 4
# Beyond so many that wait, a picture is left out: a page looks well without.
MOST_WAITING = 64
WEEK = "public, max-age=604800"
# What a picture begins with -> its type.  No SVG: that is a document with scripts.
SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

router = APIRouter(include_in_schema=False)


class Gallery:
    """Fetches pictures, each once, and keeps those that were asked for last.

    Args:
        site: whose client fetches.
        kept_bytes: of all pictures together.
    """

    def __init__(self, site: Site, kept_bytes: int = KEPT_BYTES) -> None:
        self._site = site
        self._room = kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._fetched: dict[str, asyncio.Task[bytes]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def get(self, url: str) -> bytes:
        """Give a picture; b"" = there is none, or it is no picture."""
        if url in self._kept:
            self._kept.move_to_end(url)
            return self._kept[url]
        fetching = self._fetched.get(url)
        if fetching is None:
            if len(self._fetched) >= MOST_WAITING:
                return b""
            fetching = self._fetched[url] = asyncio.create_task(self._fetch(url))
            fetching.add_done_callback(lambda _: self._fetched.pop(url, None))
        # Whoever goes away must not end what others wait for.
        return await asyncio.shield(fetching)

    async def _fetch(self, url: str) -> bytes:
        async with self._turn:
            try:
                content = await self._site.fetch_picture(url)
            except DigestError as error:
                logger.info("picture not fetched: %s", str(error)[:200])
                content = b""
        content = content if picture_type(content) else b""
        # A failure takes room too, so that it is not tried again at once, nor for ever.
        self._kept[url] = content
        self._room -= len(content) + len(url)
        while self._room < 0 and self._kept:
            gone_url, gone = self._kept.popitem(last=False)
            self._room += len(gone) + len(gone_url)
        return content


def picture_type(content: bytes) -> str | None:
    """Say which image type the bytes begin as, None = none that is shown."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in SIGNS if content.startswith(sign)), None)


async def gallery_of(request: Request) -> Gallery:
    """Give the gallery of the site that a request came to."""
    gallery: Gallery = request.app.state.gallery
    return gallery


@router.get("/thumbnail/{item_id}")
async def thumbnail(
    site: Here, gallery: Annotated[Gallery, Depends(gallery_of)], item_id: str
) -> Response:
    item = await run_in_threadpool(stored_item, site, item_id)
    url = safe_url(item.thumbnail) if site.has_pictures else None
    content = await gallery.get(url) if url else b""
    kind = picture_type(content)
    if kind is None:
        raise NotFoundError("picture: there is none")
    # Webmail shows it from an address of its own.
    headers = {"Cache-Control": WEEK, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(content, media_type=kind, headers=headers)
