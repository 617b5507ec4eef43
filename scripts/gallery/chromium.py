"""Screenshots of interactive pages in a headless Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
SOFTWARE = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""Options that let root run Chromium, and WebGL run without a graphics card."""

WINDOW = {"width": 1280, "height": 800}
PATIENCE = 120_000
"""Timeout in milliseconds; WebGL without a graphics card is slow."""

SETTLED = "!draw.busy() && !drawCursor.busy() && !turnOthers.busy()"


class NoBrowserError(Exception):
    """No browser is installed; the message says what to install."""


def screenshot(page: Path, picture: Path) -> None:
    """Open a page, mark a point on it with the keyboard, and take a screenshot.

    Args:
        page: an HTML file of ``landscape export``.
        picture: the PNG file to write.

    Raises:
        NoBrowserError: if playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NoBrowserError("no playwright: pip install 'landscape-cli[browser]'") from None
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise NoBrowserError("no Chromium: apt-get install chromium")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=SOFTWARE)
        opened = browser.new_page(viewport=WINDOW, color_scheme="light")
        opened.set_default_timeout(PATIENCE)
        opened.goto(page.resolve().as_uri())
        opened.wait_for_selector("body[data-drawn]")
        _settle(opened)
        opened.locator(".flat").first.focus()
        for key in 5 * ["ArrowLeft"] + 3 * ["ArrowUp"]:
            opened.keyboard.press(key)
        opened.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        _settle(opened)
        opened.screenshot(path=str(picture))
        browser.close()


def _settle(opened: Any) -> None:
    """Wait until the page stops drawing; its security policy forbids playwright's own waiting."""
    for _ in range(PATIENCE // 100):
        opened.wait_for_timeout(100)
        if opened.evaluate(SETTLED):
            return
    raise TimeoutError(f"the page is still drawing after {PATIENCE // 1000} s")
