"""Measures of sharpness on functions for which they are known in closed form."""

import math

import numpy as np
import pytest
import torch

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.sharpness import MEASURES, measure_class
from landscape_cli.evaluation.sharpness.ascent_in_ball import RANDOM_START, Ball, largest_rise
from landscape_cli.evaluation.sharpness.base import ZERO_GRADIENT, Centre, Settings
from landscape_cli.util.class_paths import loaded

SETTINGS = Settings(steps=60, draws=4000, seed=3)
RHO = 0.3


class Quadratic:
    """``height + slope.z + z'Hz / 2`` at offsets z from the weights; counts its evaluations."""

    def __init__(self, hessian, weights, slope=None, height=0.5):
        self.hessian = torch.as_tensor(hessian, dtype=torch.float64)
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        zero = torch.zeros_like(self.weights)
        self.slope = zero if slope is None else torch.as_tensor(slope, dtype=torch.float64)
        self.height, self.evaluations, self.offsets = height, 0, []

    def loss(self, offset):
        self.evaluations += 1
        self.offsets.append(offset.clone())
        return float(self.height + self.slope @ offset + offset @ self.hessian @ offset / 2)

    def gradient(self, offset):
        self.evaluations += 1
        return self.slope + self.hessian @ offset

    @property
    def centre(self):
        return Centre(self.weights, self.height, self.slope)

    def measure(self, name, radius=RHO, settings=SETTINGS):
        return measure_class(name)().measure(self, self.centre, radius, settings)


def symmetric(size, seed=0, least=None):
    """Return a random symmetric matrix, with this smallest eigenvalue if one is given."""
    random = np.random.default_rng(seed).normal(size=(size, size))
    matrix = random @ random.T if least is not None else random + random.T
    return matrix + (0 if least is None else least) * np.eye(size)


def weights(size, seed=5):
    return np.random.default_rng(seed).normal(size=size) + 0.1


@pytest.mark.parametrize("least", [0.1, None], ids=["convex", "indefinite"])
def test_one_step_on_a_quadratic(least):
    hessian, slope = symmetric(6, least=least), weights(6, 7)
    length = np.linalg.norm(slope)
    exact = RHO * length + RHO**2 * slope @ hessian @ slope / (2 * length**2)
    found = Quadratic(hessian, weights(6), slope).measure("sam")
    assert found.value == pytest.approx(exact, rel=1e-12)
    assert found.length == pytest.approx(RHO)
    scale = np.abs(weights(6))
    step = RHO * scale**2 * slope / np.linalg.norm(scale * slope)
    adaptive = Quadratic(hessian, weights(6), slope).measure("adaptive_sam")
    assert adaptive.value == pytest.approx(slope @ step + step @ hessian @ step / 2, rel=1e-12)


def test_a_step_along_a_zero_gradient_is_none():
    for name in ("sam", "adaptive_sam"):
        point = Quadratic(symmetric(4, least=1), weights(4))
        found = point.measure(name)
        assert (found.value, found.note) == (0.0, ZERO_GRADIENT)
        assert point.evaluations == 0


@pytest.mark.parametrize("slope", [0.0, 1e-9, 0.05])
def test_an_ascent_finds_the_largest_eigenvalue_at_a_minimum(slope):
    hessian = symmetric(6, least=0.1)
    top = np.linalg.eigh(hessian)[1][:, -1]
    value = np.linalg.eigvalsh(hessian)[-1]
    point = Quadratic(hessian, weights(6), slope * top)
    found = point.measure("ascent")
    assert found.value == pytest.approx(RHO**2 * value / 2 + slope * RHO, rel=1e-9)
    assert found.length == pytest.approx(RHO)
    assert (found.note == RANDOM_START) == (slope == 0)
    scale = np.abs(weights(6))
    scaled = scale[:, None] * hessian * scale
    if slope == 0:
        exact = RHO**2 * np.linalg.eigvalsh(scaled)[-1] / 2
        assert point.measure("worst_2").value == pytest.approx(exact, rel=1e-9)


def test_the_largest_rise_in_a_box_is_at_the_signs_of_a_separable_loss():
    curvatures, slope = np.arange(1.0, 7), weights(6, 9)
    reach = RHO * np.abs(weights(6))
    exact = (np.abs(slope) * reach + curvatures * reach**2 / 2).sum()
    found = Quadratic(np.diag(curvatures), weights(6), slope).measure("worst_inf")
    assert found.value == pytest.approx(exact, rel=1e-12)


def test_an_ascent_stays_in_the_ball_never_falls_and_finds_an_inner_maximum():
    """With a maximum inside, whole steps would overshoot it."""
    point = Quadratic(-np.diag([1.0, 2.0, 4.0]), [1.0, 1.0, 1.0], [0.05, 0.05, -0.05])
    found = point.measure("ascent", radius=1.0, settings=Settings(steps=400))
    highest = 0.05**2 / 2 * (1 + 1 / 2 + 1 / 4)
    assert 0.98 * highest < found.value <= highest
    assert found.length < 0.1
    assert max(float(offset.norm()) for offset in point.offsets) <= 1 + 1e-12


@pytest.mark.parametrize("name", ["ascent", "worst_2", "worst_inf"])
@pytest.mark.parametrize("seed", range(5))
def test_more_steps_never_find_less(name, seed):
    hessian, slope = symmetric(8, seed), weights(8, seed + 20)
    values = [
        Quadratic(hessian, weights(8), slope).measure(name, settings=Settings(steps=steps)).value
        for steps in (1, 2, 5, 30)
    ]
    assert values == sorted(values)
    first = {"ascent": "sam", "worst_2": "adaptive_sam"}.get(name)
    if first:
        one = Quadratic(hessian, weights(8), slope).measure(first).value
        assert values[0] == max(one, 0.0)


def test_where_no_step_rises_the_value_is_zero():
    found = Quadratic(-np.eye(3), np.ones(3)).measure("ascent")
    assert found.value == 0.0


def test_weights_of_zero_do_not_move():
    point = Quadratic(np.diag([1.0, 5.0]), [2.0, 0.0], [1.0, 1.0])
    for name in ("adaptive_sam", "worst_2", "worst_inf", "average"):
        point.measure(name)
    assert {float(offset[1]) for offset in point.offsets} == {0.0}
    still = Quadratic(np.eye(2), [0.0, 0.0], [1.0, 1.0]).measure("worst_2")
    assert still.value == 0.0


def test_the_average_is_within_its_standard_errors_and_pairs_cancel_the_gradient():
    hessian, place = symmetric(5), weights(5)
    exact = RHO**2 * (np.diag(hessian) * place**2).sum() / 2
    errors = []
    for seed in range(40):
        point = Quadratic(hessian, place, 1000 * weights(5, 2))
        found = point.measure("average", settings=Settings(draws=200, seed=seed))
        errors.append((found.value - exact) / found.stderr)
    assert np.mean(np.abs(errors) < 2) >= 0.85
    assert abs(np.mean(errors)) < 0.6
    linear = Quadratic(np.zeros((5, 5)), place, weights(5, 2)).measure("average")
    assert linear.value == pytest.approx(0, abs=1e-12)


def test_draws_depend_on_the_seed_and_nothing_else():
    point = Quadratic(symmetric(5), weights(5), weights(5, 2))
    values = [
        point.measure("average", settings=Settings(draws=10, seed=seed)).value for seed in (1, 1, 2)
    ]
    assert values[0] == values[1] != values[2]
    assert point.measure("average", settings=Settings(draws=1)).stderr is None


@pytest.mark.parametrize("epsilon", [1e-3, 5e-4])
@pytest.mark.parametrize("slope", [0.0, 1e-6, 0.01])
def test_keskar_s_metric_of_a_separable_loss(epsilon, slope):
    curvatures, place = np.arange(1.0, 21), weights(20)
    sides = epsilon * (np.abs(place) + 1)
    exact = (slope * sides + curvatures * sides**2 / 2).sum()
    point = Quadratic(np.diag(curvatures), place, np.full(20, slope), height=2.0)
    found = point.measure("keskar", epsilon)
    assert found.value == pytest.approx(100 * exact / 3, rel=1e-9)
    assert max(
        float((offset.abs() / torch.as_tensor(sides)).max()) for offset in point.offsets
    ) <= (1 + 1e-9)
    assert (found.note == RANDOM_START) == (slope == 0)


def test_keskar_s_metric_needs_a_loss_above_minus_one():
    with pytest.raises(ProblemError, match=r"divides by 1 \+ L, and L is -1; leave keskar out"):
        Quadratic(np.eye(2), [1.0, 1.0], height=-1.0).measure("keskar", 1e-3)


class Cliff(Quadratic):
    """A quadratic that is not a number beyond a distance."""

    def loss(self, offset):
        return math.nan if float(offset.norm()) > 1e-4 else super().loss(offset)


@pytest.mark.parametrize("name", MEASURES)
def test_a_loss_that_is_not_finite_is_the_value(name):
    found = Cliff(np.eye(4), np.ones(4), np.ones(4)).measure(name, 0.01)
    assert math.isnan(found.value)


@pytest.mark.parametrize("name", MEASURES)
def test_progress_counts_every_evaluation(name):
    settings = Settings(steps=7, draws=9)
    point = Quadratic(symmetric(6, least=0.1), weights(6), weights(6, 1))
    point.measure(name, settings=settings)
    most = measure_class(name)().passes(settings)
    assert 0 < point.evaluations <= most
    # A corner of a box is reached early, and the search in it ends early.
    assert name in ("worst_inf", "keskar") or point.evaluations == most


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_states_definition_and_source(name):
    kind = loaded(MEASURES[name])
    authors, paper = kind.source.split(" et al. ")
    assert f"{authors} et al. {paper[:4]}" in kind.__doc__
    assert "L(w" in kind.definition
    assert kind.title
    assert all(radius > 0 for radius in kind.radii)


def test_an_unknown_measure_is_refused():
    with pytest.raises(UsageError, match="--measure: got 'flat', expected one of sam, ascent"):
        measure_class("flat")


def test_a_ball_without_a_gradient_has_no_farthest_point():
    ball = Ball(torch.tensor([1.0, 0.0], dtype=torch.float64), 1.0)
    assert ball.farthest(torch.tensor([0.0, 3.0], dtype=torch.float64)) is None
    assert float(ball.random(1).norm()) == pytest.approx(1.0)
    point = Quadratic(np.eye(2), [1.0, 0.0], [0.0, 3.0])
    assert largest_rise(point, point.centre, ball, SETTINGS).value == pytest.approx(0.5)
