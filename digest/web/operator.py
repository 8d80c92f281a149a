"""Who is the operator: by a token, by the cookie it was exchanged for, or by a proxy's word."""

import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.config import WebSettings
from digest.web.network import Network
from digest.web.site import Here, Site

PATH = "/admin"
SIGNED_IN_FOR = timedelta(hours=12)
# Longer than any token that a person was given.
MOST_CHARS = 500


def is_open(site: Site) -> bool:
    """Say whether there is an operator's page at all."""
    return site.admin_token is not None or site.settings.web.admin_header is not None


def is_operator(site: Site, request: Request) -> bool:
    """Say whether a request is the operator's."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and is_token(site, token.strip()):
        return True
    peer = request.client.host if request.client else ""
    if is_vouched_for(site.settings.web, request.headers.getlist, peer):
        return True
    return has_session(site, request)


def has_session(site: Site, request: Request) -> bool:
    """Say whether a browser was let in by the token, and the cookie still holds."""
    return _is_session(site, request.cookies.get(_cookie(site), ""))


def is_token(site: Site, token: str) -> bool:
    """Compare a token with the operator's in constant time."""
    known = site.admin_token
    return known is not None and hmac.compare_digest(token[:MOST_CHARS].encode(), known.encode())


def is_vouched_for(web: WebSettings, headers: Callable[[str], Sequence[str]], peer: str) -> bool:
    """Say whether a trusted proxy names one of the operators, once.

    Args:
        headers: gives every value of a header.
        peer: the address that the connection came from.
    """
    if web.admin_header is None or not _is_within(peer, web.trusted_proxies):
        return False
    named = headers(web.admin_header)
    # Two of them: one may be the visitor's own.
    return len(named) == 1 and named[0] in web.admin_users


def sign_in(site: Site, response: Response) -> None:
    """Let a browser in for a while."""
    expires_at = site.clock() + SIGNED_IN_FOR
    _set(site, response, _session(site, str(int(expires_at.timestamp())))[0], SIGNED_IN_FOR)


def sign_out(site: Site, response: Response) -> None:
    """Take back what let a browser in."""
    _set(site, response, "", timedelta(0))


def operator(site: Here, request: Request) -> None:
    """Refuse whoever is not the operator; for programs.

    Raises:
        HTTPException: 401.
    """
    if not is_operator(site, request):
        raise HTTPException(401, "not the operator", {"WWW-Authenticate": "Bearer"})


Operator = Annotated[None, Depends(operator)]


def _session(site: Site, expires: str) -> Sequence[str]:
    """Give the cookie's value under every key: void with the token, and with the keys."""
    said = f"admin:{site.admin_token}:{expires}"
    return [f"{expires}.{one}" for one in site.links.hashes(said)]


def _is_session(site: Site, cookie: str) -> bool:
    expires, _, _signature = cookie.partition(".")
    if site.admin_token is None or not expires.isascii() or not expires.isdecimal():
        return False
    given = cookie[:MOST_CHARS].encode()
    is_ours = any(hmac.compare_digest(given, one.encode()) for one in _session(site, expires))
    # What we signed is a number that a clock gave.
    return is_ours and site.clock() < datetime.fromtimestamp(int(expires), UTC)


def _set(site: Site, response: Response, value: str, age: timedelta) -> None:
    response.set_cookie(
        _cookie(site),
        value,
        max_age=int(age.total_seconds()),
        path=PATH,
        secure=_is_https(site),
        httponly=True,
        samesite="strict",
    )


def _cookie(site: Site) -> str:
    # Browsers refuse such a name from a page that is not https.
    return "__Secure-digest-admin" if _is_https(site) else "digest-admin"


def _is_https(site: Site) -> bool:
    return site.links.base_url.startswith("https:")


def _is_within(peer: str, networks: Sequence[Network]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
