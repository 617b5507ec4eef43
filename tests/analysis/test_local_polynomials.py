import numpy as np
import pytest
from scipy.signal import savgol_coeffs

from landscape_cli.analysis.local_polynomials import combine, fit_rows
from landscape_cli.analysis.sphere import half_sphere, sphere


@pytest.mark.parametrize("derivative", [0, 1, 2])
def test_rows_are_those_of_savitzky_and_golay(derivative):
    rows = fit_rows(np.linspace(0, 3, 7), 5, 2)
    known = savgol_coeffs(5, 2, deriv=derivative, delta=0.5, use="dot")
    expected = known / max(1, derivative)  # coefficients are derivatives over a factorial
    np.testing.assert_allclose(rows[:, derivative], np.tile(expected, (3, 1)), atol=1e-12)


def test_rows_suit_unequal_distances():
    x = np.array([0, 1, 3, 4, 7.0])
    rows = fit_rows(x, 3, 2)
    np.testing.assert_allclose(combine(2 * x**2, [rows[:, 2]]), [2, 2, 2])
    np.testing.assert_allclose(combine(2 * x**2, [rows[:, 1]]), 4 * x[1:-1])


def test_one_unknown_point_is_in_its_windows_only():
    values = np.zeros((6, 6))
    values[2, 2] = np.nan
    rows = fit_rows(np.arange(6.0), 3, 0)[:, 0]
    found = combine(values, [rows, rows])
    assert found.shape == (4, 4)
    assert np.isnan(found[:3, :3]).all()
    assert np.isfinite(found).sum() == 16 - 9


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_means_over_directions_are_exact(dimensions):
    directions, weights = sphere(dimensions)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(weights.sum(), 1)
    squares = np.einsum("k,ki,kj", weights, directions, directions)
    np.testing.assert_allclose(squares, np.eye(dimensions) / dimensions, atol=1e-15)
    fourth = {1: 1, 2: 3 / 8, 3: 1 / 5}[dimensions]
    np.testing.assert_allclose(weights @ directions[:, 0] ** 4, fourth)
    half = len(half_sphere(dimensions)[0])
    np.testing.assert_array_equal(directions[:half], -directions[half:])
