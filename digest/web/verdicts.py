"""A digest as a page, and what its reader thinks of an item: nothing here acts on GET."""

from typing import Literal

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from digest.errors import LinkError
from digest.links import Purpose
from digest.model import Digest, Pick, Subscriber, Verdict
from digest.store.digests import load_digests
from digest.store.subscribers import add_feedback, remove_feedback
from digest.web.reading import show_item
from digest.web.site import Here, Site
from digest.web.views import view_mentions, view_picks

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@router.get("/d/{token}")
def web_copy(site: Here, token: str) -> Response:
    site, _subscriber, digest = _own_digest(site, token)
    return site.page(
        "digest.html",
        edition=digest.edition,
        picks=view_picks(site.language, digest),
        mentions=view_mentions(site.language, digest),
        here=f"/d/{token}",
    )


@router.get("/d/{token}/{place}")
async def own_item(site: Here, token: str, place: int) -> Response:
    site, _subscriber, digest = await run_in_threadpool(_own_digest, site, token)
    here = f"/d/{token}"
    return await show_item(site, _pick(digest, place).item, here=here, place=place)


@router.get("/d/{token}/{place}/{verdict}")
def ask_one(site: Here, token: str, place: int, verdict: Verdict) -> Response:
    return _ask(site, token, place, verdict)


@router.post("/d/{token}/{place}/{verdict}")
def judge(site: Here, token: str, place: int, verdict: Verdict | Literal["undo"]) -> Response:
    site, subscriber, digest = _own_digest(site, token)
    _ = site.language.gettext
    item = _pick(digest, place).item
    with site.database.write() as connection:
        if isinstance(verdict, Verdict):
            add_feedback(connection, subscriber.id, item.id, verdict, site.clock())
        else:
            remove_feedback(connection, subscriber.id, item.id)
    back = {"label": _("Back to the digest"), "url": f"/d/{token}"}
    if not isinstance(verdict, Verdict):
        return site.message(_("Taken back"), links=[back])
    return site.message(
        _("Thank you"),
        _("The next digest takes it into account: “%(title)s”.", title=item.title),
        actions=[{"label": _("Undo"), "url": f"/d/{token}/{place}/undo"}],
        links=[back],
    )


def _own_digest(site: Site, token: str) -> tuple[Site, Subscriber, Digest]:
    digest_id = site.links.read(Purpose.DIGEST, token, site.clock()).digest_id
    site, subscriber = site.reader(Purpose.DIGEST, token)
    with site.database.read() as connection:
        digest = load_digests(connection, [digest_id]).get(digest_id)
    if digest is None or digest.subscriber_id != subscriber.id:
        raise LinkError("link: no longer valid")
    return site, subscriber, digest


def _pick(digest: Digest, place: int) -> Pick:
    found = next((pick for pick in digest.picks if pick.place == place), None)
    if found is None:
        raise LinkError("link: no such item in this digest")
    return found


def _ask(site: Site, token: str, place: int, verdict: Verdict) -> Response:
    site, _subscriber, digest = _own_digest(site, token)
    _ = site.language.gettext
    words = {
        Verdict.MORE: _("More like this"),
        Verdict.LESS: _("Less like this"),
        Verdict.SAVE: _("Save to read"),
    }
    return site.message(
        _("What do you think of it?"),
        _pick(digest, place).item.title,
        actions=[{"label": words[verdict], "url": f"/d/{token}/{place}/{verdict}"}],
        links=[{"label": _("Back to the digest"), "url": f"/d/{token}"}],
    )
