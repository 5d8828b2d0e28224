"""Takes the pictures of `docs/service.md` from a service: ``python -m tests.server.pictures URL RUN``.

The run should be a finished one of the quickstart, of which `evo-nas serve` keeps few others.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.server.test_browser import CHROMIUM, settled

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DOCS = Path(__file__).parents[2] / "docs"
WIDTH = 1200


def main() -> None:
    """Writes the pictures."""
    service, run = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for name, path, height, scheme in (
            ("live", f"/runs/{run}", 900, "light"),
            ("new", "/new", 760, "light"),
            ("champion", f"/runs/{run}/champion", 1000, "dark"),
        ):
            shoot(browser, f"{service.rstrip('/')}{path}", DOCS / f"service-{name}.png", height, scheme)


def shoot(browser: Browser, address: str, picture: Path, height: int, scheme: str) -> None:
    """Writes what a window ``WIDTH`` wide shows of a page."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(address)
    settled(page)
    page.wait_for_timeout(500)  # a canvas does not say when it is drawn
    page.screenshot(path=picture)
    context.close()


if __name__ == "__main__":
    main()
