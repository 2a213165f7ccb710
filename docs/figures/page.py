"""Draws page.png: the first screen of a table of the page, as Chromium shows it.

Usage: python docs/figures/page.py index.html
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright


def main(page: Path) -> None:
    """Opens the first table of a page and keeps what is seen, in 64 colours."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(viewport={"width": 1280, "height": 1000})
        tab.goto(page.resolve().as_uri() + "#/table/0")
        tab.wait_for_selector("html[data-ready]")
        shot = Image.open(io.BytesIO(tab.screenshot()))
        browser.close()
    out = Path(__file__).with_name("page.png")
    shot.convert("RGB").quantize(64).save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
