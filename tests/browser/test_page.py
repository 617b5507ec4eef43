"""The page in a real browser: it loads nothing, and its controls work."""

import numpy as np
import pytest

from landscape_cli.records.curves.chain import Chain
from landscape_cli.records.curves.plane import CurveInPlane

pytestmark = pytest.mark.browser


def bowl(x, y):
    return 1 + 3 * x**2 + y**2


def wide(x, y):
    return 10.0 ** (4 * np.maximum(np.abs(x), np.abs(y)))


@pytest.fixture
def both(make_surface):
    return {"deep": make_surface(bowl), "flat": make_surface(lambda x, y: 1 + 0 * x + y**2)}


def test_it_loads_without_an_error_or_a_request(open_page, both):
    opened = open_page(both)
    assert opened.errors == []
    assert [url.partition(":")[0] for url in opened.requests if url[:5] != "data:"] == ["file"]
    assert opened.page.locator("h2").all_inner_texts() == ["deep", "flat"]
    # Both on one scale, from 1 to 5.
    np.testing.assert_allclose(opened.heights(0)[2], [0.75, 0.1875, 0, 0.1875, 0.75])
    np.testing.assert_allclose(opened.heights(1)[:, 0], [0.25, 0.0625, 0, 0.0625, 0.25])


def test_surface_and_contour_are_seen(open_page, make_surface, picture):
    opened = open_page({"one": make_surface(bowl)})
    for view in (".solid", ".flat"):
        seen = picture(opened, view)
        assert len(np.unique((seen * 255).round().reshape(-1, 3), axis=0)) > 300
    # Viridis: dark blue at the minimum in the middle of the contour, yellow towards the corners.
    box = opened.ask(
        "(() => { const {xaxis: x, yaxis: y} = panels[0].flat._fullLayout;"
        "return [x._offset, y._offset, x._length, y._length] })()"
    )
    left, top, width, height = map(round, box)
    middle = seen[top + height // 2 + 12, left + width // 2 + 12]
    corner = seen[top + 4, left + 4]
    assert middle[2] > 1.2 * middle[1]
    assert corner[1] > 0.8 > 0.4 > corner[2]


def test_quantity_and_split(open_page, make_surface):
    surface = make_surface(bowl)
    surface.values["test", "accuracy"][:] = 0.5 + surface.values["test", "accuracy"] / 50
    opened = open_page({"one": surface})
    opened.page.locator(".flat").focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.readout() == "x 0.5, y 0: train loss 1.75 ± 0.13 (standard error)"
    opened.page.select_option("#quantity", "accuracy")
    opened.settle()
    assert "train accuracy 175 % ± 13 %" in opened.readout()
    opened.page.select_option("#split", "test")
    opened.settle()
    assert "test accuracy 53.5 % ± 13 %" in opened.readout()
    assert opened.errors == []


def test_missing_quantities_are_noted(open_page, make_surface):
    other = make_surface(bowl, keys=[("val", "loss")])
    opened = open_page({"one": make_surface(bowl), "other": other})
    assert opened.notes(1) == "no train loss to show in this file"
    opened.page.select_option("#split", "val")
    opened.settle()
    assert opened.notes(0) == "no val loss to show in this file"
    assert opened.heights(1).max() == 1


def test_linear_and_log(open_page, make_surface):
    opened = open_page({"one": make_surface(wide)})
    assert opened.page.input_value("#scale") == "log"
    np.testing.assert_allclose(opened.heights()[2], [1, 0.5, 0, 0.5, 1], atol=1e-6)
    assert opened.ask("panels[0].solid.layout.scene.zaxis.ticktext") == [
        "1", "10", "100", "1000", "10000",
    ]  # fmt: skip
    opened.page.select_option("#scale", "linear")
    opened.settle()
    np.testing.assert_allclose(opened.heights()[2, 1], 99 / 9999, rtol=1e-6)


def test_values_that_are_not_positive_have_no_log(open_page, make_surface):
    opened = open_page({"one": make_surface(lambda x, y: x)}, log=False)
    opened.page.select_option("#scale", "log")
    opened.settle()
    assert np.isnan(opened.heights()[:, :3]).all()
    assert opened.notes() == "15 red crosses: not finite, or not positive"
    below = open_page({"one": make_surface(lambda x, y: x - 2)})
    assert below.page.locator("#scale [value=log]").is_disabled()


def test_values_that_are_not_finite_or_missing(open_page, make_surface):
    status = np.ones((5, 5))
    status[0, 0], status[0, 1], status[4, 4] = 2, 2, 3

    def values(x, y):
        found = bowl(x, y)
        found[0, :2] = np.inf, np.nan
        return found

    opened = open_page({"one": make_surface(values, status)})
    assert opened.notes() == "2 red crosses: not finite; 1 of 25 points not computed"
    (crosses,) = opened.traces("flat", "absent")
    assert (crosses["x"], crosses["y"]) == ([-1, -0.5], [-1, -1])
    assert np.argwhere(np.isnan(opened.heights())).tolist() == [[0, 0], [0, 1], [4, 4]]
    for place, words in {
        "-1, -1": "infinite",
        "-0.5, -1": "not a number",
        "1, 1": "failed",
    }.items():
        opened.ask(f"pointAt({place})")
        assert opened.readout().split("train loss ")[1].startswith(words)


def test_hovering_the_contour_marks_the_point_on_every_surface(open_page, both):
    opened = open_page(both)
    box = opened.page.locator(".flat .nsewdrag").first.bounding_box()
    place = (box["x"] + 0.76 * box["width"], box["y"] + 0.26 * box["height"])
    opened.page.mouse.move(*place)
    opened.page.mouse.move(place[0] + 1, place[1])
    opened.wait("!document.getElementById('tip').hidden")
    opened.settle()
    assert opened.page.inner_text("#tip") == "x 0.5, y 0.5: train loss 2 ± 0.13 (standard error)"
    assert opened.readout(1) == "x 0.5, y 0.5: train loss 1.25 ± 0.13 (standard error)"
    for panel, height in enumerate([0.25, 0.0625]):
        (cursor,) = opened.traces("solid", "cursor", panel=panel)
        assert (cursor["x"], cursor["y"]) == ([0.5], [0.5])
        assert cursor["z"] == pytest.approx([height + 0.018])


def test_hovering_the_surface_reads_it(open_page, make_surface):
    opened = open_page({"one": make_surface(lambda x, y: 7 + 0 * x)})
    box = opened.page.locator(".solid").bounding_box()
    for step in range(20):
        opened.page.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + box["height"] / 2)
        opened.page.wait_for_timeout(100)
    opened.wait("!document.getElementById('tip').hidden")
    assert "train loss 7 ± 0.13" in opened.page.inner_text("#tip")


def test_keys_rotate_all_linked_surfaces(open_page, both):
    opened = open_page(both)
    before = opened.eye(0)
    opened.page.locator(".solid").nth(1).focus()
    opened.page.keyboard.press("ArrowLeft")
    opened.settle()
    turned = opened.eye(0)
    np.testing.assert_allclose(turned, opened.eye(1))
    angles = [np.degrees(np.arctan2(eye[1], eye[0])) for eye in (before, turned)]
    assert angles[1] - angles[0] == pytest.approx(-8)
    opened.page.click("#more summary")
    opened.page.locator("#linked").uncheck()
    opened.page.keyboard.press("Tab")
    opened.page.locator(".solid").nth(1).focus()
    opened.page.keyboard.press("-")
    opened.settle()
    np.testing.assert_allclose(opened.eye(0), turned)
    np.testing.assert_allclose(opened.eye(1), turned / 0.9)
    opened.page.click("#reset")
    opened.settle()
    np.testing.assert_allclose(opened.eye(1), before)


def test_dragging_rotates_all_linked_surfaces_and_stays(open_page, both):
    opened = open_page(both)
    opened.page.select_option("#split", "test")  # which redraws everything
    opened.settle()
    before = opened.eye(1)
    box = opened.page.locator(".solid").nth(1).bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.mouse.move(*middle)
    opened.page.mouse.down()
    opened.page.mouse.move(middle[0] + 30, middle[1] + 5, steps=3)
    opened.page.wait_for_timeout(1500)
    opened.page.mouse.up()
    opened.page.wait_for_timeout(1500)
    opened.settle()
    turned = opened.eye(1)
    assert np.abs(turned - before).max() > 0.05
    np.testing.assert_allclose(opened.eye(0), turned, atol=1e-6)
    opened.page.select_option("#split", "train")
    opened.settle()
    np.testing.assert_allclose(opened.eye(1), turned, atol=1e-6)


def test_zooming_into_the_contour_zooms_every_view(open_page, both):
    opened = open_page(both)
    box = opened.page.locator(".flat .nsewdrag").first.bounding_box()
    corner = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.mouse.move(*corner)
    opened.page.mouse.down()
    opened.page.mouse.move(corner[0] + 0.4 * box["width"], corner[1] - 0.4 * box["height"], steps=4)
    opened.page.mouse.up()
    opened.wait("state.window !== null")
    opened.settle()
    for panel in (0, 1):
        for name in ("xaxis", "yaxis"):
            low, high = opened.ask(f"panels[{panel}].solid._fullLayout.scene.{name}.range")
            assert (low, high) == pytest.approx((0, 0.8), abs=0.05)
    opened.page.click("#reset")
    opened.settle()
    assert opened.ask("panels[1].flat._fullLayout.xaxis.range") == [-1, 1]


def test_the_path_is_played(open_page, make_surface):
    places = [[0.75 * step / 4, -0.5] for step in range(4, -1, -1)]
    path = {"coordinates": places, "epochs": [0, 10, 20, 30, 40]}
    opened = open_page({"one": make_surface(bowl, provenance={"trajectory": path})})
    assert opened.page.inner_text("#reached") == "epoch 40"
    opened.page.locator("#step").fill("2")
    opened.settle()
    assert opened.page.inner_text("#reached") == "epoch 20"
    (head,) = opened.traces("solid", "head")
    assert (head["x"], head["y"]) == ([0.375], [-0.5])
    opened.page.click("#play")
    opened.wait("document.getElementById('play').textContent === 'Play'")
    opened.settle()
    assert opened.page.inner_text("#reached") == "epoch 40"
    assert opened.traces("solid", "head")[0]["x"] == [0]
    assert opened.errors == []


def test_several_paths_are_drawn_and_named(open_page, make_surface):
    paths = [
        {"coordinates": [[0.75, 0], [0.5, 0], [0, 0]], "name": "sgd"},
        {"coordinates": [[-0.75, 0.5], [0, 0.5]], "name": "<b>adam"},
    ]
    marks = [{"label": "<b>B</b> & $x$", "coordinates": [0.5, 0.5]}]
    facts = {"trajectory": paths[0], "other_trajectories": paths[1:], "checkpoints": marks}
    opened = open_page({"one": make_surface(bowl, provenance=facts)})
    assert opened.page.inner_text(".paths").split() == [
        *("●", "sgd:", "3", "checkpoints", "●", "<b>adam:", "2", "checkpoints")
    ]
    head = opened.traces("solid", "head")[1]
    assert (head["x"], head["y"]) == ([0], [0.5])
    opened.page.locator("#step").fill("0")
    opened.settle()
    first, second = opened.traces("solid", "head")
    assert (first["x"], second["x"]) == ([0.75], [-0.75])
    ends = opened.traces("flat", "path ends")
    assert [one["x"] for one in ends] == [[0.75, 0.75], [-0.75, -0.75]]
    (checkpoint,) = opened.traces("solid", "checkpoints")
    assert (checkpoint["x"], checkpoint["y"]) == ([0.5], [0.5])
    assert checkpoint["text"] == ["&lt;b&gt;B&lt;/b&gt; &amp; $x$"]
    names = "panels[0].flat.layout.annotations.filter(one => one.name === 'checkpoint')"
    assert opened.ask(f"{names}.map(one => one.text)") == checkpoint["text"]
    shown = opened.page.locator(".annotation-text").all()
    assert not any("font-weight" in one.inner_html() for one in shown)
    assert opened.errors == []


def test_a_path_is_drawn_at_its_own_values(open_page, make_surface):
    places = [[0.75, 0], [0.5, 0], [0.25, 0], [0, 0]]
    values = {"train": {"loss": [3.0, 1.5, "nan", 1.0]}}
    paths = [
        {"coordinates": [[-0.5, 0.5], [0, 0.5]], "name": "plain"},
        {"coordinates": places, "name": "<i>", "values": values},
    ]
    facts = {"trajectory": paths[0], "other_trajectories": paths[1:]}
    surface = make_surface(lambda x, y: 1 + 2 * x + 0 * y, provenance=facts)
    opened = open_page({"one": surface})
    opened.ask("chooseValues(false)")
    opened.settle()
    line, head, stems = opened.traces("solid", "path", "head", "stems")[3:]
    scale = "panels[0].scale.height"
    own = [opened.ask(f"{scale}({value})") for value in (3.0, 1.5, 1.0)]
    assert line["z"] == pytest.approx([own[0], own[1], None, own[2]])
    assert head["z"] == pytest.approx([own[2]])
    feet = [opened.ask(f"{scale}({1 + 2 * x})") for x in (0.75, 0.5, 0)]
    assert stems["z"][0::3] == pytest.approx(feet, abs=1e-6)
    assert stems["z"][1::3] == pytest.approx(own)
    assert stems["text"][0] == "<i>, 1: own train loss 3, 0.5 above the plane"
    assert stems["text"][3] == "<i>, 2: own train loss 1.5, 0.5 below the plane"
    line, dots = opened.traces("flat", "path", "path dots")[2:]
    assert (line["x"], dots["x"]) == ([0.75, 0.5, 0.25, 0], [0.75, 0.5, 0])
    assert dots["marker"]["color"] == pytest.approx(own)
    opened.page.locator("#step").fill("1")
    opened.settle()
    assert opened.traces("flat", "path dots")[1]["x"] == [0.75, 0.5]
    assert len(opened.traces("solid", "stems")[1]["x"]) == 6
    assert opened.errors == []


def test_a_curve_is_drawn_with_the_straight_line_and_its_bends(open_page, make_surface):
    points = np.array([[-0.5, 0.0], [0.0, 1.0], [0.5, 0.0]])
    curve = CurveInPlane.of_points(Chain(3), points @ points.T, 1, ("a.pt", "b.pt"))
    facts = {"curve_plane": curve.as_mapping()}
    facts["trajectory"] = {"coordinates": [[0.75, 0], [0.5, 0], [0, 0]]}
    opened = open_page({"one": make_surface(bowl, provenance=facts)})
    assert opened.page.inner_text(".curve") == "━ polygonal chain · ╌ straight line · ○ bend"
    line, straight, bends = opened.traces("solid", "curve")
    assert (line["line"]["dash"], straight["line"]["dash"]) == ("solid", "dash")
    assert [straight["x"][0], straight["x"][-1]] == pytest.approx([0, 1])
    assert line["y"][0] == 0
    assert max(line["y"]) == pytest.approx(curve.points[1, 1])
    assert (bends["x"], bends["y"]) == (curve.bends[:, 0].tolist(), curve.bends[:, 1].tolist())
    assert [one["line"]["dash"] for one in opened.traces("flat", "curve")[:4]].count("dash") == 1
    opened.page.locator("#step").fill("0")
    opened.settle()
    assert opened.traces("solid", "head")[0]["x"] == [0.75]
    assert opened.traces("solid", "curve")[0]["x"] == line["x"]
    assert opened.errors == []


def test_repeats_can_be_chosen(open_page, make_surface):
    from dataclasses import replace

    from landscape_cli.records.grid import Grid

    one = make_surface(bowl, keys=[("train", "loss")])
    arrays = {key: np.stack([a, 3 * a]) for key, a in one.values.items()}
    surface = replace(
        one,
        grid=Grid(one.grid.axes, 2),
        values=arrays,
        stderr={key: np.zeros((2, 5, 5)) for key in arrays},
        status=np.ones((2, 5, 5), np.uint8),
    )
    opened = open_page({"one": surface})
    opened.ask("pointAt(0, 1)")
    assert "train loss 4 ± 2.8 (standard deviation over repeats)" in opened.readout()
    opened.page.select_option("#layer", "1")
    opened.settle()
    assert "train loss 6 ± 0 (standard error)" in opened.readout()


def test_a_browser_that_is_too_old_says_so(open_page, both, chromium, tmp_path):
    open_page(both)
    page = chromium.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_selector("#wait:has-text('open the page with a newer one')")
    page.close()


def wells(x, y):
    return (x**2 - 0.25) ** 2 + y**2 / 4


def test_minima_are_marked_and_linked_to_a_persistence_diagram(open_page, make_surface):
    surface = make_surface(wells)
    surface.stderr["train", "loss"][:] = 1e-3
    opened = open_page({"one": surface, "other": make_surface(bowl)}, size=(1100, 1600))
    assert opened.page.locator(".diagram").first.is_hidden()
    assert opened.traces("flat", "minima") == []
    opened.page.click("#more summary")
    opened.page.check("#minima")
    opened.settle()
    borders, saddles, minima = opened.traces("flat", "borders", "saddles", "minima")
    (pins,) = opened.traces("solid", "minima")
    assert (pins["x"], pins["y"], pins["text"]) == ([-0.5, 0.5], [0, 0], ["1", "2"])
    opened.page.click("#more summary")
    assert [minima["x"], minima["y"]] == [[-0.5, 0.5], [0, 0]]
    assert (saddles["x"], saddles["y"], minima["text"]) == ([0], [0], ["1", "2"])
    # Points at x = 0 step to the left, so the border is at x = 0.25 in every row, from -1 to 1.
    assert borders["x"] == [0.25, 0.25, None] * 5
    assert (min(y for y in borders["y"] if y is not None), borders["y"][-2]) == (-1, 1)
    assert opened.ask("panels[0].diagram.data[1].x") == [0, 0]
    assert opened.ask("panels[0].diagram.data[1].y[1]") == 0.0625
    assert "2 minima of persistence at least 1 %" in opened.notes()

    # Pointing at the second minimum in the diagram moves the point in all views there.
    place = opened.ask(
        "(() => { const g = panels[0].diagram, l = g._fullLayout, r = g.getBoundingClientRect();"
        "return [r.left + l.xaxis._offset + l.xaxis.d2p(0), r.top + l.yaxis._offset + "
        "l.yaxis.d2p(0.0625)] })()"
    )
    opened.page.mouse.move(*place)
    opened.wait("panels[0].cursor && panels[0].cursor.x === 0.5")
    opened.settle()
    assert "basin of minimum 2 (40.0 % of the points, saddle 0.0625)" in opened.readout()
    assert opened.traces("flat", "minima")[0]["marker"]["size"] == [9, 15]
    assert opened.ask("panels[0].diagram.data[1].marker.size") == [9, 15]

    # A point of the plane belongs to the minimum of its basin.
    opened.page.locator(".flat").first.focus()
    for _ in range(2):
        opened.page.keyboard.press("ArrowLeft")
    opened.settle()
    assert opened.ask("panels[0].diagram.data[1].marker.size") == [15, 9]
    assert "basin of minimum 1 (60.0 % of the points)" in opened.readout()
    opened.page.click("#more summary")
    opened.page.uncheck("#minima")
    opened.settle()
    assert opened.page.locator(".diagram").first.is_hidden()
    assert "basin" not in opened.readout()
    assert opened.errors == []


def test_minima_of_a_surface_without_any(open_page, make_surface):
    none = make_surface(bowl)
    none.values["train", "loss"][:] = np.nan
    opened = open_page({"one": make_surface(wells), "none": none})
    opened.page.click("#more summary")
    opened.page.check("#minima")
    opened.settle()
    assert opened.page.locator(".diagram").nth(1).is_hidden()
    opened.page.select_option("#scale", "log")
    opened.settle()
    assert opened.errors == []
