"""The operator's page in a real browser: axe-core, the keyboard alone, narrow, without scripts."""

import asyncio
import socket
import threading
from pathlib import Path

import axe_core_python
import pytest
from playwright.sync_api import expect, sync_playwright

from digest.model import ListingOutcome, Verdict
from digest.store.items import recent_items
from digest.store.sources import list_sources, record_check
from digest.store.subscribers import add_feedback
from digest.store.tallies import count_days
from digest.web.server import serving
from tests.store.makers import (
    make_subscriber,
    store_items,
    store_subscribers,
)
from tests.web.conftest import ADMIN, ITEMS, World

CHROMIUM = "/usr/bin/chromium"
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def fill(world):
    """Give the page something of everything to show."""
    now = world.clock()
    reader = make_subscriber(created_at=now)
    store_items(world.database, ITEMS)
    store_subscribers(world.database, [reader])
    world.attempted(reader)
    with world.database.write() as connection:
        [state] = list_sources(connection)
        for _ in range(2):
            record_check(
                *(connection, state, ListingOutcome.FAILED),
                at=now,
                next_check_at=now,
                error="fetch papers: HTTP 503 from papers.example.org",
            )
        item = recent_items(connection, 1)[0]
        add_feedback(connection, reader.id, item.id, Verdict.MORE, now)
    count_days(world.database, now)


@pytest.fixture
def address(sqlite_url):
    """Serve the pages from a thread, over real HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    at = f"127.0.0.1:{port}"
    world = World(sqlite_url, base_url=f"http://{at}", listen=at)
    fill(world)
    loop, stop, up = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve():
        async with serving(world.site):
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert up.wait(30)
    yield f"http://{at}/admin"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()
    world.runner.close()
    world.database.close()


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def check(page, width):
    """No violation of axe's rules, and nothing wider than the screen."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(found => found.violations)")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_by_the_keyboard_alone_and_without_violations(address, browser, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(address)
    check(page, width)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.get_by_label("Token").focus()
    page.keyboard.type("not the token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, width)

    page.get_by_label("Token").focus()
    page.keyboard.type(ADMIN)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="How it is doing")).to_be_visible()
    check(page, width)
    tables = page.locator("summary")
    for place in range(tables.count()):
        tables.nth(place).focus()
        page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Deliveries, by day (UTC)")).to_be_visible()
    check(page, width)
    charts = page.get_by_role("img")
    assert charts.count() == 5 + 4 + 1
    assert all("a bar a day" in one for one in charts.locator("title").all_text_contents())
    expect(page.get_by_text("HTTP 503 from papers.example.org").first).to_be_visible()
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Token")).to_be_visible()


def test_without_scripts_and_under_its_own_policy(address, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    complaints = []
    page.on("console", lambda said: complaints.append(said.text))

    page.goto(address)
    page.get_by_label("Token").fill(ADMIN)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="How it is doing")).to_be_visible()
    [cookie] = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/admin")
    assert [one for one in complaints if "Security Policy" in one] == []
