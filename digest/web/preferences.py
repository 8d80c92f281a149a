"""A reader's own data: wishes, past digests, feedback, all of it exported or erased."""

import json
import logging

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from digest.links import Purpose
from digest.model import Verdict
from digest.named import named
from digest.store.digests import digests_of
from digest.store.membership import erase_one, save_wishes
from digest.store.outbox import deliveries_of
from digest.store.subscriber_rows import address_key
from digest.store.subscribers import feedback_of, remove_feedback
from digest.web import forms
from digest.web.library import examples_of, split_library
from digest.web.sign_up import Fields, weekdays
from digest.web.site import SEE_OTHER, Here, masked
from digest.web.tongues import LANGUAGES
from digest.web.views import view_picks

logger = logging.getLogger(__name__)

PAST_DIGESTS = 60
ALL = 100_000

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@router.get("/p/{token}")
def show_preferences(site: Here, token: str, said: str = "") -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    _ = site.language.gettext
    words = {"confirmed": _("Welcome! You are subscribed."), "saved": _("Saved.")}
    now = site.clock()
    zone = subscriber.schedule.timezone
    due = subscriber.next_digest_at
    return site.page(
        "preferences.html",
        reader=subscriber,
        said=words.get(said, ""),
        masked=masked(subscriber.email),
        next_digest=site.language.moment(due, zone) if due else "",
        here=f"/p/{token}",
        feed=site.links.feed(subscriber.id, subscriber.link_epoch),
        unsubscribe=site.links.unsubscribe(subscriber.id),
        interests=forms.interest_fields(subscriber),
        paused_until=forms.paused_until_day(subscriber, now),
        zone_options=forms.zone_options(),
        weekdays=weekdays(site),
        languages=LANGUAGES,
        has_pictures=site.settings.mail.thumbnails != "off",
    )


@router.post("/p/{token}")
async def save_preferences(site: Here, token: str, fields: Fields) -> Response:
    site, subscriber = await run_in_threadpool(site.reader, Purpose.PREFERENCES, token)
    fields, library = await split_library(fields)
    changed = forms.with_preferences(subscriber, fields, site.clock())
    changed = forms.with_liked(changed, await examples_of(site, library))

    def save() -> None:
        with site.database.write() as connection:
            save_wishes(connection, changed)

    if not subscriber.config_owned:
        await run_in_threadpool(save)
    return RedirectResponse(f"/p/{token}?said=saved", SEE_OTHER)


@router.get("/p/{token}/digests")
def past_digests(site: Here, token: str) -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    _ = site.language.gettext
    with site.database.read() as connection:
        past = digests_of(connection, subscriber.id, PAST_DIGESTS)
    rows = [
        {
            "label": site.language.day(one.edition),
            "url": site.links.digest(subscriber.id, one.id, subscriber.link_epoch),
            "note": site.language.ngettext("%(n)s item", "%(n)s items", len(one.picks)),
            "item_id": "",
        }
        for one in past
        if one.picks
    ]
    return site.page(
        "list.html",
        heading=_("Past digests"),
        rows=rows,
        empty=_("None yet."),
        here=f"/p/{token}",
    )


@router.get("/p/{token}/next")
def next_digest(site: Here, token: str) -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    digest = site.preview(subscriber)
    return site.page("next.html", picks=view_picks(site.language, digest), here=f"/p/{token}")


@router.get("/p/{token}/feedback")
def own_feedback(site: Here, token: str) -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    _ = site.language.gettext
    with site.database.read() as connection:
        given = feedback_of(connection, [subscriber.id]).get(subscriber.id, ())
    words = {
        Verdict.MORE: _("More like this"),
        Verdict.LESS: _("Less like this"),
        Verdict.SAVE: _("Save to read"),
    }
    rows = [
        {
            "label": one.item.title,
            "url": "",
            "note": words[one.verdict],
            "item_id": getattr(one.item, "id", ""),
        }
        for one in reversed(given)
    ]
    return site.page(
        "list.html",
        heading=_("Your feedback"),
        rows=rows,
        empty=_("None yet: each item of a digest has two links, more and less like this."),
        here=f"/p/{token}",
    )


@router.post("/p/{token}/feedback/{item_id}/undo")
def undo_feedback(site: Here, token: str, item_id: str) -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    with site.database.write() as connection:
        remove_feedback(connection, subscriber.id, item_id.replace("\x00", ""))
    return RedirectResponse(f"/p/{token}/feedback", SEE_OTHER)


@router.get("/p/{token}/export")
def export(site: Here, token: str) -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    with site.database.read() as connection:
        own = {
            "subscriber": subscriber,
            "feedback": feedback_of(connection, [subscriber.id]).get(subscriber.id, ()),
            "digests": digests_of(connection, subscriber.id, ALL),
            "deliveries": deliveries_of(connection, subscriber.id),
        }
    return Response(
        json.dumps(named(own), default=_plain, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


@router.get("/p/{token}/erase")
def ask_to_erase(site: Here, token: str) -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    _ = site.language.gettext
    return site.message(
        _("Erase me"),
        _(
            "Everything about %(address)s is deleted at once and for good: wishes, feedback, "
            "digests. There is no way back.",
            address=masked(subscriber.email),
        ),
        actions=[{"label": _("Erase everything"), "url": f"/p/{token}/erase"}],
        links=[{"label": _("Back to the preferences"), "url": f"/p/{token}"}],
    )


@router.post("/p/{token}/erase")
def erase_reader(site: Here, token: str) -> Response:
    site, subscriber = site.reader(Purpose.PREFERENCES, token)
    _ = site.language.gettext
    with site.database.write() as connection:
        stays = erase_one(
            connection,
            subscriber,
            lambda address: site.links.hashes(address_key(address)),
            site.clock(),
        )
    # If the database is in use, the hourly job sees to it.
    site.database.scrub()
    logger.info("subscriber erased: subscriber=%s", subscriber.id)
    kept = (
        _("Only a keyed hash of the address is kept, or the operator’s list would bring it back.")
        if stays
        else _("Nothing about you is kept.")
    )
    return site.message(_("You are forgotten"), kept)


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)
