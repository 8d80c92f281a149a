"""Every page in a real browser: axe-core, 320 px, light and dark, by keyboard alone."""

from pathlib import Path

import axe_core_python
import pytest
from playwright.sync_api import sync_playwright

from tests.acceptance.test_pages import CHROMIUM
from tests.pages.browsing import open_page
from tests.pages.showcase import PAGES, installation

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with installation(tmp_path_factory.mktemp("shown")) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule_of_axe_and_fits_a_narrow_screen(shown, browser, name):
    tab = browser.new_page(viewport={"width": 320, "height": 700})
    failed = []
    tab.on("requestfailed", lambda request: failed.append(request.url))
    tab.on(
        "console", lambda said: failed.append(said.text) if "Content Security" in said.text else 0
    )
    open_page(tab, PAGES[name], shown)

    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        # Run by the debugger: the page's own policy lets no foreign script in.
        tab.evaluate(AXE)
        found = tab.evaluate("axe.run().then(found => found.violations)")
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    assert failed == []
    tab.close()


def test_the_keyboard_alone_reaches_the_address_field_and_subscribes(shown, browser):
    tab = browser.new_page(viewport={"width": 320, "height": 700})
    tab.goto(shown.app.links.base_url)

    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "email"
    tab.keyboard.type("ada@example.org")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Subscribe"
    outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    with tab.expect_navigation():
        tab.keyboard.press("Enter")

    assert tab.get_by_role("heading", name="Look into your mailbox").is_visible()
    tab.close()


def test_every_control_of_the_preferences_is_reached_by_the_keyboard_and_has_a_name(shown, browser):
    tab = browser.new_page(viewport={"width": 320, "height": 700})
    tab.goto(shown.preferences)
    wanted = tab.evaluate(
        "[...document.querySelectorAll('main input, main select, main textarea, main button')]"
        ".filter(one => one.type !== 'hidden' && one.checkVisibility()).length"
    )
    reached = set()

    for _ in range(200):
        tab.keyboard.press("Tab")
        at = tab.evaluate(
            "(() => { const one = document.activeElement; return one.closest('main') && "
            "one.matches('input, select, textarea, button') ? one.name || one.textContent : ''})()"
        )
        place = tab.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        if at:
            reached.add(place)

    assert len(reached) == wanted
    tab.close()
