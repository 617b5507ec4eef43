"""A report in a real browser: nothing is loaded, both colour schemes, a phone, paper, axe-core."""

import numpy as np
import pytest

from builders import surface
from landscape_cli.reports.material import Material, Source
from landscape_cli.reports.writing import page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of a plane and a line with values on two splits."""

    def values(*axes):
        keys = [(split, "loss") for split in ("train", "test")]
        return surface({key: lambda *at: 1 + sum(a**2 for a in at) for key in keys}, *axes)

    plane, line = values("-1:1:9", "-1:1:9"), values("-1:1:9")
    sources = [Source("surface", "plane.h5", plane), Source("surface", "line.h5", line)]
    path = tmp_path_factory.mktemp("report") / "net.report.html"
    path.write_text(page(Material(sources, "net.yaml", "net", ["A note."])), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def visit(chromium, address):
    """Open the page in a new window, without a network."""
    contexts = []

    def visit(width=1280, scheme="light"):
        window = {"width": width, "height": 900}
        contexts.append(chromium.new_context(viewport=window, color_scheme=scheme, offline=True))
        opened, wrong = contexts[-1].new_page(), []
        opened.on("request", lambda one: wrong.append(one.url[:60]))
        opened.on("console", lambda one: wrong.append(one.text))
        opened.goto(address)
        loaded = [one for one in wrong if not one.startswith(("data:", "file:"))]
        assert loaded == []
        return opened

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_suit_the_colour_scheme_and_the_window(visit, width, scheme):
    opened = visit(width, scheme)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    other = {"light": "dark", "dark": "light"}[scheme]
    assert opened.locator(f"figure .{scheme} img:visible").count() == 5
    assert opened.locator(f"figure .{other} img:visible").count() == 0
    broken = "Array.from(document.images).filter(one => one.complete && !one.naturalWidth).length"
    assert opened.evaluate(broken) == 0


def test_pictures_of_splits_stand_side_by_side_where_there_is_room(visit):
    def places(width):
        boxes = [one.bounding_box() for one in visit(width).locator("figure .light img").all()[:2]]
        return [(box["x"], box["y"]) for box in boxes]

    (left, top), (right, beside) = places(1280)
    assert (right > left, beside) == (True, top)
    (left, top), (same, below) = places(390)
    assert below > top
    assert same == pytest.approx(left, abs=40)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_no_violation(visit, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make extras")
    found = axe.Axe().run(visit(scheme=scheme)).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


def test_it_prints_in_light_colours_even_if_the_screen_is_dark(visit):
    opened = visit(scheme="dark")
    opened.emulate_media(media="print")
    assert opened.locator("figure .light img:visible").count() == 5
    assert opened.locator("figure .dark img:visible").count() == 0
    assert (
        np.sum(
            [
                int(x)
                for x in opened.evaluate(
                    "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)"
                )
            ]
        )
        == 3 * 255
    )
    assert opened.pdf(prefer_css_page_size=True).startswith(b"%PDF")
