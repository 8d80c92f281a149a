"""Where a day can be had that a feed of arXiv showed while nobody read it.

Pure.  A feed holds one day only; the query API knows by submission what was announced.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from urllib.parse import urlencode, urlsplit

from digest.fetch.arxiv_days import missed_days, submitted_until

# Source: arXiv's category taxonomy: an archive, or a class of one.
CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z]{2}|\.[a-z]+(?:-[a-z]+)*)?", re.ASCII)
# Terms of use of the query API: pages of at most 2,000.
MAX_PAGE_ITEMS = 2_000
# Longer gaps are not filled: what is older goes into no digest.
LONGEST_GAP = timedelta(days=14)
# Source: arXiv's list pages: `recent` goes back over five announcements.
RECENT_SPAN = timedelta(days=6)

_FEED_PATH = re.compile(r"/(?:rss|atom)/(?P<categories>[\w.+-]+)/?")
_LIST_PATH = re.compile(r"/list/(?P<categories>[\w.-]+)/new/?")


def gap_address(url: str, last: date, shown: date) -> str | None:
    """Give the query for what a feed or list of new papers showed on missed days, if any.

    Args:
        url: of the source; one that shows several days (`recent`, a query) has no gaps.
        last: day of the last listing read; shown: day of the present one.
    """
    categories = _categories(url)
    missed = missed_days(last, shown)
    if not categories or not missed or shown - last > LONGEST_GAP:
        return None
    since, until = (
        f"{submitted_until(day).astimezone(UTC):%Y%m%d%H%M}" for day in (last, missed[-1])
    )
    dated = f"({_search(categories)}) AND submittedDate:[{since} TO {until}]"
    return _query_address(dated)


def recent_addresses(url: str, last: date, shown: date) -> list[str]:
    """Give the list pages that show the missed days, one a category; without abstracts.

    Empty where the days lie further back than those pages go.
    """
    missed = missed_days(last, shown)
    if not missed or shown - missed[0] > RECENT_SPAN:
        return []
    return [f"https://arxiv.org/list/{name}/recent?skip=0&show=2000" for name in _categories(url)]


def gap_days(last: date, shown: date) -> str:
    """Say for the operator which days were missed."""
    return ", ".join(day.isoformat() for day in missed_days(last, shown))


def _categories(url: str) -> list[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host != "arxiv.org" and not host.endswith(".arxiv.org"):
        return []
    found = _FEED_PATH.fullmatch(parts.path) or _LIST_PATH.fullmatch(parts.path)
    names = re.split(r"[+ ]", found["categories"]) if found else []
    return [name for name in names if CATEGORY.fullmatch(name)]


def _search(categories: Sequence[str]) -> str:
    # An archive stands for all its classes.
    names = (name if "." in name else f"{name}*" for name in categories)
    return " OR ".join(f"cat:{name}" for name in names)


def _query_address(search: str) -> str:
    query = {
        "search_query": search,
        "start": 0,
        "max_results": MAX_PAGE_ITEMS,
        "sortBy": "submittedDate",
        "sortOrder": "descending",
    }
    return f"https://export.arxiv.org/api/query?{urlencode(query)}"
