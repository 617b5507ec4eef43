"""Checkpoints at their own values, over planes and above surfaces."""

from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.plotting.annotations.overlay import overlay_more
from landscape_cli.plotting.annotations.own_values import residual
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.text.description import describe
from landscape_cli.records.trajectory import Trajectory

PLACES = np.array([[0.8, 0.8], [0.4, 0.2], [0.0, -0.4], [0.0, 0.0]])


def bowl(x, y):
    return 1 + x + 2 * y  # bilinear, and so exact between grid points


def trajectory(off=(2.0, 0.5, -0.25, 0.0), name=""):
    """Return a path whose own losses differ from the plane's by known amounts."""
    values = bowl(*PLACES.T) + np.array(off)
    return Trajectory(
        PLACES, np.ones(4), tuple("abcd"), name=name, values={("train", "loss"): values}
    )


@pytest.fixture
def panel_with(make_panel):
    def make(path, values=bowl, **more):
        return make_panel(values, provenance={"trajectory": path.as_mapping()}, **more)

    return make


def lines(axes, gid):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


@pytest.mark.parametrize("kind", ["contour", "contourf", "heatmap"])
def test_dots_have_the_colours_of_own_values(panel_with, legend, kind):
    panel = panel_with(trajectory())
    axes = draw([panel], kind, Scale(-2.0, 6.0)).axes[0]
    (dots,) = [one for one in axes.collections if one.get_gid() == "own-values"]
    np.testing.assert_array_equal(dots.get_offsets(), PLACES)
    scale = Scale(-2.0, 6.0)
    expected = scale.colors((bowl(*PLACES.T) + [2.0, 0.5, -0.25, 0.0] + 2) / 8)
    np.testing.assert_allclose(dots.get_facecolors(), expected)
    assert legend(axes)[0] == "4 checkpoints, coloured by own value"


def test_other_quantities_have_plain_dots(make_panel, legend):
    path = trajectory()
    panel = make_panel(
        {("train", "loss"): bowl, ("train", "accuracy"): lambda x, y: 0 * x + 0.5 + 0.1 * x},
        provenance={"trajectory": path.as_mapping()},
    )
    axes = draw([panel.of("accuracy")], "contourf").axes[0]
    assert not [one for one in axes.collections if one.get_gid() == "own-values"]
    assert legend(axes)[0] == "4 checkpoints"


def test_paths_rise_to_their_own_values_on_stems(panel_with, legend):
    axes = draw([panel_with(trajectory())], "surface", Scale(-2.0, 6.0)).axes[0]
    (line,) = lines(axes, "trajectory")
    x, y, z = line.get_data_3d()
    np.testing.assert_array_equal(np.column_stack([x, y]), PLACES)
    own = bowl(*PLACES.T) + [2.0, 0.5, -0.25, 0.0]
    np.testing.assert_allclose(z, own)
    stems = [np.array(stem.get_data_3d()) for stem in lines(axes, "stem")]
    np.testing.assert_allclose([stem[2] for stem in stems], np.stack([bowl(*PLACES.T), own], 1))
    assert legend(axes)[0] == "4 checkpoints, at their own values"


def test_of_many_checkpoints_some_have_stems(panel_with):
    places = np.linspace([0.9, 0.9], [-0.9, -0.9], 1001)
    path = Trajectory(
        places,
        np.zeros(1001),
        tuple(map(str, range(1001))),
        values={("train", "loss"): bowl(*places.T) + 1},
    )
    axes = draw([panel_with(path)], "surface", Scale(-3.0, 6.0)).axes[0]
    stems = [np.array(stem.get_data_3d()) for stem in lines(axes, "stem")]
    assert 50 < len(stems) <= 100
    np.testing.assert_allclose([stem[2, 1] - stem[2, 0] for stem in stems], 1)
    assert len(lines(axes, "trajectory")[0].get_data_3d()[0]) == 1001


def test_heights_end_at_the_limits_and_the_edge_of_the_grid(panel_with):
    path = replace(
        trajectory((9.0, 0, 0, 0)), coordinates=PLACES + [[0, 0], [3, 0], [0, 0], [0, 0]]
    )
    axes = draw([panel_with(path)], "surface", Scale(-2.0, 6.0)).axes[0]
    heights = lines(axes, "trajectory")[0].get_data_3d()[2]
    assert heights[0] == 6
    assert np.isnan(heights[1])


@pytest.mark.parametrize("kind", ["contourf", "surface"])
def test_values_that_are_not_finite_are_crosses(panel_with, legend, crosses, kind):
    path = trajectory((np.nan, np.inf, 0, -np.inf))
    axes = draw([panel_with(path)], kind, Scale(-2.0, 6.0)).axes[0]
    places = {place[:2] for place in crosses(axes)}
    assert places == {tuple(PLACES[k]) for k in (0, 1, 3)}
    assert "own value not finite (3)" in legend(axes)


def test_values_that_a_logarithmic_scale_lacks_are_crosses(panel_with, legend):
    path = trajectory((0, 0, -5.0, 0))
    panel = panel_with(path, lambda x, y: np.exp(3 * x))
    axes = draw([panel], "contourf", Scale(0.05, 20.0, log=True)).axes[0]
    assert "own value not drawable (1)" in legend(axes)


def test_the_residual_is_the_difference_from_the_plane(panel_with):
    panel = panel_with(trajectory())
    found = residual(panel, trajectory())
    assert (found.label, found.count) == ("a", 4)
    assert found.value == pytest.approx(2)
    assert found.mean == pytest.approx(2.25 / 4)
    outside = replace(trajectory(), coordinates=PLACES + 5)
    assert residual(panel, outside) is None
    text = describe([panel], Scale(-2.0, 6.0))
    assert (
        "Checkpoints are drawn at their own train loss, which is 2 above the plane's at a, where "
        "they differ most, and 0.562 above it on average." in text
    )


def test_each_of_several_paths_has_its_own_colour(panel_with):
    panel = panel_with(trajectory(name="sgd"))
    more = overlay_more(panel.surface, trajectory((1.0,) * 4, "adam"), "adam.h5", "run.h5")
    axes = draw([replace(panel, surface=more)], "surface").axes[0]
    colors = {line.get_color() for line in lines(axes, "trajectory")}
    assert len(colors) == 2
    assert colors == {line.get_color() for line in lines(axes, "stem")}


@pytest.mark.extras("pyvista")
def test_stems_are_rendered(panel_with):
    plain = replace(trajectory(), values={})
    drawn = [
        draw([panel_with(path)], "render", Scale(-2.0, 6.0), dpi=60).axes[0]
        for path in (plain, trajectory())
    ]
    pictures = [axes.get_images()[0].get_array() for axes in drawn]
    assert (pictures[0] != pictures[1]).any()
