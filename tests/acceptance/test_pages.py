"""A reader's whole life in a real browser: `digest serve`, real SMTP, Chromium, axe-core."""

import json
import re
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import axe_core_python
import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.acceptance.test_day import SETTINGS

# What Debian and Ubuntu install; a missing browser fails here, as it should.
CHROMIUM = "/usr/bin/chromium"
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
ADA = "ada@example.org"
WAIT_SECONDS = 30
WEB = """
[web]
base_url = "http://127.0.0.1:{port}"
listen = "127.0.0.1:{port}"
secret_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
"""


def until(found):
    """Wait for something that another process does."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def link_in(mail, path):
    text = mail.get_body(("plain",)).get_content()
    return re.search(rf"http://\S+/{path}/\S+", text)[0]


@contextmanager
def served(installation, settings):
    """Let `digest serve` answer on loopback, until it has items; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    installation.write(settings + WEB.format(port=port))
    process = installation.start("serve")
    address = f"http://127.0.0.1:{port}"

    def is_up():
        assert process.poll() is None, process.communicate()
        try:
            # Not the home page: an empty one would be kept for a while.
            return httpx.get(f"{address}/api/v1/items").json()
        except httpx.TransportError:
            return []

    try:
        until(is_up)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, logged
    assert ADA not in logged
    assert "Traceback" not in logged


@pytest.fixture
def base_url(installation, listings, mails):
    settings = SETTINGS.partition("[[subscribers]]")[0].format(
        smtp_port=mails.port, papers=listings.url("/papers"), arxiv=listings.url("/arxiv")
    )
    with served(installation, settings) as address:
        yield address


@pytest.fixture(params=[True, False], ids=["JavaScript", "no JavaScript"])
def page(request):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            java_script_enabled=request.param, viewport={"width": 320, "height": 800}
        )
        opened = context.new_page()
        opened.has_scripts = request.param
        yield opened
        browser.close()


def check(page):
    """No violation of axe's rules, and nothing wider than the screen."""
    if not page.has_scripts:
        return
    # Run by the debugger: the page's own policy lets no foreign script in.
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(found => found.violations)")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_reader_joins_judges_leaves_and_is_forgotten(base_url, page, mails):
    page.goto(base_url)
    check(page)
    page.goto(f"{base_url}/search?q=retrieval")
    check(page)
    page.goto(f"{base_url}/subscribe")
    check(page)
    page.get_by_label("Topics").fill("retrieval")
    page.get_by_role("button", name="Show me").click()
    expect(page.get_by_role("heading", name="Your digest today would be")).to_be_visible()
    check(page)
    page.get_by_label("Email address").fill(ADA)
    page.get_by_label("Time zone").select_option("UTC")
    page.get_by_label("Time", exact=True).fill("00:00")
    page.wait_for_timeout(1100)  # a form filled faster is a machine's
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    check(page)

    [confirmation] = until(lambda: mails.to(ADA))
    page.goto(link_in(confirmation, "c"))
    check(page)
    page.get_by_role("button", name="Confirm my subscription").click()
    expect(page.get_by_text("Welcome! You are subscribed.")).to_be_visible()
    check(page)
    preferences = page.url
    page.locator("#name-1").fill("Proteins")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert page.locator("#name-1").input_value() == "Proteins"

    digest = until(lambda: mails.to(ADA)[1:])[0]
    page.goto(link_in(digest, "d") + "/more")
    check(page)
    page.get_by_role("button", name="More like this").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Back to the digest").click()
    check(page)
    page.goto(preferences.partition("?")[0] + "/next")
    check(page)
    page.goto(preferences.partition("?")[0] + "/feedback")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    check(page)
    page.goto(preferences.partition("?")[0] + "/digests")
    check(page)

    unsubscribe = re.search(r"<(http[^>]+)>", digest["List-Unsubscribe"])[1]
    page.goto(unsubscribe)
    check(page)
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    answer = httpx.post(unsubscribe, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.headers.get("set-cookie")) == (200, None)
    farewell = until(lambda: [one for one in mails.to(ADA) if "unsubscribed" in one["Subject"]])[0]
    page.goto(preferences)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    check(page)

    page.goto(link_in(farewell, "c"))
    page.get_by_role("button", name="Confirm my subscription").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export my data").click()
    assert ADA in Path(download.value.path()).read_text(encoding="utf-8")
    page.get_by_role("link", name="Erase me").click()
    check(page)
    page.get_by_role("button", name="Erase everything").click()
    expect(page.get_by_role("heading", name="You are forgotten")).to_be_visible()
    check(page)


PROTEINS = ("Folding of membrane proteins", "Protein folding by diffusion", "How proteins fold")
GRAPHS = ("Spectral graph sparsifiers", "Colouring planar graphs", "Graph minors in parallel")
NO_WISHES = """
[[subscribers]]
email = "ada@example.org"
timezone = "UTC"
max_items = 2
minimum_score = 0.0
explore = false
"""


def listing(today):
    """Six papers of two topics: one protein leads, then come the graphs."""
    titles = (PROTEINS[0], *GRAPHS, *PROTEINS[1:])
    at = f"{today}T00:00:00.000Z"
    papers = [
        {
            "id": f"2611.0000{place}",
            "title": title,
            "summary": f"{title}: what is known of it, and what is new.",
            "authors": [{"name": f"Author {place}"}],
            "upvotes": 90 - 15 * place,
            "publishedAt": at,
        }
        for place, title in enumerate(titles, start=1)
    ]
    return json.dumps(
        [{"paper": one, "title": one["title"], "publishedAt": at} for one in papers]
    ).encode()


def test_feedback_changes_the_next_digest(installation, listings, mails, page, today):
    listings.broken["/papers"] = listing(today)
    head, _, _ = SETTINGS.partition("[[subscribers]]")
    settings = head.format(
        smtp_port=mails.port, papers=listings.url("/papers"), arxiv=listings.url("/arxiv")
    )
    listings.day = 3  # nothing on arXiv
    with served(installation, settings + NO_WISHES):
        [digest] = until(lambda: mails.to(ADA))
        coming = link_in(digest, "p").partition("?")[0] + "/next"
        page.goto(coming)
        assert page.get_by_role("article").first.get_by_role("heading").inner_text() in GRAPHS
        page.goto(link_in(digest, "d").rpartition("/")[0])
        page.get_by_role("article").filter(has_text=PROTEINS[0]).get_by_text("Details").click()
        page.get_by_role("button", name="More like this").click()
        page.goto(coming)
        shown = page.get_by_role("article").first
        assert shown.get_by_role("heading").inner_text() in PROTEINS[1:]
        expect(shown.get_by_text(PROTEINS[0])).to_be_visible()  # the reason
