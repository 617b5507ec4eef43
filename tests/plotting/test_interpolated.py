"""Dots at the computed points of adaptive surfaces."""

import numpy as np
import pytest

from landscape_cli.plotting.figure import draw
from landscape_cli.records.tiles import Status

COMPUTED = np.zeros((5, 5), bool)
COMPUTED[::2, ::2] = True


def partly(make_panel, **options):
    status = np.where(COMPUTED, Status.OK, Status.INTERPOLATED)
    return make_panel(lambda x, y: x**2 + y, status=status, **options)


def dots(axes):
    return [line for line in axes.get_lines() if line.get_gid() == "computed"]


@pytest.mark.parametrize("kind", ["contour", "contourf", "heatmap"])
def test_computed_points_have_dots(make_panel, legend, kind):
    axes = draw([partly(make_panel)], kind).axes[0]
    (found,) = dots(axes)
    places = {(x, y) for x, y in zip(*found.get_data(), strict=True)}
    assert places == {(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)}
    assert legend(axes) == ["computed (9 points)"]


def test_a_surface_without_interpolated_points_has_no_dots(make_panel):
    assert not dots(draw([make_panel(lambda x, y: x + y)], "heatmap").axes[0])


def test_only_computed_points_of_a_line_have_dots(make_panel):
    status = [Status.OK, Status.INTERPOLATED, Status.OK, Status.INTERPOLATED, Status.OK]
    panel = make_panel(lambda x: x**2, y=None, status=status)
    curve = next(one for one in draw([panel]).axes[0].get_lines() if len(one.get_xdata()) == 5)
    assert curve.get_marker() == "o"
    assert curve.get_markevery() == [0, 2, 4]
