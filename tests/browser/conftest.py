"""A headless Chromium and pages opened in it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders import surface
from landscape_cli.exports import Options, Source
from landscape_cli.exports.diffusion.files import export_diffusion
from landscape_cli.exports.export_files import export
from landscape_cli.records.surface import Surface

NAMES = ("chromium", "chromium-browser", "google-chrome")
SOFTWARE = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""Options for running as root, and for WebGL without a graphics card."""

PATIENCE = 60_000
"""Timeout in milliseconds; WebGL without a graphics card is slow on a busy machine."""

KEYS = [(split, name) for split in ("train", "test") for name in ("loss", "accuracy")]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    pytest.importorskip("plotly", reason="no plotly: pip install 'landscape-cli[html]'")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install 'landscape-cli[browser]'"
    )
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=SOFTWARE)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page in the browser, with its requests, its errors, and windows that it opened."""

    page: Any
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)

    def ask(self, code: str) -> Any:
        """Evaluate a JavaScript expression."""
        return self.page.evaluate(code)

    def wait(self, code: str) -> None:
        """Wait until a JavaScript expression is true."""
        for _ in range(PATIENCE // 100):
            if self.ask(code):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"never true: {code}")

    def settle(self) -> None:
        """Wait until nothing is being drawn."""
        self.wait("!draw.busy() && !drawCursor.busy() && !drawPath.busy() && !turnOthers.busy()")
        self.page.wait_for_timeout(30)

    def heights(self, panel: int = 0) -> np.ndarray:
        """Return the heights at which a surface is drawn, NaN for none."""
        found = self.ask(f"[Array.from(panels[{panel}].heights), panels[{panel}].surface.x.length]")
        return np.minimum(np.array(found[0], np.float64), 1).reshape(-1, found[1])

    def traces(self, view: str, *kinds: str, panel: int = 0) -> list[dict[str, Any]]:
        """Return a plot's traces of some kinds."""
        found: list[dict[str, Any]] = self.ask(
            f"panels[{panel}].{view}.data.filter(one => {list(kinds)}.includes(one.meta))"
            ".map(({x, y, z, text, line, marker, symbol}) => "
            "({x: x && [...x], y: y && [...y], z: z && [...z], text, line, marker, symbol}))"
        )
        return found

    def readout(self, panel: int = 0) -> str:
        return self.page.locator(".readout").nth(panel).inner_text()

    def notes(self, panel: int = 0) -> str:
        return self.page.locator(".notes").nth(panel).inner_text()

    def eye(self, panel: int = 0) -> np.ndarray:
        """Return the position of a surface's camera."""
        eye = self.ask(f"panels[{panel}].solid._fullLayout.scene.camera.eye")
        return np.array([eye["x"], eye["y"], eye["z"]])


@pytest.fixture
def open_page(chromium, tmp_path):
    """Open a page of surfaces in a new window."""
    contexts = []

    def open_page(
        surfaces, size=(1100, 900), scheme="light", *, phone=False, address="", **options
    ) -> Opened:
        path = tmp_path / "page.html"
        sources = [Source(one, f"{name}.h5", name) for name, one in surfaces.items()]
        export("html", sources, path, Options(**options))
        opened = _open(chromium, contexts, path, size, scheme, phone, address)
        opened.settle()
        return opened

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def open_map(chromium, tmp_path):
    """Open a page of a diffusion map in a new window."""
    contexts = []

    def open_map(record, size=(1100, 900), scheme="light", *, phone=False) -> Opened:
        path = tmp_path / "map.html"
        export_diffusion("html", record, "a.diffusion.h5", path, Options())
        return _open(chromium, contexts, path, size, scheme, phone)

    yield open_map
    for context in contexts:
        context.close()


def _open(chromium, contexts, path, size, scheme, phone=False, address="") -> Opened:
    window = {"width": size[0], "height": size[1]}
    context = chromium.new_context(
        viewport=window, color_scheme=scheme, offline=True, has_touch=phone, is_mobile=phone
    )
    contexts.append(context)
    opened = Opened(context.new_page())
    opened.page.set_default_timeout(PATIENCE)
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("popup", lambda other: opened.windows.append(other.url))
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.page.on("console", lambda message: _hear(opened, message))
    opened.page.goto(path.as_uri() + address)
    opened.page.wait_for_selector("body[data-drawn]", timeout=PATIENCE)
    return opened


def _hear(opened: Opened, message: Any) -> None:
    if message.type == "error":
        opened.errors.append(message.text)


@pytest.fixture
def make_surface():
    """Make a surface of 5 x 5 points with the same function of x and y in all quantities."""

    def make(values, status=1, keys=KEYS, **facts) -> Surface:
        return surface(dict.fromkeys(keys, values), status=status, stderr=0.125, **facts)

    return make


@pytest.fixture
def picture(tmp_path):
    """Take a picture of an element: numbers from 0 to 1 in an array of shape (height, width, 3)."""
    from matplotlib.image import imread

    def picture(opened: Opened, selector: str) -> np.ndarray:
        path: Path = tmp_path / "shot.png"
        opened.page.locator(selector).first.screenshot(path=path, timeout=PATIENCE)
        return imread(path)[..., :3]

    return picture
