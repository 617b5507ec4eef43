import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landscape_cli.analysis.off_grid_values import Interpolator

AXES = (np.linspace(-2, 1, 7), np.linspace(-1, 1, 9))


@pytest.fixture
def points():
    generator = np.random.default_rng(0)
    return generator.uniform([-2, -1], [1, 1], size=(200, 2))


def test_quadratic_functions_are_exact_between_the_points(points):
    def function(y, x):
        return 3 + 2 * x - y + x * x + 5 * x * y - 2 * y * y

    found = Interpolator(AXES, function(*np.meshgrid(*AXES, indexing="ij")))(points)
    np.testing.assert_allclose(found, function(*points.T), atol=1e-12)


@pytest.mark.parametrize("size", [2, 3])
def test_few_points_are_joined_by_a_polynomial(size):
    axis = np.linspace(0, 1, size)
    found = Interpolator((axis,), axis ** (size - 1))(np.array([[0.3], [0.9]]))
    np.testing.assert_allclose(found, np.array([0.3, 0.9]) ** (size - 1))


def test_a_distant_explosion_has_no_effect():
    values = np.zeros((7, 9))
    values[6, 8] = 1e300
    assert Interpolator(AXES, values)(np.array([[-1.2, -0.3]])) == [0]


def test_unknown_points_affect_only_their_cells(points):
    values = np.add.outer(2 * AXES[0], AXES[1])
    values[3, 4] = np.inf
    found = Interpolator(AXES, values)(points)
    cells = (np.abs(points[:, 0] - AXES[0][3]) < 0.5) & (np.abs(points[:, 1]) < 0.25)
    assert 0 < cells.sum() < 100
    np.testing.assert_array_equal(np.isnan(found), cells)
    exact = 2 * points[:, 0] + points[:, 1]
    np.testing.assert_allclose(found[~cells], exact[~cells], atol=1e-12)


def test_grid_points_beside_an_unknown_one_are_known():
    axis = np.arange(5.0)
    values = np.array([0, 1, np.nan, 3, 4.0])
    found = Interpolator((axis,), values)(np.array([[1], [2], [3.0]]))
    np.testing.assert_allclose(found, [1, np.nan, 3])


NUMBERS = st.floats(-1e100, 1e100)
ROWS = arrays(np.float64, st.integers(2, 12), elements=NUMBERS)
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


def along(row, at, axis=None):
    axis = np.arange(float(len(row))) if axis is None else axis
    return Interpolator((axis,), row)(at[:, None])


@pytest.mark.parametrize("steepness", [-20, -4, 0.01, 4, 10, 20])
def test_exponentials_are_exact_at_any_steepness_and_offset(steepness):
    axes = np.linspace(-3, 3, 13), np.linspace(-3, 3, 13)

    def function(y, x):
        return 1 + x**2 + np.exp(steepness * y)

    found = Interpolator(axes, function(*np.meshgrid(*axes, indexing="ij")))
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    np.testing.assert_allclose(found(points), function(*points.T), rtol=1e-6)


def test_a_minimum_between_steep_sides_keeps_its_size():
    axis = np.linspace(-3, 3, 13)
    at = np.array([0.1, 0.25, 0.4])
    found = along(np.cosh(20 * axis), np.concatenate([at, -at]), axis)
    np.testing.assert_allclose(found, np.cosh(20 * np.concatenate([at, at])), rtol=0.3)


@given(ROWS, st.data())
def test_values_far_away_change_nothing(row, data):
    place = data.draw(st.integers(0, len(row) - 2))
    far = np.flatnonzero(np.abs(np.arange(len(row)) - place - 0.5) > 2.6)
    changed = row.copy()
    changed[far] = data.draw(arrays(np.float64, len(far), elements=NUMBERS))
    at = place + data.draw(SHARES)
    np.testing.assert_array_equal(along(changed, at), along(row, at))


@given(ROWS, SHARES)
def test_monotone_values_stay_between_their_neighbours(row, shares):
    row = np.sort(row)
    for sign in (1, -1):
        for place in range(1, len(row) - 2):
            found = sign * along(sign * row, place + shares)
            assert (found >= row[place]).all()
            assert (found <= row[place + 1]).all()


@given(arrays(np.float64, (7, 6), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_finite_values_of_any_size_give_finite_ones(table):
    axes = np.array([0, 1, 2, 4, 5, 7, 9.0]), np.arange(6.0)
    points = np.random.default_rng(0).uniform([0, 0], [9, 5], (50, 2))
    found = Interpolator(axes, table / 64)(points)
    assert np.isfinite(found).all()


@given(arrays(np.float64, (5, 6), elements=st.floats(-1e9, 1e9)))
def test_the_points_themselves_keep_their_values(table):
    axes = np.arange(5.0), np.arange(6.0)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    np.testing.assert_allclose(Interpolator(axes, table)(points), table.ravel(), rtol=1e-12)
