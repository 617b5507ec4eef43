import math

import numpy as np
import pytest

from landscape_cli.evaluation.spectrum.critical_sharpness import critical_sharpness

EPS = 1e-16


def quadratic(values, slopes):
    """Return the loss after a step along the gradient, |g|^2, and what 2 / eta should be."""
    values, slopes = np.array(values), np.array(slopes)
    gradient = values * slopes

    def after(step):
        place = slopes - step * gradient
        return 1 + 0.5 * float(values @ place**2)

    square = float(gradient @ gradient)
    return after, square, float(gradient @ (values * gradient)) / square


@pytest.mark.parametrize("values", [[1.0], [5.0, 0.1], [3.0, 2.0, 1.0, 1e-3]])
@pytest.mark.parametrize("factor", [1e-3, 0.3, 1, 10, 1e6])
def test_on_a_quadratic_it_is_the_curvature_along_the_gradient(values, factor):
    after, square, expected = quadratic(values, np.linspace(1, 2, len(values)))
    calls = []

    def counted(step):
        calls.append(step)
        return after(step)

    found = critical_sharpness(counted, after(0.0), square, factor * 2 / max(values), EPS)
    assert found == pytest.approx(expected, rel=2e-3)
    assert len(calls) <= (20 if factor < 0.1 or factor > 10 else 10)


def test_it_lies_between_the_eigenvalues_of_a_convex_quadratic():
    after, square, _ = quadratic([4.0, 1.0], [0.1, 1.0])
    assert 1 < critical_sharpness(after, after(0.0), square, 0.5, EPS) < 4


def test_a_wall_is_the_step_at_which_the_loss_is_back():
    def after(step):
        return 1 - step if step < 0.7 else 50.0

    assert critical_sharpness(after, 1.0, 1.0, 0.1, EPS) == pytest.approx(2 / 0.7, rel=0.05)


@pytest.mark.parametrize("power", [4, 12])
def test_a_guess_that_is_far_too_large_does_not_matter(power):
    """Far out, the loss exceeds its value at 0 by so much that no step in between is tried."""

    def after(step):
        return 1 - step + step**power

    assert critical_sharpness(after, 1.0, 1.0, 1e6, EPS) == pytest.approx(2, rel=2e-3)
    assert math.isnan(critical_sharpness(lambda step: 1 + step**2, 1.0, 1.0, 1e6, EPS))


def test_an_overflow_counts_as_a_rise():
    def after(step):
        return 1 - step + step**2 if step < 1.5 else math.nan

    assert critical_sharpness(after, 1.0, 1.0, 10.0, EPS) == pytest.approx(2, rel=2e-3)


@pytest.mark.parametrize(
    ("square", "guess"), [(0.0, 1.0), (1e-18, 1.0), (math.nan, 1.0), (1.0, math.inf)]
)
def test_what_is_lost_in_rounding_is_unknown(square, guess):
    assert math.isnan(critical_sharpness(lambda step: 1.0, 1.0, square, guess, 1e-7))


def test_a_loss_that_never_rises_again_has_none():
    assert math.isnan(critical_sharpness(lambda step: -step, 0.0, 1.0, 1.0, EPS))
