"""The world around an installation: listing server, mail server, the `digest` command."""

import asyncio
import email
import email.policy
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from digest.demo.listings import arxiv_rss, daily_papers_json

# Its scripts stand beside the interpreter that runs the tests.
DIGEST = Path(sys.executable).with_name("digest")


class ListingServer:
    """Serves the demo's two days of listings; `broken` paths answer with what they hold."""

    def __init__(self):
        self.day = 1
        self.broken = {}
        self.requests = Counter()
        outer = self
        today = datetime.now(UTC).date()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests[self.path] += 1
                content = outer.broken.get(self.path)
                if content is None:
                    make = daily_papers_json if self.path == "/papers" else arxiv_rss
                    content = make(outer.day, today)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class MailServer:
    """A real SMTP server that keeps what it takes.

    Attributes:
        refused: address -> reply to RCPT.
        on_mail: called with the count after each message taken, before the reply.
    """

    def __init__(self):
        self.mails = []
        self.refused = {}
        self.on_mail = None

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos[0], message))
        if self.on_mail:
            self.on_mail(len(self.mails))
        return "250 2.0.0 taken"

    def to(self, address):
        return [message for recipient, message in self.mails if recipient == address]

    @property
    def recipients(self):
        return Counter(recipient for recipient, _ in self.mails)


class Installation:
    """One folder with settings and database, driven by the command line alone."""

    def __init__(self, folder, environment):
        self.folder = folder
        self._environment = environment

    def write(self, settings):
        (self.folder / "config.toml").write_text(settings, encoding="utf-8")

    def start(self, *arguments):
        return subprocess.Popen(
            [DIGEST, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, code=0):
        """Run a command to its end; its exit code is part of the contract."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, f"{arguments}: {process.returncode}\n{out}\n{err}"
        return out + err


@pytest.fixture
def today():
    return datetime.now(UTC).date()


@pytest.fixture
def listings():
    with ListingServer() as server:
        yield server


@pytest.fixture
def mails():
    """A mail server on a port of its own choice, in a thread of its own."""
    mailbox = MailServer()
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(
        loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)
    )
    mailbox.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield mailbox
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    listening.close()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture
def installation(tmp_path):
    return Installation(tmp_path, {"PATH": "/usr/bin:/bin", "COLUMNS": "200", "HOME": "/nowhere"})
