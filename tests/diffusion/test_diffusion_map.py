"""Diffusion maps of points whose maps are known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ive

from landscape_cli.diffusion.diffusion_map import diffusion_map


def distances2(points):
    points = np.asarray(points, dtype=np.float64).reshape(len(points), -1)
    return ((points[:, None] - points[None]) ** 2).sum(axis=2)


def circle(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def laplacian(found):
    """Return the Laplacian's eigenvalues that a map's suggest."""
    return -4 * np.log(found.eigenvalues[1:]) / found.epsilon


def correlation(one, other):
    return abs(np.corrcoef(one, other)[0, 1])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_an_equispaced_circle_has_the_spectrum_of_a_circulant_matrix(alpha):
    count, epsilon = 64, 0.3
    square = distances2(circle(2 * np.pi * np.arange(count) / count))
    found = diffusion_map(square, epsilon, alpha, 8)
    row = np.exp(-square[0] / epsilon)
    expected = np.sort(np.fft.fft(row).real / row.sum())[::-1]
    np.testing.assert_allclose(found.eigenvalues, expected[:9], rtol=0, atol=1e-12)
    # The sum over the points is the integral to all digits: exp(2 cos / epsilon) has Bessel's
    # functions as coefficients.
    orders = np.array([0, 1, 1, 2, 2, 3, 3, 4, 4])
    bessel = ive(orders, 2 / epsilon) / ive(0, 2 / epsilon)
    np.testing.assert_allclose(found.eigenvalues, bessel, rtol=0, atol=1e-12)


def test_the_functions_are_right_eigenvectors_normalized_as_the_constant_one():
    numbers = np.random.default_rng(1)
    square = distances2(numbers.normal(size=(30, 3)))
    found = diffusion_map(square, 2.0, 0.5, 29)
    kernel = np.exp(-square / 2.0)
    weights = kernel / np.sqrt(np.outer(kernel.sum(1), kernel.sum(1)))
    walk = weights / weights.sum(1, keepdims=True)
    np.testing.assert_allclose(
        walk @ found.functions, found.functions * found.eigenvalues[1:], atol=1e-12
    )
    stationary = weights.sum(1) / weights.sum()
    gram = found.functions.T @ (stationary[:, None] * found.functions)
    np.testing.assert_allclose(gram, np.eye(29), atol=1e-9)
    np.testing.assert_allclose(stationary @ found.functions, 0, atol=1e-9)
    assert (found.functions[0] > 0).all()
    every = np.sort(np.linalg.eigvals(walk).real)[::-1]
    np.testing.assert_allclose(found.eigenvalues, every, atol=1e-12)
    np.testing.assert_array_equal(found.coordinates(0), found.functions)
    np.testing.assert_allclose(
        found.coordinates(3), found.functions * found.eigenvalues[1:] ** 3, rtol=1e-12
    )


def test_only_the_normalization_removes_the_density_of_points_on_a_circle():
    count = 400
    uniform = 2 * np.pi * np.arange(count) / count
    square = distances2(circle(uniform + 0.5 * np.sin(uniform)))
    with_density = laplacian(diffusion_map(square, 0.05, 0.0, 2))
    without = laplacian(diffusion_map(square, 0.05, 1.0, 2))
    assert np.abs(without - 1).max() < 0.05
    assert np.abs(with_density - 1).max() > 0.15


def test_a_rectangle_has_cosine_modes():
    x, y = np.meshgrid(np.linspace(0, np.pi, 60), np.linspace(0, 0.5, 9))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    found = diffusion_map(distances2(points), 0.02, 1.0, 3)
    for order in (1, 2, 3):
        assert correlation(found.functions[:, order - 1], np.cos(order * points[:, 0])) > 0.99
    np.testing.assert_allclose(laplacian(found), [1, 4, 9], rtol=0.12)


def test_a_torus_has_the_products_of_two_circles():
    first, second = 2 * np.pi * np.arange(24) / 24, 2 * np.pi * np.arange(16) / 16
    one, other = (np.exp(-distances2(circle(angles)) / 0.5) for angles in (first, 2 * second))
    apart, beside = np.meshgrid(first, second, indexing="ij")
    points = np.concatenate([circle(apart.ravel()), circle(beside.ravel())], axis=1)
    found = diffusion_map(distances2(points), 0.5, 1.0, 12)
    one = np.fft.fft(np.exp(-distances2(circle(first))[0] / 0.5)).real
    other = np.fft.fft(np.exp(-distances2(circle(second))[0] / 0.5)).real
    products = np.sort(np.outer(one / one[0], other / other[0]).ravel())[::-1]
    np.testing.assert_allclose(found.eigenvalues, products[:13], atol=1e-12)


def test_the_first_function_of_a_swiss_roll_orders_it_by_arc_length():
    turn = np.sqrt(np.linspace((1.5 * np.pi) ** 2, (4.5 * np.pi) ** 2, 300))
    points = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1)
    found = diffusion_map(distances2(points), 4.0, 1.0, 2)
    steps = np.diff(found.functions[:, 0])
    assert (steps < 0).all()
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    assert correlation(found.functions[:, 0], np.cos(np.pi * length / length[-1])) > 0.999


def test_a_straight_line_has_the_cosines_and_their_gap():
    places = np.linspace(0, 1, 200)
    found = diffusion_map(distances2(places), 1e-3, 1.0, 3)
    assert (np.diff(found.functions[:, 0]) < 0).all()
    assert correlation(found.functions[:, 1], found.functions[:, 0] ** 2) > 0.999
    rates = np.log(found.eigenvalues[1:])
    np.testing.assert_allclose(rates / rates[0], [1, 4, 9], rtol=0.02)


def test_duplicates_share_their_place():
    places = np.array([0.0, 1.0, 1.0, 2.0, 3.5, 3.5])
    found = diffusion_map(distances2(places), 2.0, 1.0, 3)
    np.testing.assert_allclose(found.functions[1], found.functions[2], atol=1e-12)
    np.testing.assert_allclose(found.functions[4], found.functions[5], atol=1e-12)


def test_three_points_have_the_map_that_is_worked_out_by_hand():
    # With equal distances, P is (I + k (J - I)) / (1 + 2 k): eigenvalues 1 and twice
    # (1 - k) / (1 + 2 k).
    square = 1.0 - np.eye(3)
    found = diffusion_map(square, 1.0, 1.0, 2)
    k = np.exp(-1)
    np.testing.assert_allclose(found.eigenvalues[1:], (1 - k) / (1 + 2 * k), atol=1e-15)


def test_groups_that_the_kernel_does_not_connect_have_an_eigenvalue_of_1_each():
    places = np.concatenate([np.linspace(0, 1, 5), np.linspace(1000, 1001, 5)])
    found = diffusion_map(distances2(places), 1.0, 1.0, 2)
    assert found.eigenvalues[1] == pytest.approx(1, abs=1e-12)
    assert found.eigenvalues[2] < 0.9
    first, second = found.functions[:5, 0], found.functions[5:, 0]
    np.testing.assert_allclose([np.ptp(first), np.ptp(second)], 0, atol=1e-9)
    assert (first > 0).all()
    assert (second < 0).all()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("time", [0.0, 0.5, 1.0, 3.0])
def test_the_extension_gives_the_maps_own_points_their_own_coordinates(alpha, time):
    square = distances2(np.random.default_rng(2).normal(size=(40, 2)))
    found = diffusion_map(square, 1.0, alpha, 6)
    coordinates, reach = found.extended(square, time)
    np.testing.assert_allclose(coordinates, found.coordinates(time), atol=1e-11)
    np.testing.assert_array_equal(reach, 1)


def test_the_extension_of_a_circle_goes_between_its_points():
    count = 50
    angles = 2 * np.pi * np.arange(count) / count
    square = distances2(np.concatenate([circle(angles), circle(angles + np.pi / count)]))
    found = diffusion_map(square[:count, :count], 0.3, 1.0, 2)
    coordinates, reach = found.extended(square[count:, :count], 0.0)
    np.testing.assert_allclose(np.hypot(*coordinates.T), np.sqrt(2), atol=1e-9)
    middle = (found.functions + np.roll(found.functions, -1, axis=0)) / 2
    np.testing.assert_allclose(
        coordinates / np.sqrt(2), middle / np.hypot(*middle.T)[:, None], atol=1e-9
    )
    np.testing.assert_allclose(reach, np.exp(-4 * np.sin(np.pi / 2 / count) ** 2 / 0.3), rtol=1e-12)


def test_points_that_the_kernel_does_not_reach_have_no_place():
    found = diffusion_map(distances2(np.arange(6.0)), 1.0, 1.0, 2)
    coordinates, reach = found.extended(np.array([[1e4] * 6, [1.0, 0, 1, 4, 9, 16]]), 1.0)
    assert np.isnan(coordinates[0]).all()
    assert reach.tolist() == [0, 1]
    assert np.isfinite(coordinates[1]).all()


@given(st.integers(0, 2**32 - 1), st.integers(4, 24), st.integers(1, 5))
def test_maps_do_not_change_with_rotations_and_translations(seed, count, dimension):
    numbers = np.random.default_rng(seed)
    points = numbers.normal(size=(count, dimension))
    turn, _ = np.linalg.qr(numbers.normal(size=(dimension, dimension)))
    moved = points @ turn + numbers.normal(size=dimension)
    first = diffusion_map(distances2(points), 1.0, 1.0, 3)
    second = diffusion_map(distances2(moved), 1.0, 1.0, 3)
    np.testing.assert_allclose(first.eigenvalues, second.eigenvalues, atol=1e-10)
    one, other = ((each.coordinates(1)[:, None] - each.coordinates(1)) for each in (first, second))
    gaps = first.eigenvalues[3] < first.eigenvalues[2] - 1e-6
    if gaps and first.eigenvalues[3] > 1e-6:
        np.testing.assert_allclose(np.abs(one[..., :2]), np.abs(other[..., :2]), atol=1e-4)
