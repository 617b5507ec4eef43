"""Time to the first picture of a page: ``python scripts/gallery/page_speed.py PAGE``."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from chromium import NAMES, PATIENCE, SOFTWARE

TIMES = 5
"""Number of times that the page is opened."""

MARKS = "performance.getEntriesByType('mark').map(({name, startTime}) => [name, startTime])"


def main() -> None:
    """Open the page in a headless Chromium, and print medians of seconds since its start."""
    import shutil

    from playwright.sync_api import sync_playwright

    path, found = next(filter(None, map(shutil.which, NAMES))), []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=SOFTWARE)
        for _ in range(TIMES):
            opened = browser.new_page(viewport={"width": 1280, "height": 800})
            opened.goto(Path(sys.argv[1]).resolve().as_uri())
            opened.wait_for_selector("body[data-drawn]", timeout=PATIENCE)
            found.append(dict(opened.evaluate(MARKS)))
            opened.close()
        browser.close()
    for name in ("surfaces", "all views"):
        print(f"{name}: {median(times[name] for times in found) / 1000:.1f} s")


if __name__ == "__main__":
    main()
