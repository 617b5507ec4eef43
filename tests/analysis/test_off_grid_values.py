import numpy as np
import pytest

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
