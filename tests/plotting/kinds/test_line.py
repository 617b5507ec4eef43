import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.value_range import fit
from landscape_cli.records.tiles import Status

TRAIN, TEST = ("train", "loss"), ("test", "loss")


@pytest.fixture
def lines(make_surface):
    """Return a function that draws a line with both splits and returns its axes."""

    def make(train, test, errors=None, options=None, status=None):
        count = len(train)
        values = {TRAIN: np.asarray(train, float), TEST: np.asarray(test, float)}
        stderr = {name: np.full(count, errors) for name in values} if errors else None
        x = f"{1 - count}:{count - 1}:{count}"
        surface = make_surface(values, x=x, y=None, stderr=stderr, status=status)
        panels = select_panels(surface, None, None)
        (axes,) = draw(panels, "line", fit(panels, **(options or {}))).axes
        return axes

    return make


def curves(axes):
    return {
        line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")
    }


def test_train_is_solid_and_test_dashed_on_one_axes(lines, legend):
    axes = lines([1, 2, 3], [4, 5, 6])
    drawn = curves(axes)
    assert drawn["train"].get_linestyle() == "-"
    assert drawn["test"].get_linestyle() == "--"
    assert drawn["test"].get_xydata().tolist() == [[-2, 4], [0, 5], [2, 6]]
    assert axes.get_ylabel() == "loss"
    assert legend(axes) == ["train", "test"]


def test_one_split_needs_no_legend(make_surface, legend):
    surface = make_surface({TRAIN: np.ones(3), TEST: np.ones(3)}, x="0:2:3", y=None)
    (axes,) = draw(select_panels(surface, "test", None)).axes
    assert axes.get_ylabel() == "test loss"
    assert legend(axes) == []


def test_the_band_is_1_96_standard_errors(lines, legend):
    axes = lines([1, 2, 3], [4, 5, 6], errors=0.5)
    bands = [a for a in axes.collections if isinstance(a, PolyCollection)]
    extents = [band.get_paths()[0].get_extents() for band in bands]
    assert [(e.y0, e.y1) for e in extents] == [
        pytest.approx((1 - 0.98, 3 + 0.98)),
        pytest.approx((4 - 0.98, 6 + 0.98)),
    ]
    assert legend(axes) == ["train", "test", "± 1.96 standard errors"]
    low, high = axes.get_ylim()
    assert low < 0.02
    assert high > 6.98


def test_non_finite_points_break_the_line_and_have_crosses(lines, legend, crosses):
    axes = lines([1, np.nan, 3, 2, 2], [4, 5, 6, np.inf, np.nan])
    assert np.isnan(curves(axes)["train"].get_ydata()).tolist() == [False, True] + 3 * [False]
    assert {x for x, _ in crosses(axes)} == {-2, 2, 4}
    assert legend(axes)[2:] == ["train not finite (1 point)", "test not finite (2 points)"]


def test_missing_points_are_a_hatched_area(lines, legend):
    status = [Status.OK, Status.OK, Status.TODO, Status.TODO]
    axes = lines([1, 2, 9, 9], [1, 2, 9, 9], status=status)
    (area,) = [patch for patch in axes.patches if patch.get_hatch()]
    box = area.get_extents().transformed(axes.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((0, 4))
    assert "not computed (2 points)" in legend(axes)
    assert axes.get_ylim()[1] < 3


def test_isolated_points_of_long_lines_are_dots(lines):
    values = np.full(101, np.nan)
    values[:40] = 1
    values[70] = 2
    axes = lines(values, np.ones(101))
    (dots,) = [line for line in axes.get_lines() if line.get_label() == "_alone"]
    assert dots.get_xydata().tolist() == [[40, 2]]


def test_limits_apply_and_the_legend_states_what_they_clip(lines, legend):
    axes = lines([1, 2, 30, 4], [1, 2, 3, 4], options={"vmin": 0, "vmax": 10})
    assert axes.get_ylim() == (0, 10)
    assert "train above 10 (25.0 %)" in legend(axes)


def test_a_logarithmic_line_omits_and_marks_values_that_are_not_positive(lines, legend, crosses):
    axes = lines([0, 10, 100], [1, 10, 100], errors=50, options={"log": True})
    assert axes.get_yscale() == "log"
    assert {x for x, _ in crosses(axes)} == {-2}
    assert "train not positive (1 point)" in legend(axes)
    assert 0.1 < axes.get_ylim()[0] < 1


def test_several_surfaces_are_drawn_side_by_side_with_the_same_limits(make_surface):
    panels = []
    for height in (1.0, 5.0):
        surface = make_surface({TRAIN: [0, height], TEST: [0, height]}, x="0:1:2", y=None)
        panels += select_panels(surface, None, None)
    first, second = draw(panels, "line").axes
    assert set(curves(first)) == set(curves(second)) == {"train", "test"}
    assert first.get_ylim() == second.get_ylim()
