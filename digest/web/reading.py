"""The pages for everybody: the day's items, the archive, search, and an item by itself."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from digest.errors import NotFoundError
from digest.model import Interest, Item, Reader
from digest.render import Form
from digest.store.archive import (
    Stretch,
    common_topics,
    latest_news_at,
    read_stretch,
    resembling_items,
    search_items,
)
from digest.store.items import find_item
from digest.web.site import Here, Site
from digest.web.views import view_item, view_items

ITEMS_A_PAGE = 40
FOUND_A_PAGE = 30
MOST_PAGES = 60
# Items that the ranker compares with one, and how many of them are shown.
COMPARED, SIMILAR = 200, 4
# Topics are those of so many of the newest items.
TOPICS_OF, TOPICS_LISTED, TOPICS_ON_TOP = 3000, 200, 8
FIRST_DAY = date(1990, 1, 1)
DAY = timedelta(days=1)

Page = Annotated[int, Query(ge=1, le=1000)]

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


def stretch_of(site: Site, on: date, page: int = 1) -> Stretch:
    """Read one page of the items that became news on a day of the operator's time zone."""
    zone = ZoneInfo(site.settings.digest.timezone)
    since, until = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (on, on + DAY))
    with site.database.read() as connection:
        return read_stretch(
            connection, since, until, limit=ITEMS_A_PAGE, skip=(page - 1) * ITEMS_A_PAGE
        )


def latest_day(site: Site) -> date:
    """Give the last day that brought news, today if there was none yet."""
    with site.database.read() as connection:
        newest = latest_news_at(connection)
    return local_day(site, newest or site.clock())


def local_day(site: Site, at: datetime) -> date:
    """Give the day of an instant in the operator's time zone."""
    return at.astimezone(ZoneInfo(site.settings.digest.timezone)).date()


def day_page(site: Site, on: date | None, page: int) -> Form:
    """Render the items of a day around a hole for the form's stamp; None = the latest day."""
    on = on or latest_day(site)
    stretch = stretch_of(site, on, page)
    with site.database.read() as connection:
        topics = common_topics(connection, TOPICS_OF, TOPICS_ON_TOP)
    return site.form(
        "home.html",
        ("stamp",),
        on=on,
        items=view_items(site.language, stretch.items, has_pictures=site.has_pictures),
        count=stretch.count,
        before=local_day(site, stretch.before) if stretch.before else None,
        after=local_day(site, stretch.after) if stretch.after else None,
        next_page=page + 1 if stretch.count > page * ITEMS_A_PAGE else None,
        topics=topics,
    )


async def show_day(site: Site, on: date | None, page: int) -> Response:
    """Answer with the items of a day, rendered once for many visitors."""
    key = (site.language.tag, on, page)
    form = await site.pages.get(key, lambda: day_page(site, on, page))
    return HTMLResponse(site.links.form_stamp(site.clock()).join(form[::2]))


@router.get("/")
async def home(site: Here) -> Response:
    return await show_day(site, None, 1)


@router.get("/day/{on}")
async def day(site: Here, on: date, page: Page = 1) -> Response:
    if not FIRST_DAY <= on <= local_day(site, site.clock()) + DAY:
        raise NotFoundError(f"day {on}: nothing is kept of it")
    return await show_day(site, on, page)


def found_items(site: Site, q: str, topic: str, page: int) -> list[Item]:
    """Give one page of what a search finds, and one item more if there is another page."""
    with site.database.read() as connection:
        skip = (page - 1) * FOUND_A_PAGE
        return search_items(connection, q, topic, limit=FOUND_A_PAGE + 1, skip=skip)


@router.get("/search")
async def search(
    site: Here,
    q: Annotated[str, Query(max_length=200)] = "",
    topic: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
) -> Response:
    def known_topics() -> list[str]:
        with site.database.read() as connection:
            return common_topics(connection, TOPICS_OF, TOPICS_LISTED)

    topics = await site.lists.get("topics", known_topics)

    def answer() -> Response:
        found = found_items(site, q, topic, page)
        return site.page(
            "search.html",
            words=q.replace("\x00", " "),
            topic=topic.replace("\x00", " "),
            topics=sorted({*topics, topic} - {""}, key=str.casefold),
            items=view_items(site.language, found[:FOUND_A_PAGE], has_pictures=site.has_pictures),
            page_number=page,
            has_more=len(found) > FOUND_A_PAGE and page < MOST_PAGES,
        )

    return await run_in_threadpool(answer)


def similar_items(site: Site, item: Item) -> list[Item]:
    """Give what a reader who likes an item would be shown besides."""
    with site.database.read() as connection:
        near = resembling_items(connection, item, COMPARED)
    if not near:
        return []
    liked = Interest(name="it", text=item.title, examples=item.keys[:1])
    reader = Reader(interests=(liked,), examples={"it": (item,)}, popularity=0.0)
    scores = site.ranker().scores([reader], near)[0]
    best = np.argsort(-scores, kind="stable")[:SIMILAR]
    return [near[place] for place in best if np.isfinite(scores[place])]


async def show_item(site: Site, item: Item, here: str = "", place: int = 0) -> Response:
    """Answer with the page of an item; what resembles it is looked for once for many.

    Args:
        here: the digest that its reader came from, whose pick it is; "" = nobody's.
        place: of that pick.
    """
    similar = await site.lists.get(("similar", item.id), lambda: similar_items(site, item))
    shown = view_item(site.language, item, has_pictures=site.has_pictures)
    return await run_in_threadpool(
        lambda: site.page(
            "item.html",
            item=shown,
            similar=view_items(site.language, similar, has_pictures=site.has_pictures),
            here=here,
            place=place,
        )
    )


def stored_item(site: Site, item_id: str) -> Item:
    """Give the item of an id or key.

    Raises:
        NotFoundError: there is none.
    """
    with site.database.read() as connection:
        found = find_item(connection, item_id[:300].replace("\x00", ""))
    if found is None:
        raise NotFoundError("item: no such item")
    return found


@router.get("/item/{item_id}")
async def item(site: Here, item_id: str) -> Response:
    return await show_item(site, await run_in_threadpool(stored_item, site, item_id))
