"""Signing up: the form, the digest it would bring today, and an answer that tells nothing."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, Response

from digest.web.desk import SignUp, TheDesk, newcomer, seems_human
from digest.web.forms import text_of, with_sign_up, zone_options
from digest.web.library import LIBRARY_BYTES, examples_of, split_library, with_examples
from digest.web.network import client_network
from digest.web.site import Here, Site
from digest.web.views import view_picks

# An address that is never written to: the preview belongs to nobody.
NOBODY = "nobody@example.org"
DAY = timedelta(days=1)


async def read_form(request: Request) -> AsyncIterator[FormData]:
    """Read the fields of a form; more of them than ours has are refused."""
    form = await request.form(max_files=1, max_fields=400, max_part_size=LIBRARY_BYTES)
    try:
        yield form
    finally:
        await form.close()


Fields = Annotated[FormData, Depends(read_form)]


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
        zone_options=zone_options(),
        weekdays=weekdays(site),
    )


def weekdays(site: Site) -> Sequence[str]:
    """Name the days of the week, Monday first."""
    monday = date(2024, 1, 1)
    return [site.language.weekday(monday + DAY * day) for day in range(7)]


router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@router.get("/subscribe")
def sign_up_form(site: Here) -> Response:
    return sign_up_page(site)


@router.post("/preview")
async def preview(site: Here, fields: Fields) -> Response:
    fields, library = await split_library(fields)
    fields = with_examples(fields, await examples_of(site, library))
    return await run_in_threadpool(sign_up_page, site, fields)


@router.post("/subscribe")
async def subscribe(site: Here, desk: TheDesk, request: Request, fields: Fields) -> Response:
    now = site.clock()
    fields, library = await split_library(fields)
    if seems_human(site, fields, now):
        network = network_of(site, request)
        desk.offer(
            SignUp(fields=fields, library=library, network=network, tongue=site.tongue, at=now)
        )
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
