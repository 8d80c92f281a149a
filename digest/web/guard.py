"""What holds for every request: right host, bounded body, same site, safe headers.

No page here acts on cookies (the operator's only shows), so a foreign site could at most sign
others up in its visitors' names; the browser's own word on where a form came from prevents that.
"""

import logging
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from prometheus_client import Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.links import Purpose

logger = logging.getLogger(__name__)

# A pasted BibTeX file of a few hundred entries, and no more.
BODY_BYTES = 256 * 1024
OPEN_TO_ANY_HOST = frozenset({"/healthz", "/readyz", "/metrics"})
# Pages whose address is a secret: not kept, and not told to the sites they link to.
SECRET = tuple(f"/{purpose}/" for purpose in Purpose)
OPERATORS = ("/admin", "/api/v1/admin")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
TOO_LARGE = "This is too large"
FOREIGN_FORM = "This form belongs to another site"
HSTS = "max-age=31536000"


class Guard:
    """Stands before the application.

    Args:
        base_url: scheme and host that readers see.
        requests: counts answers by method and status.
        explain: gives the page that says why a form was refused, from what the browser
            likes to read (Accept-Language), the status and a sentence in English.
    """

    def __init__(
        self,
        app: ASGIApp,
        base_url: str,
        requests: Counter,
        explain: Callable[[str, int, str], Response],
    ) -> None:
        self._app = app
        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._requests = requests
        self._explain = explain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.labels(scope["method"][:10], str(message["status"])).inc()
                self._dress(scope["path"], MutableHeaders(scope=message))
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        path = scope["path"]
        tongue = headers.get("accept-language", "")
        if headers.get("host", "").lower() != self._host and path not in OPEN_TO_ANY_HOST:
            return PlainTextResponse("no such site here\n", 421)
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not length.isdecimal():
            return PlainTextResponse("send a Content-Length\n", 411)
        if int(length) > BODY_BYTES:
            return self._explain(tongue, 413, TOO_LARGE)
        if not self._is_same_site(path, headers):
            return self._explain(tongue, 403, FOREIGN_FORM)
        return None

    def _is_same_site(self, path: str, headers: Headers) -> bool:
        """Say whether a form of ours was sent, or a program that is no browser speaks.

        A mailbox posts to an unsubscribe address from wherever it is.  RFC 8058 section 3.2
        """
        if path.startswith(f"/{Purpose.UNSUBSCRIBE}/"):
            return True
        if site := headers.get("sec-fetch-site"):
            return site in ("same-origin", "none")
        # Browsers say "null" where a page keeps its address to itself; its token is our proof.
        origin = headers.get("origin")
        return origin in (None, self._base_url) or (origin == "null" and path.startswith(SECRET))

    def _dress(self, path: str, headers: MutableHeaders) -> None:
        for name, value in self._headers(path):
            headers.setdefault(name, value)

    def _headers(self, path: str) -> Iterable[tuple[str, str]]:
        yield from HEADERS.items()
        is_secret = path.startswith(SECRET)
        is_kept_nowhere = is_secret or path.startswith(OPERATORS)
        yield "Referrer-Policy", "no-referrer" if is_secret else "same-origin"
        yield "Cache-Control", "no-store" if is_kept_nowhere else "no-cache"
        yield "Vary", "Accept-Language"
        if is_kept_nowhere:
            yield "X-Robots-Tag", "noindex"
        if self._base_url.startswith("https:"):
            yield "Strict-Transport-Security", HSTS
