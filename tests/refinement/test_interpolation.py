import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landscape_cli.records.levels import axis_levels
from landscape_cli.refinement.interpolation import fill, interpolate, keep

COARSE, FINE = axis_levels(33)[0], axis_levels(33)[-1]
numbers = st.floats(-1e6, 1e6)


def test_planes_are_exact():
    y, x = np.meshgrid(FINE, FINE, indexing="ij")
    plane = 3.0 * x - 2.0 * y + 5
    coarse = plane[np.ix_(COARSE, COARSE)]
    found = interpolate(coarse, [COARSE, COARSE], [FINE, FINE])
    np.testing.assert_allclose(found, plane, rtol=1e-13)


def test_the_error_falls_with_the_distance():
    # PCHIP's derivatives are second-order accurate where the function is monotone, so errors
    # shrink at least like h^3.
    errors = []
    for points in (33, 65, 129):
        levels = axis_levels(points)
        old, new = levels[-2], levels[-1]
        exact = np.exp(new / (points - 1))
        errors.append(np.abs(interpolate(exact[old], [old], [new]) - exact)[4:-4].max())
    assert errors[0] / errors[1] > 7
    assert errors[1] / errors[2] > 7


@given(arrays(np.float64, (5, 5), elements=numbers))
def test_interpolation_stays_within_the_range_of_neighbours(values):
    found = interpolate(values, [COARSE, COARSE], [FINE, FINE])
    slack = 1e-9 * max(1, np.abs(values).max())
    for row in range(4):
        for column in range(4):
            cell = values[row : row + 2, column : column + 2]
            inside = found[8 * row : 8 * row + 9, 8 * column : 8 * column + 9]
            # A tensor product can leave the range of a cell, but not that of its row.
            assert inside.min() >= values[row : row + 2].min() - slack
            assert inside.max() <= values[row : row + 2].max() + slack
            assert np.isfinite(cell).all()


@given(arrays(np.float64, (5,), elements=numbers))
def test_kept_values_have_the_same_bits(values):
    found = keep(interpolate(values, [COARSE], [FINE]), values, [COARSE], [FINE])
    assert (found[COARSE] == values).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_do_not_spread(bad):
    values = np.array([1.0, 2, bad, 3, 4])
    found = interpolate(values, [COARSE], [FINE])
    assert np.isfinite(found).all()
    assert (found <= 4).all()
    assert (found >= 1).all()


def test_without_a_finite_value_the_result_is_nan():
    found = interpolate(np.full(5, np.nan), [COARSE], [FINE])
    assert found.shape == (33,)
    assert np.isnan(found).all()


def test_fill_goes_level_by_level_and_uses_known_values():
    levels = [[level] for level in axis_levels(17)]
    array = np.full(17, np.nan)
    array[levels[0][0]] = levels[0][0]
    array[2] = 100.0  # a point of the second level
    used = np.isfinite(array)
    found = fill(array, used, levels)
    assert found[2] == 100
    assert found[1] > 10, "the finer level is interpolated from known values of the coarser"
    np.testing.assert_allclose(found[8:], np.arange(8, 17))
