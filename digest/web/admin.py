"""The operator's page: figures of the last days, to look at; nothing here changes anything.

Whatever it shows, `digest status --days 30` shows as well.
"""

import logging
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from digest.errors import NotFoundError
from digest.model import AttemptOutcome
from digest.overview import Overview, read_overview
from digest.web import operator
from digest.web.charts import Chart, chart
from digest.web.site import SEE_OTHER, Here, Site

logger = logging.getLogger(__name__)

# The page is in English, as the command line and the log are.
ENGLISH = "en"
# What an operator reads for the outcome of an attempt; the others speak for themselves.
WORDS = {str(AttemptOutcome.FAILED): "refused"}
USUAL_DAYS, MOST_DAYS = 30, 366

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@router.get(operator.PATH)
def overview(
    site: Here, request: Request, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = USUAL_DAYS
) -> Response:
    _refuse_where_there_is_none(site)
    if not operator.is_operator(site, request):
        return _door(site)
    now = site.clock()
    seen = read_overview(site.database, now, days, site.templates.broken)
    return site.speaking(ENGLISH).page(
        "admin.html",
        seen=seen,
        now=now,
        can_leave=operator.has_session(site, request),
        sources=_source_charts(seen),
        subscribers=_charts("s", seen, seen.subscribers),
        deliveries=_charts("d", seen, seen.attempts),
    )


@router.post(operator.PATH)
def sign_in(
    site: Here, token: Annotated[str, Form(max_length=operator.MOST_CHARS)] = ""
) -> Response:
    _refuse_where_there_is_none(site)
    if not operator.is_token(site, token.strip()):
        logger.warning("operator's page: sign-in refused")
        return _door(site, is_wrong=True)
    answer = RedirectResponse(operator.PATH, SEE_OTHER)
    operator.sign_in(site, answer)
    return answer


@router.post(f"{operator.PATH}/sign-out")
def sign_out(site: Here) -> Response:
    _refuse_where_there_is_none(site)
    answer = RedirectResponse(operator.PATH, SEE_OTHER)
    operator.sign_out(site, answer)
    return answer


def _refuse_where_there_is_none(site: Site) -> None:
    if not operator.is_open(site):
        raise NotFoundError("operator's page: there is none")


def _door(site: Site, *, is_wrong: bool = False) -> Response:
    answer = site.speaking(ENGLISH).page(
        "admin_door.html", 401, is_wrong=is_wrong, has_token=site.admin_token is not None
    )
    # RFC 9110 section 11.6.1; browsers have no dialogue for this scheme, as it should be.
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _source_charts(seen: Overview) -> list[Chart]:
    return [
        chart(f"n{place}", one.state.source.name, seen.days, one.new_items)
        for place, one in enumerate(seen.sources)
    ]


def _charts(prefix: str, seen: Overview, series: dict[str, tuple[int | None, ...]]) -> list[Chart]:
    return [
        chart(f"{prefix}{place}", WORDS.get(name, name), seen.days, counts)
        for place, (name, counts) in enumerate(series.items())
    ]
