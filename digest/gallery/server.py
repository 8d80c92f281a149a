"""The gallery in a browser: every kind of mail side by side, shown anew when a file changes."""

import json
from collections.abc import Callable, Mapping, Sequence
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from digest.errors import DigestError
from digest.gallery.kinds import Exhibit

DARK = "(prefers-color-scheme: dark)"
# A mail is shown as a strict client would: no script, nothing loaded but pictures.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src http: https:; sandbox"
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
    " connect-src 'self'; frame-src 'self'"
)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Show:
    """What is shown now: built anew when one of the watched files changes.

    Args:
        build: makes all mails, from settings and templates as they stand now.
        watched: files, and folders with all they hold.
    """

    def __init__(self, build: Callable[[], Sequence[Exhibit]], watched: Sequence[Path]) -> None:
        self._build = build
        self._watched = watched
        self._stamp = -1
        self.exhibits: Mapping[str, Exhibit] = {}
        self.error = ""

    def refresh(self) -> int:
        """Build anew if a file changed; gives a number that changes with the files."""
        stamp = self._newest()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self.exhibits = {one.name: one for one in self._build()}
                self.error = ""
            except DigestError as error:
                self.error = str(error)
        return stamp

    def _newest(self) -> int:
        found = [
            (str(path), path.stat().st_mtime_ns)
            for root in self._watched
            for path in (sorted(root.rglob("*")) if root.is_dir() else [root])
            if path.is_file()
        ]
        return hash(tuple(found))


def serve_gallery(show: Show, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Answer until interrupted.

    Args:
        port: 0 = any that is free.
        ready: is told the address.
    """
    with make_server(show, host, port) as server:
        ready(f"http://{host}:{server.server_port}/")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return


def make_server(show: Show, host: str, port: int) -> ThreadingHTTPServer:
    """Make a server that answers for a show."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not _is_asked_for_by_name(self.headers, host):
                self.send_error(421)  # a page elsewhere whose name was pointed at us
                return
            parts = urlsplit(self.path)
            scheme = parse_qs(parts.query).get("scheme", [""])[0]
            stamp = show.refresh()
            found = _answer(show, stamp, parts.path.lstrip("/"), scheme)
            if found is None:
                self.send_error(404)
                return
            content, kind, policy = found
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", policy)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer((host, port), Handler)


def in_scheme(html: str, scheme: str) -> str:
    """Show a mail as it looks in light or dark, whatever the browser prefers."""
    forced = {"dark": "all", "light": "not all"}.get(scheme)
    return html.replace(DARK, forced) if forced else html


def _answer(show: Show, stamp: int, name: str, scheme: str) -> tuple[bytes, str, str] | None:
    if not name:
        page = files("digest.gallery").joinpath("page.html").read_text(encoding="utf-8")
        return page.encode(), "text/html", PAGE_POLICY
    if name == "state.json":
        shown = [
            {"name": one.name, "label": one.label, "subject": one.subject}
            for one in show.exhibits.values()
        ]
        state = {"stamp": str(stamp), "error": show.error, "exhibits": shown}
        return json.dumps(state).encode(), "application/json", MAIL_POLICY
    stem, _, ending = name.rpartition(".")
    exhibit = show.exhibits.get(stem)
    if exhibit is None:
        return None
    if ending == "html":
        return in_scheme(exhibit.html, scheme).encode(), "text/html", MAIL_POLICY
    if ending == "txt":
        return exhibit.text.encode(), "text/plain", MAIL_POLICY
    if ending == "eml":
        return exhibit.message.content, "text/plain", MAIL_POLICY
    return None


def _is_asked_for_by_name(headers: Headers, host: str) -> bool:
    """Say whether a request names this machine: DNS rebinding names another."""
    name = (headers.get("Host") or "").rpartition(":")[0] or headers.get("Host")
    return host not in ("127.0.0.1", "localhost", "::1") or name in LOOPBACK
