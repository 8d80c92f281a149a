"""Coming and going: a subscription is confirmed, refused for ever, ended; never on GET."""

import logging
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from digest.errors import LinkError
from digest.links import Purpose
from digest.model import DeliveryKind, Subscriber, SubscriberStatus
from digest.schedule.clock import first_digest_at
from digest.store.membership import (
    SuppressionReason,
    confirm,
    erase,
    leave,
    save_wishes,
    suppress,
)
from digest.store.outbox import insert_deliveries
from digest.store.subscriber_rows import address_key
from digest.web.forms import without_interest
from digest.web.site import SEE_OTHER, Here, Site, masked

logger = logging.getLogger(__name__)

REASONS = ("often", "unfitting", "elsewhere", "never-asked")

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@router.get("/c/{token}")
def ask_to_confirm(site: Here, token: str) -> Response:
    site, subscriber = site.owner(Purpose.CONFIRM, token)
    _ = site.language.gettext
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
    site, subscriber = site.owner(Purpose.CONFIRM, token)
    with site.database.write() as connection:
        confirm(
            connection,
            subscriber.id,
            first_digest_at(subscriber.schedule, site.clock()),
            site.links.hashes(address_key(subscriber.email)),
        )
    site, subscriber = site.owner(Purpose.CONFIRM, token)
    if subscriber.status is not SubscriberStatus.CONFIRMED:
        raise LinkError("link: no longer valid")
    return RedirectResponse(
        f"{site.links.preferences(subscriber.id, subscriber.link_epoch)}?said=confirmed", SEE_OTHER
    )


@router.post("/c/{token}/never")
def never_again(site: Here, token: str) -> Response:
    site, subscriber = site.owner(Purpose.CONFIRM, token)
    _ = site.language.gettext
    hashed = site.links.hashes(address_key(subscriber.email))[0]
    with site.database.write() as connection:
        suppress(connection, hashed, SuppressionReason.REFUSED, site.clock())
        if subscriber.status is SubscriberStatus.CONFIRMED:
            leave(connection, subscriber, hashed, site.clock())
        else:
            erase(connection, [subscriber.id])
    site.database.scrub()
    return site.message(_("We never write to this address again"))


@router.get("/u/{token}")
def ask_to_unsubscribe(site: Here, token: str) -> Response:
    site, subscriber = site.owner(Purpose.UNSUBSCRIBE, token)
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
    site, subscriber = site.owner(Purpose.UNSUBSCRIBE, token)
    _ = site.language.gettext
    fewer = without_interest(subscriber, which)
    # Without its last interest a subscription is no smaller one: it would bring everything.
    if fewer and fewer.interests and not one_click and not subscriber.config_owned:
        with site.database.write() as connection:
            save_wishes(connection, fewer)
        return site.message(_("This interest is gone"), _("The others stay as they are."))
    _leave(site, subscriber, reason if reason in REASONS else "none given")
    # A mailbox, not a person, reads this answer.  RFC 8058 section 3.2
    return PlainTextResponse("unsubscribed\n") if one_click else _left(site, subscriber)


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
