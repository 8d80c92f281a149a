"""The pages for everybody: the day's items, the archive, search, an item, and signing up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, Response

from digest.errors import NotFoundError
from digest.model import Interest, Item
from digest.render import Form
from digest.store.archive import Stretch, latest_news_at, read_stretch, search_items
from digest.store.items import find_item
from digest.web.desk import SignUp, TheDesk, newcomer, seems_human
from digest.web.forms import text_of, with_sign_up, zones
from digest.web.network import client_network
from digest.web.site import Here, Site
from digest.web.views import view_item, view_items, view_picks

ITEMS_A_PAGE = 40
FOUND = 50
SIMILAR = 3
WORDS = 8
FIRST_DAY = date(1990, 1, 1)
# An address that is never written to: the preview belongs to nobody.
NOBODY = "nobody@example.org"
DAY = timedelta(days=1)


async def read_form(request: Request) -> FormData:
    """Read the fields of a form; more of them than ours has are refused."""
    return await request.form(max_files=1, max_fields=400, max_part_size=128 * 1024)


Fields = Annotated[FormData, Depends(read_form)]


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
    return site.form(
        "home.html",
        ("stamp",),
        on=on,
        items=view_items(site.language, stretch.items),
        count=stretch.count,
        before=local_day(site, stretch.before) if stretch.before else None,
        after=local_day(site, stretch.after) if stretch.after else None,
        next_page=page + 1 if stretch.count > page * ITEMS_A_PAGE else None,
    )


def sign_up_page(site: Site, fields: FormData | None = None) -> HTMLResponse:
    """Answer with the sign-up form; with fields, also with the digest that they would give."""
    reader = newcomer(site, NOBODY, site.clock())
    given = fields or FormData()
    reader = with_sign_up(reader, given)
    picks = view_picks(site.language, site.preview(reader)) if fields is not None else []
    return site.page(
        "subscribe.html",
        reader=reader,
        previewed=fields is not None,
        picks=picks,
        topics=text_of(given, "topics")[:4000],
        examples=text_of(given, "examples")[:8000],
        stamp=site.links.form_stamp(site.clock()),
        zones=zones(),
        weekdays=weekdays(site),
    )


def weekdays(site: Site) -> Sequence[str]:
    """Name the days of the week, Monday first."""
    monday = date(2024, 1, 1)
    return [site.language.weekday(monday + DAY * day) for day in range(7)]


def similar_items(site: Site, item: Item) -> list[Item]:
    """Give what a reader who likes an item would be shown besides."""
    reader = newcomer(site, NOBODY, site.clock())
    liked = Interest(name="it", text=item.title, examples=item.keys[:1])
    picks = site.preview(replace(reader, interests=(liked,), popularity=0.0)).picks
    return [pick.item for pick in picks if pick.item.id != item.id][:SIMILAR]


router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


async def show_day(site: Site, on: date | None, page: int) -> Response:
    key = (on, page)
    form = site.cache.fresh(key)
    if form is None:
        form = await run_in_threadpool(site.cache.get, key, lambda: day_page(site, on, page))
    return HTMLResponse(site.links.form_stamp(site.clock()).join(form[::2]))


@router.get("/")
async def home(site: Here) -> Response:
    return await show_day(site, None, 1)


@router.get("/day/{on}")
async def day(site: Here, on: date, page: Annotated[int, Query(ge=1, le=1000)] = 1) -> Response:
    if not FIRST_DAY <= on <= local_day(site, site.clock()) + DAY:
        raise NotFoundError(f"day {on}: nothing is kept of it")
    return await show_day(site, on, page)


@router.get("/search")
def search(site: Here, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    words = q.replace("\x00", " ").split()[:WORDS]
    found: list[Item] = []
    if words:
        with site.database.read() as connection:
            found = search_items(connection, words, FOUND)
    shown = view_items(site.language, found)
    return site.page("search.html", words=" ".join(words), items=shown)


@router.get("/item/{item_id}")
def item(site: Here, item_id: str) -> Response:
    with site.database.read() as connection:
        found = find_item(connection, item_id[:100].replace("\x00", ""))
    if found is None:
        raise NotFoundError("item: no such item")
    similar = view_items(site.language, similar_items(site, found))
    return site.page("item.html", item=view_item(site.language, found), similar=similar)


@router.get("/subscribe")
def sign_up_form(site: Here) -> Response:
    return sign_up_page(site)


@router.post("/preview")
def preview(site: Here, fields: Fields) -> Response:
    return sign_up_page(site, fields)


@router.post("/subscribe")
async def subscribe(site: Here, desk: TheDesk, request: Request, fields: Fields) -> Response:
    now = site.clock()
    if seems_human(site, fields, now):
        desk.offer(SignUp(fields=fields, network=network_of(site, request), at=now))
    _ = site.language.gettext
    return site.message(
        _("Look into your mailbox"),
        _(
            "If the address can get mail, a message with a link is on its way. "
            "Nothing else is sent before you follow it."
        ),
        _("Nothing came? Look into the spam folder, or try again in a quarter of an hour."),
        links=[{"label": _("Back to today’s items"), "url": "/"}],
    )


def network_of(site: Site, request: Request) -> str:
    """Give the network that a request came from."""
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    return client_network(peer, forwarded, site.settings.web.trusted_proxies)
