"""Take a picture of every page: 375 and 1280 px wide, light and dark, into docs/screens/.

    python -m tests.pages [NAME ...]

Needs Pillow (extra `dev`) to make the pictures small.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.pages.browsing import open_page
from tests.pages.pictures import small
from tests.pages.showcase import PAGES, ROOT, installation

FOLDER = ROOT / "docs" / "screens"
WIDTHS = (375, 1280)
SCHEMES = ("light", "dark")
# What is further down looks like what is above.
MOST_PIXELS = 1300


def main() -> None:
    wanted = sys.argv[1:] or list(PAGES)
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        installation(Path(folder)) as shown,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name in wanted:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    tab = browser.new_page(
                        viewport={"width": width, "height": 700}, color_scheme=scheme
                    )
                    open_page(tab, PAGES[name], shown)
                    height = tab.evaluate("document.documentElement.scrollHeight")
                    clip = {"x": 0, "y": 0, "width": width, "height": min(height, MOST_PIXELS)}
                    picture = small(tab.screenshot(full_page=True, clip=clip))
                    picture.save(FOLDER / f"{name}-{width}-{scheme}.png", optimize=True)
                    tab.close()
            print(name, flush=True)
        browser.close()
    kilobytes = sum(path.stat().st_size for path in FOLDER.iterdir()) // 1000
    # git keeps every version for ever.
    assert kilobytes < 3000, f"{FOLDER}: {kilobytes:,} kB"
    print(f"{FOLDER}: {kilobytes:,} kB")


if __name__ == "__main__":
    main()
