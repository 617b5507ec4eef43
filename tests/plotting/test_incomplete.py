"""Incomplete surfaces: the finest complete level is drawn and named in the picture."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import to_rgba

from builders import bowl
from landscape_cli.plotting import KINDS
from landscape_cli.plotting.annotations.marks import MAX_CROSSES
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.layout.spatial import SUBTITLE
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.style import BAD
from landscape_cli.plotting.value_range import fit, notes
from landscape_cli.records.levels import coarse_to_fine
from landscape_cli.records.tiles import Status

PLANES = [name for name, kind in KINDS.items() if kind.axes == 2]
COARSE = [-1, -0.5, 0, 0.5, 1]


@pytest.fixture
def unfinished(make_surface):
    """Return a function that makes the panel of an interrupted run.

    By default it is a plane of 17 x 9 points, whose coarsest level has 5 x 5; with ``y=None`` it is
    a line.
    """

    def make(count, values=bowl, y="-1:1:9", raw=False, failed=None, x="-1:1:17"):
        surface = make_surface(values, x=x, y=y)
        order = coarse_to_fine(surface.grid.shape, np.arange(surface.total))
        surface.status.ravel()[order[count:]] = Status.TODO
        if failed is not None:
            surface.status.ravel()[failed] = Status.FAILED
        (panel,) = select_panels(surface, None, None, "run.h5", raw)
        return panel

    return make


def subtitle(axes):
    (text,) = [c.get_text() for c in axes.get_children() if c.get_gid() == SUBTITLE]
    return text


def hatched(axes):
    return [artist for artist in [*axes.collections, *axes.patches] if artist.get_hatch()]


@pytest.mark.parametrize("kind", PLANES)
def test_a_picture_of_a_level_states_it_and_has_no_hole(unfinished, legend, kind):
    axes = draw([unfinished(30)], kind, dpi=60).axes[0]
    assert subtitle(axes) == "(5 x 5 of 17 x 9 points, 19 % computed)"
    assert not hatched(axes)
    assert legend(axes) == []


@pytest.mark.parametrize("kind", PLANES)
def test_the_missing_area_is_marked_before_the_first_level_and_if_raw(unfinished, legend, kind):
    axes = draw([unfinished(24)], kind, dpi=60).axes[0]
    assert subtitle(axes) == "(15 % computed)"
    assert legend(axes) == ["not computed (129 points)"]
    axes = draw([unfinished(30, raw=True)], kind, dpi=60).axes[0]
    assert subtitle(axes) == "(19 % computed)"
    assert legend(axes) == ["not computed (123 points)"]
    assert len(hatched(axes)) == (0 if kind == "render" else 1)  # a render's floor is in its image


def test_a_panel_holds_the_points_of_the_finest_level(unfinished):
    panel = unfinished(30)
    assert panel.x.tolist() == COARSE
    assert panel.y.tolist() == COARSE
    np.testing.assert_array_equal(panel.z, bowl(*np.meshgrid(COARSE, COARSE)))
    assert panel.whole.z.shape == (9, 17)
    assert unfinished(152).z.shape == (9, 9)
    assert unfinished(153).shown is None


def test_a_heatmap_of_a_level_has_larger_cells_and_the_same_limits(unfinished):
    frames = []
    for count in (30, 153):
        axes = draw([unfinished(count)], "heatmap").axes[0]
        (mesh,) = [a for a in axes.collections if type(a) is QuadMesh]
        frames.append((axes.get_xlim(), axes.get_ylim()))
        if count == 30:
            places = mesh.get_coordinates()
            assert mesh.get_array().shape == (5, 5)
            assert places[0, :, 0].tolist() == [-1.0625, -0.75, -0.25, 0.25, 0.75, 1.0625]
            assert places[:, 0, 1].tolist() == [-1.125, -0.75, -0.25, 0.25, 0.75, 1.125]
    assert frames[0] == frames[1]


def test_a_surface_of_a_level_passes_through_the_values(unfinished, corners):
    axes = draw([unfinished(30)], "surface").axes[0]
    assert (axes.get_xlim(), axes.get_ylim(), axes.get_zlim()) == ((-1, 1), (-1, 1), (1, 4))
    (faces,) = axes.collections
    x, y, z = corners(faces)
    found = dict(zip(zip(x.tolist(), y.tolist(), strict=True), z.tolist(), strict=True))
    assert all(found[x, y] == bowl(x, y) for x in COARSE for y in COARSE)


@pytest.mark.parametrize("kind", PLANES)
def test_non_finite_points_beyond_the_level_have_crosses(unfinished, crosses, legend, kind):
    def values(x, y):
        loss = bowl(x, y)
        loss[0, 4] = loss[0, 2] = loss[7, 1] = np.nan  # in the level, computed beyond it, to do
        return loss

    axes = draw([unfinished(30, values)], kind, dpi=60).axes[0]
    if kind == "render":  # projected to the image
        assert len(crosses(axes)) == 2
    else:
        assert {place[:2] for place in crosses(axes)} == {(-0.5, -1), (-0.75, -1)}
    assert legend(axes) == ["not finite (2 points)"]


def test_many_non_finite_points_fill_the_cells_of_the_level(unfinished, legend):
    def values(x, y):
        return np.where(x < 0, np.nan, bowl(x, y))

    panel = unfinished(17 * 33 + 600, values, x="-1:1:51", y="-1:1:51")
    axes = draw([panel], "heatmap").axes[0]
    count = int(panel.whole.not_finite.sum())
    assert count > MAX_CROSSES
    assert legend(axes) == [f"not finite ({count} points)"]
    (cells,) = [
        a
        for a in axes.collections
        if type(a) is PolyCollection and a.get_facecolor().tolist() == [list(to_rgba(BAD))]
    ]
    rights = {round(float(path.get_extents().x1), 9) for path in cells.get_paths()}
    (last,) = np.flatnonzero(panel.x == 0)
    of_the_level = (panel.x[last - 1] + panel.x[last]) / 2
    assert {round(of_the_level, 9), -0.02} <= rights


def test_values_beyond_the_level_that_a_log_scale_hides_are_marked_and_noted(unfinished, crosses):
    def values(x, y):
        loss = bowl(x, y)
        loss[0, 2] = -1
        return loss

    panel = unfinished(30, values)
    scale = fit([panel], log=True)
    assert crosses(draw([panel], "heatmap", scale).axes[0]) == {(-0.75, -1)}
    assert notes([panel], scale, "") == [
        "1 of the train loss values in run.h5 are not positive and cannot be shown on a log scale"
    ]


@pytest.mark.parametrize("kind", PLANES)
def test_a_failed_point_of_a_level_is_missing_there(unfinished, legend, kind):
    panel = unfinished(30, failed=9 * 17 - 1)
    assert np.argwhere(panel.missing).tolist() == [[4, 4]]
    axes = draw([panel], kind, dpi=60).axes[0]
    assert legend(axes) == ["not computed (1 point)"]
    assert len(hatched(axes)) == (0 if kind == "render" else 1)  # a render's floor is in its image


def test_a_surface_with_no_point_to_do_is_drawn_in_full(unfinished):
    assert unfinished(153, failed=3).shown is None


def test_a_level_without_finite_values_is_drawn_with_all_points(unfinished):
    def values(x, y):
        return np.where((x == -0.75) & (y == -1), 3.0, np.nan)

    assert unfinished(30, values).shown is None


def test_a_line_passes_through_all_computed_points(unfinished, legend):
    panel = unfinished(7, y=None)
    (axes,) = draw([panel]).axes
    curve = next(line for line in axes.get_lines() if len(line.get_xdata()) == 7)
    assert curve.get_xdata().tolist() == [-1, -0.75, -0.5, -0.25, 0, 0.5, 1]
    np.testing.assert_array_equal(curve.get_ydata(), bowl(curve.get_xdata()))
    assert subtitle(axes) == "(7 of 17 points, 41 % computed)"
    assert not hatched(axes)
    assert axes.get_xlim() == (-1, 1)


def test_a_line_has_a_hole_before_the_first_level_and_if_raw(unfinished):
    for panel in (unfinished(4, y=None), unfinished(7, y=None, raw=True)):
        (axes,) = draw([panel]).axes
        assert hatched(axes)
        assert " of " not in subtitle(axes)


def test_a_line_marks_its_non_finite_points(unfinished, crosses):
    def values(x):
        return np.where((x == -0.75) | (x == 0.5), np.nan, bowl(x))

    (axes,) = draw([unfinished(7, values, y=None)]).axes
    assert {place[0] for place in crosses(axes)} == {-0.75, 0.5}
