from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from builders import curved
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.layers.outline import boundary, negative
from landscape_cli.plotting.request import Request


def picture(found, **options):
    request = Request(**{"quantity": "hessian_min", **options})
    return request.picture(request.panels([found], ["run.h5"]))


def outline_of(found, **options):
    drawn = picture(found, **options)
    axes = draw(drawn.panels, drawn.kind, drawn.scale).axes[0]
    return axes, [each for each in axes.collections if each.get_gid() == "negative"]


def note_of(axes):
    """Return the texts below all panels of a figure on one line."""
    return " ".join(" ".join(text.get_text() for text in axes.figure.texts).split())


def area_on_the_left(curve):
    """Return twice the signed area of a closed curve: positive if it runs counterclockwise."""
    x, y = curve.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def test_the_border_of_a_cell_runs_counterclockwise_around_it():
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    (curve,) = boundary(mask, ~mask, np.arange(5.0), np.arange(4.0))
    assert {tuple(place) for place in curve.tolist()} == {(2, 1), (3, 1), (3, 2), (2, 2)}
    assert curve[0].tolist() == curve[-1].tolist()
    assert area_on_the_left(curve) == 2


def test_a_hole_is_bordered_with_the_masked_cells_on_the_left():
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    (curve,) = boundary(mask, ~mask, np.arange(4.0), np.arange(4.0))
    assert area_on_the_left(curve) == -2


def test_sides_of_the_grid_and_of_cells_without_a_value_are_no_border():
    mask = np.array([[True, True, False], [True, False, False]])
    others = np.array([[False, False, True], [False, False, True]])
    (curve,) = boundary(mask, others, np.arange(4.0), np.arange(3.0))
    assert curve.tolist() == [[2, 0], [2, 1]]


@pytest.mark.parametrize("seed", range(5))
def test_every_pair_of_neighbours_is_separated_once(seed):
    mask = np.random.default_rng(seed).random((6, 7)) < 0.5
    curves = boundary(mask, ~mask, np.arange(8.0), np.arange(7.0))
    steps = [tuple(map(tuple, pair)) for c in curves for pair in pairwise(c.tolist())]
    pairs = (mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum()
    assert len(steps) == len(set(steps)) == pairs


@pytest.mark.parametrize("kind", ["heatmap", "contourf"])
def test_the_outline_separates_negative_curvature_and_runs_with_it_on_the_left(kind):
    _, (lines,) = outline_of(curved("-1:1:41", "-1:1:41"), kind=kind)
    assert isinstance(lines, LineCollection) == (kind == "heatmap")
    curves = [path.vertices for path in lines.get_paths()]
    assert sum(map(len, curves)) > 20
    for curve in curves:
        x, y = (curve[:-1] + curve[1:]).T / 2
        np.testing.assert_allclose(2 * x + 2 * y**2, 1, atol=0.2)
        dx, dy = np.diff(curve, axis=0).T
        left = 2 * (x - 0.1 * dy) + 2 * (y + 0.1 * dx) ** 2
        right = 2 * (x + 0.1 * dy) + 2 * (y - 0.1 * dx) ** 2
        assert (left > right).all()


@pytest.mark.parametrize("quantity", ["hessian_min", "hessian_ratio"])
def test_the_legend_and_the_caption_count_the_points(quantity, legend):
    found = curved()
    count = int((found.values["train", "hessian_min"] < -1e-6).sum())
    axes, _ = outline_of(found, quantity=quantity)
    assert f"λmin < 0 ({count} of 121 points)" in legend(axes)
    assert f"more than its numerical error ({count} of 121 points)." in picture(found).caption


def test_only_values_beyond_their_error_count():
    certain, doubtful = curved(error=1e-6), curved(error=0.5)
    counts = [int(negative(picture(each).panels[0]).sum()) for each in (certain, doubtful)]
    assert counts[0] > counts[1] == int((doubtful.values["train", "hessian_min"] < -0.5).sum())


def test_an_unknown_error_counts_as_none():
    panel = picture(curved(error=np.nan)).panels[0]
    assert negative(panel).sum() == (panel.z < 0).sum()


@pytest.mark.parametrize(("shift", "words"), [(3.0, "at all 121 points"), (-6.0, "nowhere")])
def test_one_sign_everywhere_is_said_without_an_outline(shift, words, legend):
    axes, lines = outline_of(curved(shift=shift))
    assert not lines
    assert f"λmin < 0 {words}" in note_of(axes)
    assert not [text for text in legend(axes) if "λmin" in text]
    everywhere = "at all 121 points." if shift > 0 else "at none of the 121 points."
    assert picture(curved(shift=shift)).caption.endswith(everywhere)


def test_points_without_a_value_are_not_outlined():
    found = curved(shift=3.0)
    for values in found.values.values():
        values[4, 4] = np.nan
    axes, lines = outline_of(found)
    assert not lines
    assert "λmin < 0 at all 120 points" in note_of(axes)


@pytest.mark.parametrize("quantity", ["hessian_max", "loss", "gradient_norm"])
def test_other_quantities_have_no_outline(quantity):
    assert not outline_of(curved(), quantity=quantity)[1]
