"""The page's cuts, colours, cameras, links and pictures."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from builders import curved
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.style import style
from landscape_cli.plotting.value_range import BAND, fit

pytestmark = pytest.mark.browser


def bowl(x, y):
    return 1 + 3 * x**2 + y**2


def test_cuts_go_through_the_marked_point(open_page, make_surface):
    opened = open_page({"one": make_surface(bowl)})
    assert opened.readout().startswith("x 0, y 0: train loss 1 ")
    opened.ask("pointAt(0.5, -1)")
    opened.settle()
    height = [opened.ask(f"panels[0].scale.height({value})") for value in (2, 1.25, 1, 1.25, 2)]
    across, up = opened.traces("cuts", "cut x", "cut y")
    lifted = opened.ask("panels[0].scale.height(2)") - opened.ask("panels[0].scale.height(1)")
    assert across["x"] == up["x"] == [-1, -0.5, 0, 0.5, 1]
    np.testing.assert_allclose(across["y"], [0.25 + 0.75, 0.4375, 0.25, 0.4375, 1], atol=1e-6)
    np.testing.assert_allclose(up["y"], [0.4375, 0.25, 0.1875, 0.25, 0.4375], atol=1e-6)
    assert (height[0], lifted) == pytest.approx((0.25, 0.25))
    low, high = opened.traces("cuts", "band low x", "band x")
    half = 0.125 * BAND / 4
    np.testing.assert_allclose(np.subtract(high["y"], across["y"]), half, atol=1e-6)
    np.testing.assert_allclose(np.subtract(across["y"], low["y"]), half, atol=1e-6)
    titles = "['xaxis', 'xaxis2'].map(one => panels[0].cuts.layout[one].title.text)"
    assert opened.ask(titles) == ["x at y = −1", "y at x = 0.5"]  # noqa: RUF001


def test_quantity_unit_and_scale_are_on_axis_and_bar(open_page, make_surface):
    opened = open_page({"one": make_surface(bowl)}, quantity="accuracy", log=True)
    named = (
        "[panels[0].solid.layout.scene.zaxis.title.text, panels[0].cuts.layout.yaxis.title.text,"
        "panels[0].flat.data[0].colorbar.title.text]"
    )
    assert set(opened.ask(named)) == {"train accuracy (%, log scale)"}
    labelled = "panels[0].flat.layout.annotations.filter(one => one.name === 'contour')"
    ticks = opened.ask("ticksOf(panels[0].scale, 6).text")
    assert set(opened.ask(f"{labelled}.map(one => one.text)")) <= set(ticks)
    assert opened.ask(f"{labelled}.length") >= 1
    # Each label lies on its line.
    at = opened.ask(f"{labelled}.map(one => heightAt(panels[0].grid, one.x, one.y))")
    places = opened.ask(
        f"{labelled}.map(one => ticksOf(panels[0].scale, 6).at[ticksOf(panels[0].scale, 6).text"
        ".indexOf(one.text)])"
    )
    np.testing.assert_allclose(at, places, atol=0.01)


def test_colours_are_those_of_plot(open_page):
    surface = curved()
    opened = open_page({"one": surface}, quantity="gradient_x")
    (panel,) = select_panels(surface, None, "gradient_x", "one.h5")
    scale = fit([panel])
    assert scale.diverging

    def colours(name):
        opened.page.evaluate(f"state.map = '{name}'; draw()")
        opened.settle()
        found = opened.ask("panels[0].colorscale")
        return [place for place, _ in found], [_rgb(colour) for _, colour in found]

    with style():
        places, found = colours("viridis")
        np.testing.assert_allclose(found, scale.colors(places)[:, :3], atol=0.03)
    for name in ("cividis", "magma"):
        with style(cmap=name):
            places, found = colours(name)
            np.testing.assert_allclose(found, scale.colors(places)[:, :3], atol=0.01)
    assert opened.ask("state.label") == "train slope ∂L/∂x"


def _rgb(text):
    return to_rgb(tuple(int(part) / 255 for part in text[4:-1].split(",")))


def test_a_link_restores_the_view(open_page, make_surface):
    surfaces = {"deep": make_surface(bowl), "flat": make_surface(lambda x, y: 1 + 0 * x + y**2)}
    opened = open_page(surfaces)
    opened.page.select_option("#split", "test")
    opened.page.select_option("#scale", "log")
    opened.page.fill("#limit", "3")
    opened.page.press("#limit", "Enter")
    opened.page.click("#more summary")
    for name, value in {"map": "magma", "light": "matte", "theme": "dark"}.items():
        opened.page.select_option(f"#{name}", value)
    opened.page.check("#minima")
    opened.page.uncheck("#show-cuts")
    opened.page.uncheck("#linked")
    opened.page.click("#more summary")
    opened.page.click("[data-camera=front]")
    opened.ask("rotate(panels[1], 20, 10, 1.1); pointAt(0.5, -0.5); hold(true)")
    opened.settle()
    address, eyes = opened.ask("addressOf()"), [opened.eye(0), opened.eye(1)]
    opened.wait("location.hash.slice(1) === addressOf()")  # the page's own address follows
    again = open_page(surfaces, address=f"#{address}")
    assert again.ask("addressOf()") == address
    np.testing.assert_allclose([again.eye(0), again.eye(1)], eyes, rtol=1e-5)
    assert again.notes() == opened.notes()
    assert again.readout() == opened.readout()
    for name in ("split", "scale", "limit", "map", "light", "theme"):
        assert again.page.input_value(f"#{name}") == opened.page.input_value(f"#{name}")
    assert again.ask("document.documentElement.dataset.theme") == "dark"
    assert again.errors == opened.errors == []


def test_an_address_of_nonsense_is_as_good_as_none(open_page, make_surface):
    nonsense = "#quantity=none&clip=-7&camera=a,b&point=1&window=2&map=jet&show=&step=9e9"
    opened = open_page({"one": make_surface(bowl)}, address=nonsense)
    assert opened.ask("[state.quantity, state.limit, state.map, state.window]") == [
        *("loss", None, "viridis", None)
    ]
    assert opened.errors == []


def test_presets_and_pictures(open_page, make_surface, tmp_path):
    opened = open_page({"one": make_surface(bowl)})
    raised = {"front": 8, "side": 8, "top": 89.9, "isometric": 35.264}
    for name, angle in raised.items():
        opened.page.click(f"[data-camera={name}]")
        opened.settle()
        x, y, z = opened.eye()
        assert np.degrees(np.arctan2(z, np.hypot(x, y))) == pytest.approx(angle)
        across = {"front": abs(x), "side": abs(y), "isometric": abs(x + y)}.get(name, 0)
        assert across == pytest.approx(0, abs=1e-9)
    opened.page.click("#more summary")
    opened.page.select_option("#width", "1050")
    opened.page.click("#more summary")
    with opened.page.expect_download(timeout=60_000) as download:
        opened.page.click("#save")
    path = tmp_path / "picture.png"
    download.value.save_as(path)
    image = imread(path)
    assert image.shape[1] == 1050
    left = image[150:450, 100:600, :3]
    assert len(np.unique((left * 255).round().reshape(-1, 3), axis=0)) > 300


def test_provenance_is_in_a_panel(open_page, make_surface):
    facts = {
        "batch_norm": "frozen",
        "checkpoint": {"path": "<b>.pt", "sha256": "abc123"},
        "splits": {"train": {"samples": 384}},
        "runs": [{"command": ["landscape", "compute", "a b.yaml"], "versions": {"torch": "2"}}],
    }
    opened = open_page({"one": make_surface(bowl, provenance=facts)})
    opened.page.click("text=Data and provenance")
    said = opened.page.inner_text("#facts")
    for words in ("frozen: the checkpoint", "<b>.pt", "SHA-256 abc123", "384 train", "torch 2"):
        assert words in said
    assert "landscape compute 'a b.yaml'" in said
    assert "1 ± 0.12 at the centre" in said


def test_a_smooth_surface_does_not_overshoot(open_page, make_surface):
    surface = make_surface(lambda x, y: np.where(x > 0.2, 9.0, 1.0) + y)
    surface = replace(surface, status=surface.status.copy())
    surface.values["train", "loss"][4, 4] = np.nan
    opened = open_page({"one": surface})
    fine = np.array(
        opened.ask("rowsOf(panels[0].grid.z, panels[0].grid.x.length).map(r => [...r])"),
        dtype=float,
    )
    parts = (len(fine) - 1) // 4
    coarse = opened.heights()
    np.testing.assert_allclose(fine[::parts, ::parts], coarse, atol=1e-6)
    for row in range(4):
        for column in range(4):
            cell = fine[
                row * parts : (row + 1) * parts + 1, column * parts : (column + 1) * parts + 1
            ]
            corners = coarse[row : row + 2, column : column + 2]
            if np.isnan(corners).any():
                assert np.isnan(cell[1:-1, 1:-1]).all()
            else:
                assert cell.min() >= corners.min() - 1e-6
                assert cell.max() <= corners.max() + 1e-6
    opened.page.evaluate("state.smooth = false; draw()")
    opened.settle()
    assert opened.ask("panels[0].grid.z.length") == 25
