"""Keep the pictures of docs/reading.md and docs/own-network.md, made by their commands.

Run the commands of the page first, in ``examples``; then this, there or anywhere else. Pictures are
those that the page shows, by name: ``images/reading/NAME.png`` is ``examples/runs/NAME.png``.
"""

from __future__ import annotations

import re
from pathlib import Path

from images import keep

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "examples" / "runs"


def main() -> None:
    """Copy each picture that a page shows from where its commands have left it."""
    for page in ("reading.md", "own-network.md"):
        for name in re.findall(r"images/reading/(\w+\.png)", (ROOT / "docs" / page).read_text()):
            target = ROOT / "docs" / "images" / "reading" / name
            keep(RUNS / name, target)
            print(f"wrote {target} ({target.stat().st_size // 1000} kB)")


if __name__ == "__main__":
    main()
