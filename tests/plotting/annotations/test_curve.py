"""Curves over their planes: the lines, the marks, the names, in every kind of picture."""

import numpy as np
import pytest

from landscape_cli.errors import StoreError
from landscape_cli.plotting.annotations.overlay import path_notes
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.picture import picture
from landscape_cli.records.curves import curve_of
from landscape_cli.records.curves.plane import CurveInPlane
from support.measuring import SIZES, assert_fits

FLAT = ("contour", "contourf", "heatmap")
SOLID = ("surface", "relief")
BOTH = ("contourf", "surface")
LINE = ("straight line",)
ENDS = ("runs/a.pt", "runs/b.pt")
ONE = np.array([[0.0, 0.0, 0.0], [0.4, 0.8, 0.0], [0.8, 0.0, 0.0]])
"""Points of a curve with a bend in the plane."""

TWO = np.array([[0.0, 0.0, 0.0], [0.3, 0.6, 0.0], [0.6, 0.4, 0.5], [0.8, 0.0, 0.0]])
"""Points of a curve with a second bend off the plane, by 0.5."""


def bowl(x, y):
    return 1 + 10 * (x**2 + y**2)


def in_plane(points, shape="bezier", ends=ENDS):
    return CurveInPlane.of_points(curve_of(shape, len(points)), points @ points.T, 1, ends)


@pytest.fixture
def panel_with(make_panel):
    def make(curve, x="-0.5:1.5:21", y="-0.5:1.5:21"):
        marks = [
            {"label": name, "coordinates": place.tolist()}
            for name, place in zip(curve.names, curve.straight, strict=True)
        ]
        facts = {"curve_plane": curve.as_mapping(), "checkpoints": marks}
        return make_panel(bowl, x=x, y=y, provenance=facts)

    return make


def only(axes, gid):
    (line,) = [line for line in axes.get_lines() if line.get_gid() == gid]
    return line


def places(line, axes):
    return np.array(line.get_data_3d() if axes.name == "3d" else line.get_data())


@pytest.mark.parametrize(
    ("kind", "points", "shape", "expected"),
    [
        *[(kind, ONE, "bezier", ["Bézier curve", *LINE, "bend"]) for kind in (*FLAT, *SOLID)],
        *[(kind, ONE, "chain", ["polygonal chain", *LINE, "bend"]) for kind in BOTH],
        *[(kind, TWO, "chain", ["polygonal chain (projected)", *LINE, "bends"]) for kind in BOTH],
    ],
)
def test_curve_line_and_bends_are_drawn_and_named(
    panel_with, legend, kind, points, shape, expected
):
    curve = in_plane(points, shape)
    axes = draw([panel_with(curve)], kind).axes[0]
    assert legend(axes) == expected
    flat = {gid: places(only(axes, gid), axes)[:2].T for gid in ("curve", "straight", "bend")}
    np.testing.assert_allclose(flat["curve"], curve.coordinates)
    np.testing.assert_allclose(flat["straight"][[0, -1]], curve.straight)
    np.testing.assert_allclose(flat["bend"], curve.bends)
    assert only(axes, "straight").is_dashed()
    assert not only(axes, "curve").is_dashed()
    assert only(axes, "bend").get_markerfacecolor() == "none"


@pytest.mark.parametrize("kind", FLAT)
def test_the_limits_are_those_of_the_grid(panel_with, kind):
    axes = draw([panel_with(in_plane(ONE), "0.2:0.6:5", "0:0.3:5")], kind).axes[0]
    half = 0.05 if kind == "heatmap" else 0
    assert axes.get_xlim() == pytest.approx((0.2 - half, 0.6 + half))


@pytest.mark.parametrize("kind", SOLID)
def test_a_curve_lies_on_the_surface_with_its_ends_and_names(panel_with, kind):
    curve = in_plane(ONE)
    axes = draw([panel_with(curve)], kind).axes[0]
    for gid in ("curve", "straight", "bend", "ends"):
        x, y, z = places(only(axes, gid), axes)
        seen = np.isfinite(z)
        assert seen.any()
        np.testing.assert_allclose(z[seen], bowl(x, y)[seen], atol=0.02)
    names = [text.get_text().strip() for text in axes.texts if text.get_gid() == "end"]
    assert names == ["a", "b"]


@pytest.mark.parametrize("kind", SOLID)
def test_parts_outside_the_grid_have_no_height(panel_with, kind):
    panel, above = panel_with(in_plane(ONE), "0.2:1:5", "-1:1:5"), Camera(elevation=90)
    axes = draw([panel], kind, camera=above).axes[0]
    x, _, z = places(only(axes, "curve"), axes)
    np.testing.assert_array_equal(np.isnan(z), x < 0.2)
    names = [text.get_text().strip() for text in axes.texts if text.get_gid() == "end"]
    assert names == ["b"]


def test_what_lies_outside_the_grid_is_said(panel_with):
    curve = in_plane(ONE)
    outside = int((curve.coordinates[:, 1] > 0.3).sum())
    panel = panel_with(curve, "-1:1:5", "-1:0.3:5")
    assert path_notes([panel]) == [
        f"{outside} of 201 points of the curve lie outside the grid of run.h5"
    ]
    assert path_notes([panel_with(curve)]) == []


@pytest.mark.parametrize("kind", FLAT)
def test_names_do_not_cover_the_curve(panel_with, kind):
    figure = draw([panel_with(in_plane(ONE))], kind)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    points = axes.transData.transform(in_plane(ONE).coordinates)
    for text in (text for text in axes.texts if text.get_gid() == "checkpoint"):
        box = text.get_window_extent()
        assert not any(box.contains(*point) for point in points)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (ONE, "; Bézier curve from a to b; "),
        (TWO, "; Bézier curve from a to b, up to 0.222 off the plane; "),
    ],
)
def test_the_caption_describes_the_curve(panel_with, points, expected):
    panel = panel_with(in_plane(points))
    panel.surface.provenance["splits"] = {"train": {"samples": 5}}
    caption = Request().picture([panel]).caption
    assert expected in caption


def test_ends_of_one_name_have_their_paths(panel_with):
    curve = in_plane(ONE, ends=("a/net.pt", "b/net.pt"))
    assert curve.names == ("a/net.pt", "b/net.pt")


def test_the_terminal_has_a_character_for_each(panel_with):
    found = Request().picture([panel_with(in_plane(TWO))])
    lines = "\n".join(picture(found.panels, found.kind, found.scale, 80, 30, Depth.PLAIN))
    assert "~ straight line" in lines
    assert "c Bézier curve (projected)" in lines
    assert "B bends" in lines
    assert "ccc" in lines
    assert "O~~~~" in lines


def test_a_damaged_curve_names_the_file(make_panel):
    panel = make_panel(bowl, provenance={"curve_plane": {"points": "none"}})
    with pytest.raises(StoreError, match=r"run.h5: curve_plane"):
        draw([panel])


@pytest.mark.extras("pyvista")
def test_a_render_shows_the_curve(panel_with, make_panel, legend):
    axes = {"x": "-0.5:1.5:9", "y": "-0.5:1.5:9"}
    panels = [panel_with(in_plane(ONE), **axes), make_panel(bowl, **axes)]
    figures = [draw([panel], "render", dpi=60).axes[0] for panel in panels]
    images = [axes.get_images()[0].get_array().astype(int) for axes in figures]
    changed = np.abs(images[0] - images[1]).max(axis=-1) > 60
    assert 0.002 < changed.mean() < 0.06
    assert legend(figures[0]) == ["Bézier curve", "straight line", "bend"]
    assert [text.get_text() for text in figures[0].texts if text.get_gid() == "end"] == ["a", "b"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*FLAT, *SOLID])
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(panel_with, kind, size):
    panel = panel_with(in_plane(TWO))
    assert_fits(draw([panel], kind, size=size and size_of(size)))
