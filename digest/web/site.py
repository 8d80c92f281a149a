"""What every page needs: the parts of the installation, and how a page is rendered."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import HTMLResponse

from digest.compose.headers import message_id
from digest.compose.pieces import look
from digest.config import Settings
from digest.errors import LinkError
from digest.links import Links, Purpose
from digest.model import (
    Delivery,
    DeliveryKind,
    Digest,
    Subscriber,
    SubscriberStatus,
    new_id,
)
from digest.protocols import Clock, Ranker
from digest.render import Form, Language, Templates
from digest.store.database import Database
from digest.store.subscribers import get_subscribers
from digest.web.kept import Kept
from digest.web.tongues import SPOKEN, preferred

# What resembles an item, and which topics there are, changes slowly.
LISTED_SECONDS, A_DAY = 600.0, 86400.0
SEE_OTHER = 303


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One installation as its pages see it.

    Attributes:
        preview: composes the digest that a subscriber would get now; nothing is stored.
        ranker: gives what compares items, fitted to those stored.
        read_library: gives the works of a bibliography as examples of an interest; raises
            ParseError.
        fetch_picture: gives what stands at an address, if that is public and it is small;
            raises FetchError.
        admin_token: opens the operator's page; None = there is none.
        is_stopping: the process ends soon; a balancer should send nobody here.
    """

    settings: Settings
    database: Database
    links: Links
    templates: Templates
    clock: Clock
    preview: Callable[[Subscriber], Digest]
    ranker: Callable[[], Ranker]
    read_library: Callable[[bytes], Awaitable[Sequence[str]]]
    fetch_picture: Callable[[str], Awaitable[bytes]]
    admin_token: str | None = None
    is_stopping: Callable[[], bool] = lambda: False
    pages: Kept[Form] = field(default_factory=Kept)
    lists: Kept[Any] = field(default_factory=lambda: Kept(fresh=LISTED_SECONDS, stale=A_DAY))
    tongue: str = ""

    @property
    def language(self) -> Language:
        """The language of the pages; where a visitor asks for none, that of new subscribers."""
        return self.templates.language(self.tongue or self.settings.digest.language)

    @property
    def has_pictures(self) -> bool:
        """True if the pages show pictures of items, fetched by us."""
        return self.settings.mail.thumbnails == "proxied"

    def speaking(self, tag: str) -> "Site":
        """Give the same site in another language, "" = the operator's."""
        return self if tag == self.tongue else replace(self, tongue=tag)

    def render(self, name: str, /, **values: object) -> str:
        """Render one page."""
        return self.form(name, (), **values)[0]

    def form(self, name: str, holes: Iterable[str], /, **values: object) -> Form:
        """Render one page around holes, as `Templates.form` does."""
        return self.templates.form(
            f"web/{name}", self.language, holes, **(look(self.settings.mail) | values)
        )

    def page(self, name: str, /, status: int = 200, **values: object) -> HTMLResponse:
        """Answer with one page."""
        return HTMLResponse(self.render(name, **values), status)

    def message(
        self,
        heading: str,
        *sentences: str,
        status: int = 200,
        actions: Iterable[dict[str, str]] = (),
        links: Iterable[dict[str, str]] = (),
    ) -> HTMLResponse:
        """Answer with a page of a few sentences; actions are buttons that post."""
        return self.page(
            "message.html",
            status,
            heading=heading,
            sentences=sentences,
            actions=list(actions),
            links=list(links),
        )

    def owner(self, purpose: Purpose, token: str) -> tuple["Site", Subscriber]:
        """Give the subscriber that a token speaks for, whatever the status.

        Returns:
            the site in the subscriber's language, and the subscriber.

        Raises:
            LinkError: the token is not good, or its subscriber or epoch is gone.
        """
        ticket = self.links.read(purpose, token, self.clock())
        with self.database.read() as connection:
            found = get_subscribers(connection, [ticket.subscriber_id]).get(ticket.subscriber_id)
        is_bound = purpose is not Purpose.UNSUBSCRIBE
        if found is None or (is_bound and ticket.epoch != found.link_epoch):
            raise LinkError("link: no longer valid")
        return self.speaking(found.language), found

    def reader(self, purpose: Purpose, token: str) -> tuple["Site", Subscriber]:
        """Give the confirmed subscriber that a token speaks for, as `owner` does.

        Raises:
            LinkError: as `owner`, or the subscription has ended.
        """
        site, found = self.owner(purpose, token)
        if found.status is not SubscriberStatus.CONFIRMED:
            raise LinkError("link: no longer valid")
        return site, found

    def notice(self, kind: DeliveryKind, subscriber: Subscriber) -> Delivery:
        """Make the delivery of a mail about the subscription itself, due at once."""
        now = self.clock()
        delivery_id = new_id(now)
        return Delivery(
            id=delivery_id,
            kind=kind,
            recipient=subscriber.email,
            message_id=message_id(delivery_id, self.settings.mail),
            subscriber_id=subscriber.id,
            created_at=now,
            next_attempt_at=now,
        )


async def site_of(request: Request) -> Site:
    """Give the site that a request came to, in the language that the visitor asks for.

    Async because a plain function would cost each request a thread.
    """
    site: Site = request.app.state.site
    wanted = request.headers.get("accept-language", "")
    return site.speaking(preferred(wanted, SPOKEN)) if wanted else site


Here = Annotated[Site, Depends(site_of)]


def masked(email: str) -> str:
    """Show an address so that its owner knows it and nobody else learns it."""
    local, _, domain = email.rpartition("@")
    name, dot, ending = domain.rpartition(".")
    return f"{local[:1]}…@{name[:1]}…{dot}{ending}"
