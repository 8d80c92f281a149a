"""The application: pages and guard put together, and what its errors look like."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, Counter
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.errors import LinkError, NotFoundError, StoreError
from digest.web import admin, api, joining, pictures, preferences, reading, sign_up, verdicts
from digest.web.desk import Desk
from digest.web.feeds import feed_pages
from digest.web.guard import Guard
from digest.web.health import Figures, health_pages
from digest.web.pictures import Gallery
from digest.web.site import Site, site_of
from digest.web.tongues import SPOKEN, preferred

logger = logging.getLogger(__name__)

API = "/api/v1"
A_DAY = "public, max-age=86400"

# Heading and sentences of the pages that say what went wrong, in the words of the catalogues.
BAD_LINK = (
    "This link no longer works",
    "It expired, or you left since. Subscribe again to get a new one.",
)
NO_PAGE = ("There is no such page",)
UNREADABLE = ("This cannot be read",)
BUSY = ("Try again in a moment",)


def make_app(site: Site) -> FastAPI:
    """Put the application together; its desk works while it runs."""
    desk = Desk(site)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(desk.work())
        try:
            yield
        finally:
            await desk.finish()
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    registry = CollectorRegistry()
    registry.register(Figures(site))
    requests = Counter(
        "digest_http_requests",
        "Answers by method and status",
        ["method", "status"],
        registry=registry,
    )
    app = FastAPI(
        title=site.settings.mail.logo_text,
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.site, app.state.desk = site, desk
    app.state.gallery = Gallery(site)

    def explain(tongue: str, status: int, heading: str) -> Response:
        spoken = site.speaking(preferred(tongue, SPOKEN))
        return spoken.message(spoken.language.gettext(heading), status=status)

    app.add_middleware(Guard, base_url=site.links.base_url, requests=requests, explain=explain)
    for router in (
        health_pages(site, registry),
        feed_pages(site),
        reading.router,
        pictures.router,
        sign_up.router,
        joining.router,
        preferences.router,
        verdicts.router,
        admin.router,
    ):
        app.include_router(router)
    app.include_router(api.router, prefix=API)
    _add_static(app, site)
    _add_errors(app)
    return app


def _add_static(app: FastAPI, site: Site) -> None:
    types = {"style.css": "text/css", "zone.js": "text/javascript"}
    files = {name: site.render(name) for name in types}

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        if name not in files:
            raise NotFoundError("file: no such file")
        return Response(files[name], media_type=types[name], headers={"Cache-Control": A_DAY})


def _add_errors(app: FastAPI) -> None:
    async def answer(
        request: Request, status: int, words: tuple[str, ...], detail: str = ""
    ) -> Response:
        if request.url.path.startswith(API):
            return JSONResponse({"detail": detail or words[-1]}, status)
        site = await site_of(request)
        _ = site.language.gettext
        heading, *sentences = (_(text) for text in words)
        links = [{"label": _("Back to today’s items"), "url": "/"}]
        return site.message(heading, *sentences, status=status, links=links)

    @app.exception_handler(LinkError)
    async def bad_link(request: Request, _error: LinkError) -> Response:
        return await answer(request, 410, BAD_LINK)

    @app.exception_handler(NotFoundError)
    async def not_found(request: Request, _error: NotFoundError) -> Response:
        return await answer(request, 404, NO_PAGE)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, _error: RequestValidationError) -> Response:
        status = 422 if request.url.path.startswith(API) else 400
        return await answer(request, status, UNREADABLE)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        words = NO_PAGE if error.status_code == 404 else UNREADABLE
        response = await answer(request, error.status_code, words, str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(StoreError)
    async def busy(request: Request, error: StoreError) -> Response:
        logger.warning("page not served: %s", error)
        return await answer(request, 503, BUSY)

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse("something went wrong here\n", 500)
