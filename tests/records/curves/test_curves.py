"""Shapes of curves: exact coefficients, derivatives, lengths and nearest places."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from landscape_cli.records.curves import CURVES, curve_of

SHAPES = sorted(CURVES)


def gram_of(points):
    return np.asarray(points) @ np.asarray(points).T


@pytest.mark.parametrize("shape", SHAPES)
@given(st.integers(2, 8), st.floats(0, 1))
def test_coefficients_add_up_to_one_and_are_not_negative(shape, points, t):
    found = curve_of(shape, points).coefficients(t)
    assert found.shape == (points,)
    assert found.sum() == pytest.approx(1, abs=1e-14)
    assert (found >= 0).all()
    assert curve_of(shape, points).derivatives(t).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("points", [2, 3, 5])
def test_ends_are_exact(shape, points):
    curve = curve_of(shape, points)
    assert curve.coefficients(0.0).tolist() == [1] + [0] * (points - 1)
    assert curve.coefficients(1.0).tolist() == [0] * (points - 1) + [1]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("points", [2, 3, 5])
def test_derivatives_are_those_of_the_coefficients(shape, points):
    curve, step = curve_of(shape, points), 1e-6
    for t in (0.1, 0.37, 0.61, 0.9):
        change = (curve.coefficients(t + step) - curve.coefficients(t - step)) / (2 * step)
        np.testing.assert_allclose(curve.derivatives(t), change, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_two_points_are_joined_by_a_straight_line(shape):
    curve = curve_of(shape, 2)
    assert curve.coefficients(0.25).tolist() == [0.75, 0.25]
    gram = gram_of([[0.0, 0.0], [3.0, 4.0]])
    assert curve.length(gram) == pytest.approx(5, rel=1e-14)
    assert curve.length(gram, 0.3) == pytest.approx(1.5, rel=1e-14)


def test_the_length_of_a_parabola():
    """(0, 0), (1, 2), (2, 0) is y = 2x - x^2 for x from 0 to 2."""
    gram = gram_of([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]])
    exact = math.sqrt(5) + math.asinh(2) / 2
    assert curve_of("bezier", 3).length(gram) == pytest.approx(exact, rel=1e-10)
    assert curve_of("bezier", 3).length(gram, 0.5) == pytest.approx(exact / 2, rel=1e-10)


def test_the_length_of_a_chain_is_that_of_its_pieces():
    gram = gram_of([[0.0, 0.0], [3.0, 4.0], [3.0, 5.0], [5.0, 5.0]])
    chain = curve_of("chain", 4)
    assert chain.length(gram) == pytest.approx(8, rel=1e-13)
    assert chain.length(gram, 1 / 3) == pytest.approx(5, rel=1e-13)
    assert chain.length(gram, 0.5) == pytest.approx(5.5, rel=1e-13)


@pytest.mark.parametrize("points", [3, 4, 6])
def test_lengths_of_random_bezier_curves(points):
    random = np.random.default_rng(points).normal(size=(points, 7))
    curve, gram = curve_of("bezier", points), gram_of(random)
    expected, _ = quad(curve.speed, 0, 1, args=(gram,), epsabs=1e-12)
    assert curve.length(gram) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@given(st.integers(2, 5), st.floats(0, 1), st.integers(0, 9))
def test_a_network_on_the_curve_is_found(shape, points, t, seed):
    random = np.random.default_rng(seed).normal(size=(points, 20))
    curve = curve_of(shape, points)
    place = curve.coefficients(t) @ random
    found = curve.nearest(gram_of(random), random @ place)
    assert np.linalg.norm(curve.coefficients(found) @ random - place) < 1e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_the_nearest_place_to_a_network_beside_the_curve(shape):
    points = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]])
    curve, network = curve_of(shape, 3), np.array([1.7, 1.5])
    found = curve.nearest(gram_of(points), points @ network)
    places = np.linspace(0, 1, 100001)
    apart = np.array([curve.coefficients(t) @ points for t in places]) - network
    assert found == pytest.approx(places[np.linalg.norm(apart, axis=1).argmin()], abs=2e-5)


def test_fewer_than_two_points_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        curve_of("bezier", 1)
