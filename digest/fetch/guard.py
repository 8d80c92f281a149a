"""Where a request may go: web addresses, redirects to others, and the address connected to.

Decides what `http` asks; opens a socket and never connects it.
"""

import socket
from ipaddress import ip_address

from aiohttp import AddrInfoType
from yarl import URL

from digest.errors import FetchError
from digest.fetch.addresses import is_public
from digest.text import one_line


class RefusedAddressError(OSError):
    """A connection was about to go to an address that is not public."""

    def __init__(self, address: str) -> None:
        # aiohttp keeps the class of an error only where all addresses failed with one text.
        super().__init__("not a public address")
        self.address = address


def web_address(url: str) -> URL:
    """Read an absolute http or https address, without its fragment.

    Raises:
        FetchError: it is none.
    """
    try:
        address = URL(url.strip())
    except ValueError as error:
        raise FetchError(
            f'"{one_line(url, 200)}" is not an address: {error}', permanent=True
        ) from error
    if address.scheme not in ("http", "https") or not address.host:
        raise FetchError(
            f'"{shown(address)[:200]}" is not an http or https address', permanent=True
        )
    return address.with_fragment(None)


def redirect_target(url: URL, location: str) -> URL:
    """Say where a redirect leads, or refuse to go there."""
    if not location:
        raise FetchError(f"{url.host} redirects without saying where to")
    try:
        target = web_address(str(url.join(URL(location))))
    except (ValueError, FetchError) as error:
        raise FetchError(
            f'{url.host} redirects to "{one_line(location, 200)}": refused', permanent=True
        ) from error
    if url.scheme == "https" and target.scheme == "http":
        raise FetchError(
            f"{url.host} redirects from https to http at {target.host}: refused", permanent=True
        )
    if target.origin() == url.origin():
        return target.with_user(url.user).with_password(url.password)
    return target.with_user(None)


def guarded_socket(address: AddrInfoType) -> socket.socket:
    """Open a socket for one address; this is the last step before connecting to it."""
    family, kind, protocol, _, target = address
    if not is_public(ip_address(str(target[0]))):
        raise RefusedAddressError(str(target[0]))
    return socket.socket(family, kind, protocol)


def shown(url: URL) -> str:
    """Write an address without its login."""
    return str(url.with_user(None)) if url.absolute else str(url)
