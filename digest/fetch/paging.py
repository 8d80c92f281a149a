"""A listing of many pages: where it goes on, how far it is followed, what a page adds.

Pure.  An archive without end is followed for a few pages only: what is old there was seen
before, or is no news.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

from digest.model import Listing

MAX_ITEMS = 5_000
MAX_PAGES = 40
# Of an address of the Hub that names no day, week or month, and of kinds that never end.
MAX_ARCHIVE_PAGES = 3
ARCHIVES = ("api", "page")
HUB_PATH = "/api/daily_papers"
HUB_PERIODS = ("date", "week", "month")
# Source: huggingface.co/api/daily_papers, entries a page where the address says no limit.
HUB_LIMIT = 50


def next_address(
    listing: Listing, url: str, linked: str | None, *, most: int | None, read: int
) -> str | None:
    """Say where a listing goes on; None where it ends or is followed no further.

    Args:
        listing: the last page read.
        url: where that came from.
        linked: what the server's Link header calls the next page (RFC 8288); only the Hub's
            is followed, since a feed's leads into its archive.
        most: pages that the source's settings allow, None where they do not say.
        read: pages read so far.
    """
    address = listing.next_url
    limit = MAX_ARCHIVE_PAGES if listing.kind in ARCHIVES else MAX_PAGES
    if listing.kind == "huggingface" and urlsplit(url).path.endswith(HUB_PATH):
        query = parse_qs(urlsplit(url).query)
        is_period = any(name in query for name in (*HUB_PERIODS, "p"))
        limit = MAX_PAGES if is_period else MAX_ARCHIVE_PAGES
        address = linked or (_next_hub_page(url, listing) if is_period else None)
    if not address or not listing.announcements or read >= (most or limit):
        return None
    following = urljoin(url, address)
    # A listing may lead on within its own server only: it must not choose whom we ask.
    return following if _origin(following) == _origin(url) and following != url else None


def adds_items(pages: Sequence[Listing]) -> bool:
    """Say whether the last page shows anything that those before it do not."""
    known = {one.keys[0] for page in pages[:-1] for one in page.announcements}
    count = sum(len(page.announcements) for page in pages)
    return count < MAX_ITEMS and any(one.keys[0] not in known for one in pages[-1].announcements)


def _next_hub_page(url: str, listing: Listing) -> str | None:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    limit, page = query.get("limit", str(HUB_LIMIT)), query.get("p", "0")
    if not (limit.isascii() and limit.isdigit() and page.isascii() and page.isdigit()):
        return None
    if len(listing.announcements) < int(limit):
        return None
    return parts._replace(query=urlencode(query | {"p": str(int(page) + 1)})).geturl()


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
