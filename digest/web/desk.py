"""The desk where sign-ups are dealt with, one after the other, apart from the answer.

The visitor's answer is given before anything is looked up, so neither its words nor its time
say whether an address is known.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request

from digest.config import SubscriberSettings, check_address
from digest.errors import DigestError, LinkError
from digest.links import Purpose
from digest.model import DeliveryKind, Subscriber, SubscriberStatus, new_id
from digest.schedule.clock import first_digest_at
from digest.store.membership import is_refused, save_wishes
from digest.store.outbox import insert_deliveries
from digest.store.sign_ups import Limits, admit
from digest.store.subscriber_rows import address_key
from digest.store.subscribers import add_subscriber, find_subscriber
from digest.web.forms import Fields, text_of, with_liked, with_sign_up
from digest.web.library import examples_of
from digest.web.site import Site

logger = logging.getLogger(__name__)

# More that wait at once is no crowd of readers.
MOST_WAITING = 1000
# Nobody fills the form faster; a page that stands open for longer is loaded anew.
SLOWLY = timedelta(seconds=1)
FILLED_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """What was sent, by whom, and when; the fields are foreign text.

    Attributes:
        library: a bibliography of papers that they like, as they have it; b"" = none.
        tongue: the language of the page that they saw, "" = the operator's.
    """

    fields: Fields
    network: str
    at: datetime
    library: bytes = b""
    tongue: str = ""


class Desk:
    """Takes sign-ups and deals with them in the order they came."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._waiting: asyncio.Queue[SignUp] = asyncio.Queue(MOST_WAITING)

    def offer(self, sign_up: SignUp) -> None:
        """Take a sign-up; beyond `MOST_WAITING` it is dropped."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(sign_up)

    async def work(self) -> None:
        """Deal with sign-ups until cancelled."""
        while True:
            sign_up = await self._waiting.get()
            try:
                added = await asyncio.to_thread(deal, self._site, sign_up)
                if added and sign_up.library:
                    # Read for those alone whom the limits let through: it takes its time.
                    await self._add_library(added, sign_up.library)
            except DigestError as error:
                logger.warning("sign-up not dealt with: %s", error)
            finally:
                self._waiting.task_done()

    async def _add_library(self, added: Subscriber, content: bytes) -> None:
        examples = await examples_of(self._site, content)
        wishes = with_liked(added, examples)

        def save() -> None:
            with self._site.database.write() as connection:
                save_wishes(connection, wishes)

        if examples:
            await asyncio.to_thread(save)

    async def finish(self) -> None:
        """Wait until every sign-up that was taken is dealt with."""
        await self._waiting.join()


def desk_of(request: Request) -> Desk:
    """Give the desk of the site that a request came to."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


def deal(site: Site, sign_up: SignUp) -> Subscriber | None:
    """Send the mail that a sign-up calls for, or none; the visitor learns neither.

    A new address is asked for confirmation, a known one led to its preferences; a suppressed,
    a wrong one and one that asks too often hear nothing.

    Returns:
        the subscriber that it made, unconfirmed; None = it made none.
    """
    try:
        email = check_address(text_of(sign_up.fields, "email").strip()[:320])
    except ValueError:
        return None
    key = address_key(email)
    hashes = site.links.hashes(key)
    web = site.settings.web
    limits = Limits(per_network=web.sign_ups_per_network, per_hour=web.sign_ups_per_hour)
    with site.database.write() as connection:
        known = find_subscriber(connection, email)
        if is_refused(connection, hashes) or (
            known and known.status is SubscriberStatus.SUPPRESSED
        ):
            return None
        network = site.links.hashes(f"network:{sign_up.network}")[0]
        if not admit(connection, hashes[0], network, limits, sign_up.at):
            logger.info("sign-up beyond a limit: no mail is sent")
            return None
        if known and known.status is SubscriberStatus.CONFIRMED:
            kind, subscriber = DeliveryKind.ACCESS, known
        else:
            kind = DeliveryKind.CONFIRMATION
            wanted = with_sign_up(
                newcomer(site.speaking(sign_up.tongue), email, sign_up.at), sign_up.fields
            )
            subscriber = add_subscriber(connection, wanted, sign_up.at)
        insert_deliveries(connection, [site.notice(kind, subscriber)])
    logger.info("sign-up taken: subscriber=%s mail=%s", subscriber.id, kind)
    return subscriber if kind is DeliveryKind.CONFIRMATION else None


def newcomer(site: Site, email: str, now: datetime) -> Subscriber:
    """Make a subscriber who has said nothing yet, unconfirmed."""
    usual = SubscriberSettings(email=email)
    defaults = site.settings.digest
    one = usual.subscriber(
        defaults,
        subscriber_id=new_id(now),
        next_digest_at=first_digest_at(usual.schedule(defaults), now),
        config_owned=False,
    )
    language = site.tongue or one.language
    return replace(one, language=language, status=SubscriberStatus.UNCONFIRMED)


def seems_human(site: Site, fields: Fields, now: datetime) -> bool:
    """Say whether a form was shown to somebody who took the time to fill it."""
    try:
        shown_at = site.links.read(Purpose.FORM, text_of(fields, "stamp"), now).issued_at
    except LinkError:
        return False
    # The trap is a field that people do not see.
    is_trapped = bool(text_of(fields, "website"))
    return not is_trapped and shown_at is not None and SLOWLY <= now - shown_at <= FILLED_WITHIN
