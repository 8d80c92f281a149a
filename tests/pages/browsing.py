"""How a browser comes to a page."""

from playwright.sync_api import Page as Tab

from tests.pages.showcase import Page, Shown


def open_page(tab: Tab, page: Page, shown: Shown) -> None:
    """Go to a page as a visitor would: by its address, or by sending a form."""
    tab.set_extra_http_headers(dict(page.headers))
    if page.fields is None:
        tab.goto(page.address(shown))
        return
    tab.goto(f"{shown.app.links.base_url}/search")
    with tab.expect_navigation():
        tab.evaluate(
            """([address, fields]) => {
                const form = document.createElement("form");
                form.method = "post";
                form.action = address;
                for (const [name, value] of Object.entries(fields)) {
                    const field = document.createElement("textarea");
                    field.name = name;
                    field.value = value;
                    form.append(field);
                }
                document.body.append(form);
                form.submit();
            }""",
            [page.address(shown), dict(page.fields)],
        )
