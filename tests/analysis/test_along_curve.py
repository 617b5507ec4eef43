"""Extremes and means along a curve."""

import numpy as np
import pytest

from landscape_cli.analysis.along_curve import compute
from landscape_cli.analysis.field import MeaninglessError, Options, UnknownError
from landscape_cli.records.curves import curve_of
from landscape_cli.records.curves.facts import CurveFacts


@pytest.fixture
def along(make_field):
    """Return a function that computes the numbers along a curve through points in a plane."""

    def compute_along(points, values, x="0:1:5", shape="chain"):
        points = np.array(points, dtype=float)
        facts = CurveFacts(curve_of(shape, len(points)), points @ points.T).as_mapping()
        return compute(make_field(values, x, provenance={"curve": facts}), Options())

    return compute_along


ANGLE = [[0, 0], [1, 0], [1, 3]]
"""A chain whose second piece is three times as long as the first."""


def test_means_are_integrals_over_t_and_over_the_length(along):
    found = along(ANGLE, [0.0, 2.0, 4.0, 6.0, 8.0])
    assert found["mean"] == pytest.approx(4)
    # Over the length, the first piece with mean 2 counts once, the second with mean 6 three times.
    assert found["mean_over_length"] == pytest.approx((2 + 3 * 6) / 4)
    assert (found["length"], found["straight"]) == pytest.approx((4, np.sqrt(10)))
    assert (found["minimum"], found["maximum"], found["at"]) == (0, 8, 1)


def test_points_beyond_the_ends_or_without_a_value_are_left_out(along):
    found = along(ANGLE, [9.0, 1.0, np.nan, 3.0, 9.0], x="-0.5:1.5:5")
    assert (found["points"], found["left_out"]) == (5, 3)
    assert (found["mean"], found["maximum"]) == (2, 3)


def test_a_curve_without_length_has_the_mean_of_its_values(along):
    with np.errstate(all="raise"):
        found = along([[1, 1], [1, 1]], [1.0, 2.0, 3.0, 2.0, 1.0])
    assert found["mean_over_length"] == pytest.approx(9 / 5)
    assert found["length"] == 0


def test_one_point_is_not_enough(along):
    with pytest.raises(UnknownError, match="fewer than two points of the curve have a value"):
        along(ANGLE, [np.nan, np.nan, 1.0, np.nan, np.nan])


@pytest.mark.parametrize("axes", [("-1:1:5",), ("-1:1:5", "-1:1:5")])
def test_other_surfaces_have_no_curve(make_field, axes):
    with pytest.raises(MeaninglessError):
        compute(make_field(lambda *xy: xy[0], *axes), Options())
