"""The hostile set: a clean result or a clear error, under 10 s and 300 MB each, measured."""

import json
import os
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fetch.conftest import SAMPLES

MAX_SECONDS = 10
MAX_MEGABYTES = 300

ITEM = "<item><title>Item %d</title><link>https://example.org/%d</link></item>"


def rss(items):
    return f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'


def papers(count, title="Paper"):
    return json.dumps(
        [{"paper": {"id": f"2606.{n % 90_000 + 1:05}", "title": title}} for n in range(count)]
    )


# What INDEX.md asks the tests to make of documents; `Hostile` is the server it asks for.
MADE = {
    "title-10mb.xml": lambda: rss(f"<item><title>{'x ' * 5_000_000}</title></item>"),
    "title-10mb.json": lambda: papers(1, "y" * 10_000_000),
    "items-100000.xml": lambda: rss("".join(ITEM % (n, n) for n in range(100_000))),
    "items-100000.json": lambda: papers(100_000),
    "items-100000-jsonfeed.json": lambda: json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "items": [{"id": str(n), "title": f"Item {n}"} for n in range(100_000)],
        }
    ),
    "items-100000.txt": lambda: "".join(
        f"\\\\\narXiv:{2001 + n // 20000}.{n % 20000 + 1:05}\nTitle: T\n\\\\\n"
        for n in range(100_000)
    ),
    "items-100000.html": lambda: (
        "<!DOCTYPE html><div id='dlpage'><dl>"
        + "".join(
            f"<dt><a href='/abs/{2001 + n // 20000}.{n % 20000 + 1:05}'></a><dd>T</dd>"
            for n in range(100_000)
        )
    ),
    "arrays-100000.json": lambda: "[" * 100_000,
    "objects-100000.json": lambda: '{"a":' * 100_000,
    "elements-100000.xml": lambda: "<rss><channel>" + "<a>" * 100_000,
    "elements-100000.html": lambda: "<html><body>" + "<div>" * 100_000,
    "attributes-100000.xml": lambda: (
        "<rss><channel><item "
        + " ".join(f'a{n}="x"' for n in range(100_000))
        + "/></channel></rss>"
    ),
    "entities-quadratic.xml": lambda: (
        f'<!DOCTYPE r [<!ENTITY a "{"x" * 50_000}">]><rss><channel><item><title>'
        f"{'&a;' * 50_000}</title></item></channel></rss>"
    ),
    "sections-100000.xml": lambda: rss("<item><title>&" + "<![CDATA[" * 100_000),
    "ampersands-100000.xml": lambda: rss(f"<item><title>x{'&' * 100_000}</title></item>"),
    "marks-stacked.xml": lambda: rss(f"<item><title>a{'&#x301;' * 100_000}</title></item>"),
    "tex-nested.json": lambda: papers(1, "$" + "\\frac{" * 20_000 + "$"),
    "header-lines.xml": lambda: rss(
        "<item><title>Hello&#13;&#10;Bcc: all@example.org&#13;&#10;\u202eevil</title>"
        "<link>javascript:alert(1)</link></item>"
    ),
    "surrogates.json": lambda: papers(1, "x").replace('"x"', '"\\ud800 lone \\u0000 nul"'),
    "error-page.html": lambda: "<!DOCTYPE html><title>503</title><h1>Try again</h1>",
    "empty.xml": lambda: "",
    "nul.xml": lambda: rss("<item><title>a\x00b</title></item>"),
    "invalid-utf8.xml": lambda: rss("<item><title>@@</title></item>"),
}

REFUSED = {
    *("arrays-100000.json", "objects-100000.json", "entities-quadratic.xml", "error-page.html"),
    *("empty.xml", "elements-100000.html", "cyclic.xml", "xmlbomb.xml", "external.xml"),
    *(
        "external_file.xml",
        "dtd.xml",
        "n_number_NaN.json",
        "n_structure_100000_opening_arrays.json",
    ),
    *("n_structure_no_data.json", "n_structure_open_array_object.json"),
    "n_structure_trailing_#.json",
}


def gigabyte_of_zeros():
    """Pack it by repeating one packed megabyte; the checksum at the end is never reached."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    head = pack.compress(b"") + pack.flush(zlib.Z_FULL_FLUSH)
    block = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)
    return head + block * 1024 + pack.flush()


class Hostile(BaseHTTPRequestHandler):
    """Answers each path with another trick."""

    def do_GET(self):
        path = self.path.partition("?")[0]
        headers = {"/gzip-gigabyte": {"Content-Encoding": "gzip"}}.get(path, {})
        location = {"/redirect-loop": "/redirect-loop", "/redirect-file": "file:///etc/passwd"}
        self.send_response(302 if path in location else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        if path in location:
            self.send_header("Location", location[path])
        self.end_headers()
        with suppress(OSError):
            getattr(self, path[1:].replace("-", "_"), lambda: None)()

    def gzip_gigabyte(self):
        self.wfile.write(gigabyte_of_zeros())

    def endless_body(self):
        while True:
            self.wfile.write(b"<item>" * 10_000)

    def slow_drip(self):
        # It breaks off when patience is nearly spent: the next try must not begin afresh.
        for _ in range(14):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.5)

    def endless_pages(self):
        page = int(self.path.partition("=")[2] or 0)
        item = {"id": str(page), "title": f"Item {page}"}
        following = f"/endless-pages?p={page + 1}"
        version = "https://jsonfeed.org/version/1.1"
        answer = {"version": version, "next_url": following, "items": [item]}
        self.wfile.write(json.dumps(answer).encode())

    def error_200(self):
        self.wfile.write(b"<!DOCTYPE html><title>503</title>")

    def log_message(self, *_):
        pass


CONNECTIONS = {
    **dict.fromkeys(("gzip-gigabyte", "endless-body", "slow-drip", "redirect-loop"), "failed"),
    **dict.fromkeys(("redirect-file", "empty-body", "error-200"), "failed"),
    "endless-pages": "items",
}


@pytest.fixture(scope="module")
def hostile_site():
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def measured(tmp_path_factory, hostile_site):
    """Read every hostile document in one process, and give what each took by its name."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, make in MADE.items():
        content = make().encode("utf-8", "surrogatepass").replace(b"@@", b"\xff\xfe\x80")
        (folder / name).write_bytes(content)
    samples = [path for name in ("hostile", "hostile-json") for path in (SAMPLES / name).glob("*")]
    paths = [str(path) for path in (*sorted(folder.iterdir()), *sorted(samples))]
    paths += [f"{hostile_site}/{name}" for name in CONNECTIONS]
    run = subprocess.run(
        [sys.executable, "-m", "tests.fetch.hostile", *paths],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=True,
        timeout=300,
    )
    return {Path(path).name: result for path, result in json.loads(run.stdout).items()}


def test_every_document_ends_in_time_and_memory(measured):
    slow = {name: one for name, one in measured.items() if one["seconds"] >= MAX_SECONDS}
    large = {name: one for name, one in measured.items() if one["megabytes"] >= MAX_MEGABYTES}

    assert slow == {}
    assert large == {}


def test_connection_that_plays_tricks_ends_as_expected(measured):
    assert {name: measured[name]["outcome"] for name in CONNECTIONS} == CONNECTIONS


def test_failure_says_why_and_success_says_nothing_else(measured):
    for name, one in measured.items():
        assert (one["outcome"] == "failed") == bool(one["error"]), name
        assert not one["error"] or one["error"].isprintable(), name
        assert "please report" not in (one["error"] or ""), name
        assert one["count"] <= 5_000, name


def test_what_must_be_refused_is(measured):
    let_in = {name for name in REFUSED & measured.keys() if measured[name]["outcome"] != "failed"}

    assert let_in == set()


@pytest.mark.parametrize(
    ("name", "count"),
    [("title-10mb.xml", 1), ("header-lines.xml", 1), ("nul.xml", 1), ("invalid-utf8.xml", 1)],
)
def test_what_can_be_read_is(measured, name, count):
    assert measured[name]["count"] == count
