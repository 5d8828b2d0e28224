"""The pictures of the service's page in the documentation, of a run that is judged.

    python -m benchmarks.service_pictures runs/quickstart

Run from the root of the repository; needs the extras ``serve`` and ``test``, and Chromium. Serves the folder of
the run, opens its pages in a browser and writes ``docs/service-run.png``, ``docs/service-champion.png`` and
``docs/service-new.png``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
WIDTH = 1280
PATIENCE_MS = 120_000  # the first explanation of a champion takes a while
PICTURES = {  # where on the service, what has to be there, and the height that is shown
    "service-run": ("/runs/{run}", "text=Course of the search", 845),
    "service-champion": ("/runs/{run}/champion", "text=What it computes", 1420),
    "service-new": ("/new", "text=Start the search", 900),
}


def main() -> None:
    """Writes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="directory of a run that is judged")
    run = parser.parse_args().run
    with served(run.parent) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, (path, awaited, height) in PICTURES.items():
            picture = Path("docs", f"{name}.png")
            take(browser, address + path.format(run=run.name), awaited, height=height, picture=picture)
            print(f"{picture}: {picture.stat().st_size / 1024:.0f} KiB")
        browser.close()


@contextmanager
def served(root: Path) -> Iterator[str]:
    """Yields the address of a service on ``root``, without a slash at the end."""
    command = [sys.executable, "-m", "evo_nas.cli", "serve", "--root", str(root), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.terminate()


def take(browser: Browser, url: str, awaited: str, *, height: int, picture: Path) -> None:
    """Writes what a browser shows at ``url``, once ``awaited`` is there and its requests are answered."""
    page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    page.locator(awaited).first.wait_for()
    page.locator(".where:not(:empty)").wait_for()
    page.wait_for_timeout(3_000)  # charts are drawn after the data came
    # The folder of whoever takes the pictures is nobody's business.
    page.locator(".where").evaluate("(where) => { where.textContent = 'runs' }")
    page.screenshot(path=picture)
    page.close()


if __name__ == "__main__":
    main()
