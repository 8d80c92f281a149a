"""Pictures by the system's Chromium: of mails for the docs, and for whoever designs them.

`python -m tests.screens FOLDER` writes every kind of mail at 375 and 640 pixels, light and dark,
into FOLDER, the ones that the docs show into docs/screens, and the text of one into docs/mail.md.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from digest.config import MailSettings
from digest.gallery.kinds import Exhibit, exhibits
from digest.render import Templates

# What Debian and Ubuntu install; a missing browser fails here, as it should.
CHROMIUM = "/usr/bin/chromium"
WIDTHS = (375, 640)
SCHEMES = ("light", "dark")
DOCS = Path(__file__).parents[1] / "docs"
# Pages of the docs load quickly: these pictures alone, and no longer than a large screen.
SHOWN = {
    *(f"{name}-640-light.png" for name in ("digest", "weekly", "pictures")),
    *(f"{name}-375-dark.png" for name in ("digest", "short", "confirmation")),
}
SHOWN_HEIGHT = 1200
MAIL = MailSettings(contact="desk@example.org", thumbnails="direct")
# What stands for every picture: no mail loads anything from elsewhere here.
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="224" height="126">
<rect width="224" height="126" fill="#d8cfc2"/>
<path d="M0 126 L70 52 L112 92 L150 40 L224 126 Z" fill="#b45309" opacity="0.55"/></svg>"""
TEXT = re.compile(r"(?<=<!-- text -->\n```text\n).*?(?=```\n)", re.DOTALL)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Hold a browser open."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def picture(browser: Browser, html: str, width: int, scheme: str, path: Path) -> None:
    """Write a page as a PNG, as long as it is; a part of it for the docs."""
    page = browser.new_page(viewport={"width": width, "height": 200}, color_scheme=scheme)
    page.route(
        re.compile("^http"),
        lambda route: route.fulfill(body=PICTURE, content_type="image/svg+xml"),
    )
    page.set_content(html)
    page.screenshot(path=path, full_page=True)
    if path.name in SHOWN:
        height = min(SHOWN_HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": width, "height": height}
        from tests.pages.pictures import small  # Pillow is there for pictures alone, not in tests

        picture = small(page.screenshot(full_page=True, clip=clip), colours=64)
        picture.save(DOCS / "screens" / path.name, optimize=True)
    page.close()


def write_all(folder: Path, mails: Sequence[Exhibit]) -> None:
    """Write every mail at every width and scheme."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for mail in mails:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    path = folder / f"{mail.name}-{width}-{scheme}.png"
                    picture(browser, mail.html, width, scheme, path)


def write_text(mail: Exhibit) -> None:
    """Write a mail's text part into the docs."""
    page = DOCS / "mail.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(TEXT.sub(lambda _: mail.text, before, count=1), encoding="utf-8")


if __name__ == "__main__":
    shown = list(exhibits(MAIL, Templates()))
    write_all(Path(sys.argv[1]), shown)
    write_text(next(one for one in shown if one.name == "digest"))
