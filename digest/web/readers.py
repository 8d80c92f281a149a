"""A reader's own pages, each behind a signed link: nothing here acts on GET."""

import json
import logging
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from digest.errors import LinkError
from digest.links import Purpose
from digest.model import DeliveryKind, Digest, Pick, Subscriber, SubscriberStatus, Verdict
from digest.schedule.clock import first_digest_at
from digest.store.digests import digests_of, load_digests
from digest.store.membership import (
    SuppressionReason,
    confirm,
    erase,
    leave,
    save_wishes,
    suppress,
)
from digest.store.outbox import deliveries_of, insert_deliveries
from digest.store.subscriber_rows import address_key
from digest.store.subscribers import add_feedback, feedback_of, remove_feedback
from digest.web import forms
from digest.web.public import Fields, weekdays
from digest.web.site import Here, Site, masked
from digest.web.views import view_picks

logger = logging.getLogger(__name__)

PAST_DIGESTS = 60
ALL = 100_000
REASONS = ("often", "unfitting", "elsewhere", "never-asked")
SEE_OTHER = 303


router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@router.get("/c/{token}")
def ask_to_confirm(site: Here, token: str) -> Response:
    _ = site.language.gettext
    subscriber, _ticket = site.owner(Purpose.CONFIRM, token)
    if subscriber.status is SubscriberStatus.SUPPRESSED:
        raise LinkError("link: no longer valid")
    return site.message(
        _("Confirm your subscription"),
        _(
            "%(name)s will come to %(address)s.",
            name=site.settings.mail.logo_text,
            address=masked(subscriber.email),
        ),
        actions=[
            {"label": _("Confirm my subscription"), "url": f"/c/{token}"},
            {"label": _("It was not me: never write to me"), "url": f"/c/{token}/never"},
        ],
    )


@router.post("/c/{token}")
def confirm_subscription(site: Here, token: str) -> Response:
    subscriber, _ticket = site.owner(Purpose.CONFIRM, token)
    with site.database.write() as connection:
        confirm(connection, subscriber.id, first_digest_at(subscriber.schedule, site.clock()))
    subscriber, _ticket = site.owner(Purpose.CONFIRM, token)
    if subscriber.status is not SubscriberStatus.CONFIRMED:
        raise LinkError("link: no longer valid")
    return RedirectResponse(
        f"{site.links.preferences(subscriber.id, subscriber.link_epoch)}?said=confirmed", SEE_OTHER
    )


@router.post("/c/{token}/never")
def never_again(site: Here, token: str) -> Response:
    _ = site.language.gettext
    subscriber, _ticket = site.owner(Purpose.CONFIRM, token)
    hashed = site.links.hashes(address_key(subscriber.email))[0]
    with site.database.write() as connection:
        suppress(connection, hashed, SuppressionReason.REFUSED, site.clock())
        if subscriber.status is SubscriberStatus.CONFIRMED:
            leave(connection, subscriber, hashed, site.clock())
        else:
            erase(connection, [subscriber.id])
    return site.message(_("We never write to this address again"))


# --- preferences --------------------------------------------------------------------


@router.get("/p/{token}")
def show_preferences(site: Here, token: str, said: str = "") -> Response:
    _ = site.language.gettext
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
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
        zones=forms.zones(),
        weekdays=weekdays(site),
        languages=forms.LANGUAGES,
    )


@router.post("/p/{token}")
def save_preferences(site: Here, token: str, fields: Fields) -> Response:
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
    if not subscriber.config_owned:
        with site.database.write() as connection:
            save_wishes(connection, forms.with_preferences(subscriber, fields, site.clock()))
    return RedirectResponse(f"/p/{token}?said=saved", SEE_OTHER)


@router.get("/p/{token}/digests")
def past_digests(site: Here, token: str) -> Response:
    _ = site.language.gettext
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
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


@router.get("/p/{token}/feedback")
def own_feedback(site: Here, token: str) -> Response:
    _ = site.language.gettext
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
    with site.database.read() as connection:
        given = feedback_of(connection, [subscriber.id]).get(subscriber.id, ())
    words = {Verdict.MORE: _("More like this"), Verdict.LESS: _("Less like this")}
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
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
    with site.database.write() as connection:
        remove_feedback(connection, subscriber.id, item_id.replace("\x00", ""))
    return RedirectResponse(f"/p/{token}/feedback", SEE_OTHER)


@router.get("/p/{token}/export")
def export(site: Here, token: str) -> Response:
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
    with site.database.read() as connection:
        own = {
            "subscriber": asdict(subscriber),
            "feedback": [
                asdict(one)
                for one in feedback_of(connection, [subscriber.id]).get(subscriber.id, ())
            ],
            "digests": [asdict(one) for one in digests_of(connection, subscriber.id, ALL)],
            "deliveries": [asdict(one) for one in deliveries_of(connection, subscriber.id)],
        }
    return Response(
        json.dumps(own, default=_plain, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


@router.get("/p/{token}/erase")
def ask_to_erase(site: Here, token: str) -> Response:
    _ = site.language.gettext
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
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
    _ = site.language.gettext
    subscriber, _ticket = site.reader(Purpose.PREFERENCES, token)
    with site.database.write() as connection:
        erase(connection, [subscriber.id])
    logger.info("subscriber erased: subscriber=%s", subscriber.id)
    return site.message(_("You are forgotten"), _("Nothing about you is kept."))


# --- leaving ------------------------------------------------------------------------


@router.get("/u/{token}")
def ask_to_unsubscribe(site: Here, token: str) -> Response:
    subscriber, _ticket = site.owner(Purpose.UNSUBSCRIBE, token)
    if subscriber.status is not SubscriberStatus.CONFIRMED:
        return _left(site, subscriber)
    return site.page(
        "unsubscribe.html", masked=masked(subscriber.email), interests=subscriber.interests
    )


@router.post("/u/{token}")
def unsubscribe(
    site: Here,
    token: str,
    which: Annotated[str, Form(max_length=10)] = "",
    reason: Annotated[str, Form(max_length=50)] = "",
    one_click: Annotated[str, Form(alias="List-Unsubscribe", max_length=50)] = "",
) -> Response:
    _ = site.language.gettext
    subscriber, _ticket = site.owner(Purpose.UNSUBSCRIBE, token)
    fewer = forms.without_interest(subscriber, which)
    # Without its last interest a subscription is no smaller one: it would bring everything.
    if fewer and fewer.interests and not one_click and not subscriber.config_owned:
        with site.database.write() as connection:
            save_wishes(connection, fewer)
        return site.message(_("This interest is gone"), _("The others stay as they are."))
    _leave(site, subscriber, reason if reason in REASONS else "none given")
    # A mailbox, not a person, reads this answer.  RFC 8058 section 3.2
    return PlainTextResponse("unsubscribed\n") if one_click else _left(site, subscriber)


# --- digests and verdicts -----------------------------------------------------------


@router.get("/d/{token}")
def web_copy(site: Here, token: str) -> Response:
    _subscriber, digest = _own_digest(site, token)
    picks = view_picks(site.language, digest)
    return site.page("digest.html", edition=digest.edition, picks=picks, here=f"/d/{token}")


@router.get("/d/{token}/{place}")
def ask_both(site: Here, token: str, place: int) -> Response:
    return _ask(site, token, place, (Verdict.MORE, Verdict.LESS))


@router.get("/d/{token}/{place}/{verdict}")
def ask_one(site: Here, token: str, place: int, verdict: Verdict) -> Response:
    return _ask(site, token, place, (verdict,))


@router.post("/d/{token}/{place}/{verdict}")
def judge(site: Here, token: str, place: int, verdict: Verdict | Literal["undo"]) -> Response:
    _ = site.language.gettext
    subscriber, digest = _own_digest(site, token)
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


def _left(site: Site, subscriber: Subscriber) -> Response:
    _ = site.language.gettext
    return site.message(
        _("You are unsubscribed"),
        _("%(address)s gets no more digests.", address=masked(subscriber.email)),
        _("A mistake? The mail that confirms this leads back, or subscribe anew."),
        links=[{"label": _("Subscribe"), "url": "/subscribe"}],
    )


def _leave(site: Site, subscriber: Subscriber, reason: str) -> None:
    """End a subscription, once, and tell the owner of the address."""
    hashed = site.links.hashes(address_key(subscriber.email))[0]
    with site.database.write() as connection:
        if leave(connection, subscriber, hashed, site.clock()):
            insert_deliveries(connection, [site.notice(DeliveryKind.FAREWELL, subscriber)])
            logger.info("unsubscribed: subscriber=%s reason=%s", subscriber.id, reason)


def _own_digest(site: Site, token: str) -> tuple[Subscriber, Digest]:
    subscriber, ticket = site.reader(Purpose.DIGEST, token)
    with site.database.read() as connection:
        digest = load_digests(connection, [ticket.digest_id]).get(ticket.digest_id)
    if digest is None or digest.subscriber_id != subscriber.id:
        raise LinkError("link: no longer valid")
    return subscriber, digest


def _pick(digest: Digest, place: int) -> Pick:
    found = next((pick for pick in digest.picks if pick.place == place), None)
    if found is None:
        raise LinkError("link: no such item in this digest")
    return found


def _ask(site: Site, token: str, place: int, verdicts: tuple[Verdict, ...]) -> Response:
    _ = site.language.gettext
    words = {Verdict.MORE: _("More like this"), Verdict.LESS: _("Less like this")}
    _subscriber, digest = _own_digest(site, token)
    return site.message(
        _("What do you think of it?"),
        _pick(digest, place).item.title,
        actions=[{"label": words[one], "url": f"/d/{token}/{place}/{one}"} for one in verdicts],
        links=[{"label": _("Back to the digest"), "url": f"/d/{token}"}],
    )


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)
