import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline, RBFInterpolator

from landscape_cli.refinement import boxes
from landscape_cli.refinement.kriging import invert, left_out, predict

RANDOM = np.random.default_rng(0)


def scattered(count, size=2):
    return np.random.default_rng(count).random((count, size))


def wave(points):
    return np.sin(3 * points).sum(axis=1) + points[:, 0]


@given(st.integers(1, 30), st.integers(0, 1000))
def test_invert(count, seed):
    matrix = np.random.default_rng(seed).normal(size=(count, count))
    matrix[0, 0] = 0 if count > 1 else 1  # pivots are needed
    np.testing.assert_allclose(invert(matrix.copy()) @ matrix, np.eye(count), atol=1e-6)


def test_predictions_are_scipys():
    points, targets = scattered(60), scattered(200)
    exact = RBFInterpolator(points, wave(points), kernel="cubic", degree=1)(targets)
    found = predict(points, wave(points), np.zeros(60), targets).values
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-8)


def test_in_one_dimension_it_is_the_natural_cubic_spline():
    points = np.sort(scattered(12, 1), axis=0)
    targets = np.linspace(points[0, 0], points[-1, 0], 50)
    exact = CubicSpline(points[:, 0], wave(points), bc_type="natural")(targets)
    found = predict(points, wave(points), np.zeros(12), targets[:, None]).values
    np.testing.assert_allclose(found, exact, rtol=1e-7)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_linear_functions_are_exact_whatever_the_noise(size):
    points, targets = scattered(150, size), scattered(40, size)
    slopes = np.arange(1, size + 1)
    found = predict(points, points @ slopes, np.full(150, 0.1), targets)
    np.testing.assert_allclose(found.values, targets @ slopes, atol=1e-8)
    assert found.scales.max() < 1e-12


def test_errors_of_points_left_out_are_those_of_predictions_without_them():
    points = scattered(20)
    values = np.stack([wave(points), wave(points) ** 2], axis=1)
    found = left_out(points, values)
    for point in range(20):
        others = np.arange(20) != point
        for column in (0, 1):
            alone = predict(
                points[others], values[others, column], np.zeros(19), points[[point]]
            ).values[0]
            assert found[point, column] == pytest.approx(values[point, column] - alone, abs=1e-7)


def test_deviations_vanish_at_points_and_grow_with_the_distance():
    points = np.array([[0.0, 0.0], [1, 0], [0, 1], [1, 1], [0.5, 0.5]])
    targets = np.array([[0.5, 0.5], [0.52, 0.5], [0.6, 0.5], [0.75, 0.5]])
    found = predict(points, wave(points), np.zeros(5), targets).deviations
    assert found[0] < 1e-4
    assert (np.diff(found) > 0).all()


def test_scales_are_those_of_the_function():
    # Brownian motion integrated once has the generalized covariance r^3 / 12 in one dimension.
    steps = RANDOM.normal(size=(200, 4000)) * np.sqrt(1 / 4000)
    paths = (steps.cumsum(axis=1) / 4000).cumsum(axis=1)
    chosen = np.arange(99, 4000, 100)
    points = (chosen / 4000)[:, None]
    scales = [predict(points, path[chosen], np.zeros(40), points[:0]).scales for path in paths]
    assert np.mean(scales) == pytest.approx(1 / 12, rel=0.05)


def test_noise_is_smoothed():
    points = scattered(100)
    noisy = wave(points) + 0.05 * RANDOM.normal(size=100)
    targets = 0.1 + 0.8 * scattered(300)
    followed, smoothed = (
        predict(points, noisy, np.full(100, noise), targets).values - wave(targets)
        for noise in (0.0, 0.05)
    )
    assert smoothed.std() < 0.6 * followed.std()


def test_boxes_hardly_change_predictions(monkeypatch):
    points, targets = scattered(600), scattered(500)
    divided = predict(points, wave(points), np.zeros(600), targets)
    monkeypatch.setattr(boxes, "WHOLE", 1000)
    whole = predict(points, wave(points), np.zeros(600), targets)
    assert np.abs(divided.values - whole.values).max() < 5e-4 * np.ptp(wave(points))
    np.testing.assert_allclose(divided.deviations, whole.deviations, rtol=0.1, atol=1e-4)


def test_points_on_a_line_in_a_plane():
    points = np.stack([np.linspace(0, 1, 9), np.linspace(0, 1, 9)], axis=1)
    found = predict(points, points[:, 0], np.zeros(9), np.array([[0.3, 0.3]]))
    assert found.values[0] == pytest.approx(0.3, abs=1e-4)
