"""Contours, heatmaps and surfaces: artists, positions and colours."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import to_rgba
from mpl_toolkits.mplot3d.art3d import Path3DCollection, Poly3DCollection

from landscape_cli.plotting.annotations.contour_values import CONTOUR_VALUE
from landscape_cli.plotting.annotations.marks import MAX_CROSSES, isolated_points, rectangles, runs
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.style import BAD, HIDDEN, colormap
from landscape_cli.plotting.value_range import fit
from landscape_cli.records.tiles import Status

FLAT = ("contour", "contourf", "heatmap")


def slope(x, y):
    return x + 10 * y


def only(axes, kind):
    (artist,) = [a for a in axes.collections if type(a) is kind]
    return artist


def shown_values(axes):
    return [t for t in axes.texts if t.get_gid() == CONTOUR_VALUE and t.get_visible()]


def hatched(axes):
    return [a for a in axes.collections if a.get_hatch()]


def test_a_heatmap_has_rows_along_y_and_cells_centred_on_points(make_panel):
    panel = make_panel(slope, x="-1:1:5", y="-0.5:0.5:3")
    mesh = only(draw([panel], "heatmap").axes[0], QuadMesh)
    array, places = mesh.get_array(), mesh.get_coordinates()
    assert array.shape == (3, 5)
    assert np.unravel_index(array.argmin(), array.shape) == (0, 0)
    middles = (places[:-1, :-1] + places[1:, 1:]) / 2
    assert middles[0, 0].tolist() == [-1, -0.5]
    assert middles[-1, -1].tolist() == [1, 0.5]
    np.testing.assert_allclose(array, slope(middles[..., 0], middles[..., 1]))


@pytest.mark.parametrize("kind", ["contour", "contourf"])
def test_contours_lie_where_the_values_are(make_panel, kind):
    panel = make_panel(slope, x="-1:1:5", y="-0.5:0.5:3")
    axes = draw([panel], kind, fit([panel], levels=3)).axes[0]
    contours = next(a for a in axes.collections if hasattr(a, "levels"))
    if kind == "contour":
        for level, segments in zip(contours.levels, contours.allsegs, strict=True):
            for segment in segments:
                np.testing.assert_allclose(slope(*segment.T), level, atol=1e-9)
    else:
        lowest = np.concatenate(contours.allsegs[0])
        assert slope(*lowest.T).max() == pytest.approx(contours.levels[1])
        assert [-1, -0.5] in lowest.tolist()


@pytest.mark.parametrize("kind", ["contour", "contourf"])
def test_contour_lines_of_negative_and_small_values_are_not_dashed(make_panel, kind):
    for panel in (make_panel(slope), make_panel(lambda x, y: 10 ** (3 * x + 2 * y))):
        axes = draw([panel], kind, fit([panel])).axes[0]
        lines = [one for one in axes.collections if getattr(one, "filled", True) is False]
        assert len(lines) == 1
        assert min(lines[0].levels) < 0 < max(lines[0].levels)
        assert all(dashes is None for _, dashes in lines[0].get_linestyle())


def test_contour_values_are_written_on_their_lines(make_panel):
    panel = make_panel(slope, x="-1:1:9", y="-1:1:9")
    figure = draw([panel], "contour", fit([panel], levels=4))
    figure.draw_without_rendering()
    written = [(t.get_position(), t.get_text()) for t in shown_values(figure.axes[0])]
    assert len(written) == 4
    for (x, y), text in written:
        assert slope(x, y) == pytest.approx(float(text), abs=0.01)


def test_a_surface_passes_through_the_values(make_panel, corners):
    panel = make_panel(slope, x="-1:1:5", y="-0.5:0.5:3")
    axes = draw([panel], "surface").axes[0]
    x, y, z = corners(only(axes, Poly3DCollection))
    np.testing.assert_allclose(slope(x, y), z, atol=1e-12)
    assert {(-1, -0.5), (1, 0.5)} <= set(zip(x.tolist(), y.tolist(), strict=True))
    assert axes.get_zlim() == (-6, 6)


def test_a_surface_is_clipped_to_the_limits(make_panel, corners):
    panel = make_panel(lambda x, y: 100 * (x**2 + y**2))
    axes = draw([panel], "surface", fit([panel], vmax=50)).axes[0]
    assert axes.get_zlim() == (0, 50)
    assert corners(only(axes, Poly3DCollection))[2].max() == 50
    (rim,) = [a for a in axes.collections if hasattr(a, "levels")]
    assert rim.levels.tolist() == [50]
    x, y = np.concatenate([path.vertices[:, :2] for path in rim.get_paths()]).T
    np.testing.assert_allclose(np.hypot(x, y), np.sqrt(0.5), atol=0.03)


def test_a_surface_cut_below_shows_a_neutral_floor(make_panel, corners):
    axes = draw([make_panel(slope)], "surface", fit([make_panel(slope)], vmin=0)).axes[0]
    floor, surface = sorted(
        (a for a in axes.collections if type(a) is Poly3DCollection), key=lambda a: a.get_zorder()
    )
    assert set(corners(floor)[2]) == {0}
    assert slope(*corners(floor)[:2]).max() == pytest.approx(0, abs=1e-9)
    assert np.ptp(floor.get_facecolor()[0, :3]) < 0.01
    assert corners(surface)[2].min() == 0


def test_a_logarithmic_surface_is_drawn_at_logarithms(make_panel):
    axes = draw([make_panel(lambda x, y: 10.0 ** (3 * x + y))], "surface").axes[0]
    assert axes.get_zlim() == (-4, 4)
    assert r"$10^{-2}$" in [label.get_text() for label in axes.get_zticklabels()]


def test_level_parts_of_a_surface_have_the_colour_bars_colours(make_panel):
    panel = make_panel(np.full((3, 3), 2.0), x="0:1:3", y="0:1:3")
    faces = only(draw([panel], "surface", fit([panel], vmin=1, vmax=3)).axes[0], Poly3DCollection)
    colors = faces.get_facecolor()
    np.testing.assert_allclose(colors, [colormap()(0.5)] * len(colors))


def test_a_relief_has_contour_lines_on_its_floor(make_panel):
    panel = make_panel(slope, x="-1:1:5", y="-0.5:0.5:3")
    axes = draw([panel], "relief", fit([panel], levels=3)).axes[0]
    (lines,) = [a for a in axes.collections if hasattr(a, "levels")]
    assert lines.levels.tolist() == [-3, 0, 3]
    places = [path.vertices for path in lines.get_paths()]
    for level, where in zip(lines.levels, places, strict=True):
        np.testing.assert_allclose(slope(*where.T[:2]), level, atol=1e-9)
    floor, top = axes.get_zlim()
    assert floor < -6
    assert top == 6
    assert -6 <= axes.get_zticks().min() < axes.get_zticks().max() <= 6
    assert only(axes, Poly3DCollection).get_zorder() > lines.get_zorder()


@pytest.mark.parametrize("kind", [*FLAT, "surface"])
def test_non_finite_points_have_crosses(make_panel, legend, crosses, kind):
    values = np.arange(35.0).reshape(5, 7)
    values[0, 6], values[3, 2], values[4, 0] = np.nan, np.inf, -np.inf
    panel = make_panel(values, x="-3:3:7", y="-2:2:5")
    axes = draw([panel], kind).axes[0]
    assert {place[:2] for place in crosses(axes)} == {(3, -2), (-1, 1), (-3, 2)}
    assert legend(axes) == ["not finite (3 points)"]
    if kind == "surface":
        assert {place[2] for place in crosses(axes)} == {axes.get_zlim()[1]}
    if kind == "heatmap":
        mask = only(axes, QuadMesh).get_array().mask
        assert np.argwhere(mask).tolist() == [[0, 6], [3, 2], [4, 0]]


@pytest.mark.parametrize("kind", FLAT)
def test_many_non_finite_points_are_coloured_cells(make_panel, legend, crosses, kind):
    values = np.ones((30, 30))
    values[:, ::2] = np.nan
    panel = make_panel(values, x="0:29:30", y="0:29:30")
    axes = draw([panel], kind).axes[0]
    assert values[:, ::2].size > MAX_CROSSES
    assert not crosses(axes)
    assert legend(axes) == ["not finite (450 points)"]
    cells = [
        a
        for a in axes.collections
        if type(a) is PolyCollection and a.get_facecolor().tolist() == [list(to_rgba(BAD))]
    ]
    assert len(cells) == 1
    assert len(cells[0].get_paths()) == 450


@pytest.mark.parametrize("kind", [*FLAT, "surface"])
def test_missing_points_are_a_hatched_area(make_panel, legend, corners, kind):
    status = np.ones((5, 7))
    status[3, 4:] = Status.TODO
    status[4] = Status.TODO
    status[0, 0] = Status.FAILED
    panel = make_panel(np.arange(35.0).reshape(5, 7), x="-3:3:7", y="-2:2:5", status=status)
    axes = draw([panel], kind).axes[0]
    assert legend(axes) == ["not computed (11 points)"]
    (area,) = hatched(axes)
    if kind == "heatmap":
        ends = [path.get_extents().bounds for path in area.get_paths()]
        assert ends == [(-3.5, -2.5, 1, 1), (0.5, 0.5, 3, 1), (-3.5, 1.5, 7, 1)]
    if kind == "surface":
        x, y, z = corners(area)
        assert set(z) == {axes.get_zlim()[0]}
        assert {(-3, 1.5), (3, 2), (0.5, 0.5)} <= set(zip(x.tolist(), y.tolist(), strict=True))


def test_missing_and_non_finite_points_are_marked_differently(make_panel, legend, crosses):
    values = np.ones((5, 5))
    values[0, 0] = values[4, 4] = np.nan
    status = np.ones((5, 5))
    status[0, 0], status[4, 4] = Status.NOT_FINITE, Status.TODO
    axes = draw([make_panel(values, status=status)], "heatmap").axes[0]
    assert crosses(axes) == {(-1, -1)}
    assert legend(axes) == ["not computed (1 point)", "not finite (1 point)"]


def test_values_that_a_log_scale_cannot_show_are_marked(make_panel, legend, crosses):
    panel = make_panel([[1, 2, 0], [3, 4, -1]], x="0:2:3", y="0:1:2")
    axes = draw([panel], "heatmap", fit([panel], log=True)).axes[0]
    assert crosses(axes) == {(2, 0), (2, 1)}
    assert legend(axes) == ["not positive (2 points)"]
    assert HIDDEN in {line.get_color() for line in axes.get_lines()}


@pytest.mark.parametrize("kind", ["contour", "contourf", "surface"])
def test_isolated_points_are_dots(make_panel, kind):
    values = np.full((5, 5), np.nan)
    values[1, 3] = 2.0
    values[3:, :2] = 1.0
    axes = draw([make_panel(values)], kind).axes[0]
    dots = [a for a in axes.collections if type(a).__name__.startswith("Path")]
    (dots,) = [a for a in dots if len(a.get_offsets()) == 1]
    if kind == "surface":
        assert isinstance(dots, Path3DCollection)
        assert [float(c[0]) for c in dots._offsets3d] == [0.5, -0.5, 2.0]
    else:
        assert dots.get_offsets().tolist() == [[0.5, -0.5]]


def test_isolated_points_are_in_no_block_with_three_visible_points():
    visible = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1]], dtype=bool)
    assert np.argwhere(isolated_points(visible)).tolist() == [[0, 3], [2, 2], [2, 3]]


def test_rectangles_cover_the_runs_of_a_mask(make_panel):
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0]], dtype=bool)
    assert list(runs(mask[0])) == [(0, 2), (3, 4)]
    panel = make_panel(np.ones((2, 4)), x="0:3:4", y="0:10:2")
    corners = rectangles(panel, mask, reach=1)
    assert [c.min(axis=0).tolist() for c in corners] == [[-1, -10], [2, -10]]
    assert [c.max(axis=0).tolist() for c in corners] == [[2, 10], [4, 10]]


@pytest.mark.parametrize(
    ("x", "y", "aspect"),
    [("-1:1:5", "-1:1:9", 1), ("-1:1:5", "-0.6:0.6:5", 0.6), ("-1:1:5", "-99:99:5", 1.6)],
)
def test_planes_have_the_aspect_ratio_of_their_ranges_within_bounds(make_panel, x, y, aspect):
    axes = draw([make_panel(slope, x=x, y=y)], "contourf").axes[0]
    assert axes.get_box_aspect() == pytest.approx(aspect)
