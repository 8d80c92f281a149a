"""The addresses of one reader's own pages, and how a subscription ends by mail."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from digest.compose.wire import ascii_address
from digest.links import Links
from digest.model import Addressee, Digest


class OwnLinks(NamedTuple):
    """The addresses of one reader's pages; empty where there are no pages."""

    unsubscribe: str
    preferences: str
    web_copy: str


NO_LINKS = OwnLinks("", "", "")


class Addresses:
    """Gives the addresses that differ by reader.

    Args:
        unsubscribe: where everybody can unsubscribe by mail.
        links: makes the addresses of readers' pages; None = there are no pages.
        leaving: gives a reader's own address to unsubscribe by mail at, by id.
    """

    def __init__(
        self, unsubscribe: str, links: Links | None, leaving: Callable[[str], str] | None
    ) -> None:
        self._unsubscribe = unsubscribe
        self._links = links
        self._leaving = leaving
        self.are_own = bool(links or leaving)

    def own(self, subscriber: Addressee, digest: Digest) -> OwnLinks:
        """Give the addresses of a reader's pages.  They hold no sign that HTML would escape."""
        if self._links is None:
            if self._leaving is None:
                return NO_LINKS
            return NO_LINKS._replace(unsubscribe=self.by_mail(subscriber))
        reader, epoch = subscriber.id, subscriber.link_epoch
        return OwnLinks(
            self._links.unsubscribe(reader),
            self._links.preferences(reader, epoch),
            self._links.digest(reader, digest.id, epoch),
        )

    def by_mail(self, subscriber: Addressee) -> str:
        """Give the `mailto:` address that ends a subscription; RFC 2369 section 3.2.

        A reader's own needs no subject: whatever comes to it ends the subscription.
        """
        if self._leaving is None:
            return self._unsubscribe
        own = ascii_address(self._leaving(subscriber.id))
        return f"mailto:{quote(own, safe='@+!$*')}"  # RFC 6068 section 2
