from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline, RBFInterpolator

from landscape_cli.refinement import boxes
from landscape_cli.refinement.kriging import Kriging
from landscape_cli.refinement.matrices import Memory, invert, multiply

RANDOM = np.random.default_rng(0)


def scattered(count, size=2):
    return np.random.default_rng(count).random((count, size))


def predict(points, values, noise, targets):
    """Predict one function."""
    fit = Kriging(points).fit(values[:, None], noise[:, None])
    found = fit.at(targets)
    return Found(found.values[:, 0], found.deviations, fit.scales[:, 0], found.scales[:, 0])


class Found(NamedTuple):
    values: np.ndarray
    deviations: np.ndarray
    scales: np.ndarray
    around: np.ndarray


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


def test_scales_are_squared_errors_of_points_left_out_over_their_expectation():
    points = scattered(20)
    found = predict(points, wave(points), np.zeros(20), points[:0]).scales
    for point in range(20):
        others = np.arange(20) != point
        alone = predict(points[others], wave(points)[others], np.zeros(19), points[[point]])
        error = wave(points)[point] - alone.values[0]
        assert found[point] == pytest.approx((error / alone.deviations[0]) ** 2, rel=1e-5)


def test_functions_share_a_fit_and_each_is_as_if_alone():
    points, targets = scattered(300), scattered(50)
    values = np.stack([wave(points), wave(points) ** 2], axis=1)
    noise = np.zeros_like(values)
    both = Kriging(points).fit(values, noise).at(targets)
    for column in (0, 1):
        alone = predict(points, values[:, column], noise[:, column], targets)
        np.testing.assert_allclose(both.values[:, column], alone.values, rtol=1e-8)
        np.testing.assert_allclose(both.scales[:, column], alone.around, rtol=1e-6)
        np.testing.assert_array_equal(both.deviations, alone.deviations)


def test_what_is_remembered_changes_no_bit():
    points, targets = scattered(300), scattered(70)
    values, noise = wave(points)[:, None], np.full((300, 1), 0.01)
    memory = Memory()
    Kriging(points[:290], memory).fit(values[:290], noise[:290]).at(targets)
    memory.forget()
    later = Kriging(points, memory).fit(values, noise).at(targets)
    fresh = Kriging(points).fit(values, noise).at(targets)
    for ours, theirs in zip(vars(later).values(), vars(fresh).values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_boxes_of_the_same_form_share_no_deviations_in_other_units():
    lattice = np.stack(np.meshgrid(*[np.arange(5) / 8] * 2), axis=-1).reshape(-1, 2)
    memory, values = Memory(), np.zeros((25, 1))
    small, large = (
        Kriging(scale * lattice, memory).fit(values, values).at(scale * np.array([[0.1, 0.3]]))
        for scale in (1, 2)
    )
    assert large.deviations[0] == pytest.approx(2**1.5 * small.deviations[0])


def test_memory_keeps_what_is_asked_for_again():
    memory, calls = Memory(), []

    def two():
        calls.append(1)
        return np.full(2, 2.0)

    for _ in range(3):
        assert memory.get(two, np.ones(2)).tolist() == [2, 2]
        memory.forget()
    assert len(calls) == 1
    memory.forget()
    memory.get(two, np.ones(2))
    assert len(calls) == 2


def test_multiply():
    left, right = RANDOM.normal(size=(7, 5)), RANDOM.normal(size=(5, 3))
    np.testing.assert_allclose(multiply(left, right), left @ right, rtol=1e-12)


def test_scales_at_targets_are_those_of_the_points_around():
    points = scattered(400)
    rough = np.where(points[:, 0] > 0.5, RANDOM.normal(size=400), points[:, 0])
    targets = np.array([[0.1, 0.5], [0.9, 0.5]])
    smooth_one, rough_one = predict(points, rough, np.zeros(400), targets).around
    assert smooth_one < 1e-6 * rough_one


def test_distances_and_marked_points_beside():
    points, targets = scattered(500), scattered(90)
    kriging = Kriging(points)
    gaps = np.linalg.norm(targets[:, None] - points, axis=2)
    np.testing.assert_allclose(kriging.distances(targets), gaps.min(axis=1))
    marked = points[:, 0] > 0.7
    closest = np.argsort(gaps, axis=1)[:, :9]
    found = kriging.beside(targets, marked, 9)
    assert (found == marked[closest].any(axis=1)).mean() > 0.97, "but for ends of boxes"


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
