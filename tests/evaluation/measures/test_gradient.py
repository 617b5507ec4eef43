"""The gradient measure against closed forms, finite differences, and itself on other settings."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator, regression
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.measures import MEASURES, measures_from
from landscape_cli.evaluation.measures.gradient import GradientMeasure
from landscape_cli.evaluation.measures.point_measures import PointMeasures
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import AffineSlice, build_slice
from landscape_cli.geometry.slices.repeated import RepeatedSlice, recipes_of
from landscape_cli.geometry.slices.streamed import StreamedSlice
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error
from landscape_cli.records.tiles import Tile

CPU = torch.device("cpu")
DIRECTIONS = {"x": RandomDirection(seed=1), "y": RandomDirection(seed=2)}
POINTS = ((0.0, 0.0), (0.5, -1.0), (-0.25, 0.75))


def evaluator_of(model, inputs, targets, objective, make=None, settings=None, **keys):
    settings, measures = settings or Settings(16), [GradientMeasure(**keys)]
    splits = {"train": TensorDataset(inputs, targets)}
    found = evaluator(model, splits, objective, make, settings, measures=measures)
    found.apply(settings)
    return found


def convolutional(dtype=torch.float32):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 5),
    )
    inputs, labels = torch.randn(60, 1, 4, 4), torch.randint(5, (60,))
    model(inputs)
    return model.eval().to(dtype), inputs.to(dtype), labels


def tile_of(points):
    return Tile(tuple(range(len(points))), tuple(points))


def test_the_gradient_of_a_quadratic_is_its_closed_form():
    model, inputs, targets = regression()
    centre = {name: one.detach().clone() for name, one in model.named_parameters()}
    evaluator = evaluator_of(model, inputs, targets, mean_squared_error)
    directions = {axis: one.views for axis, one in evaluator.slice.directions.items()}

    result = evaluator.evaluate(tile_of(POINTS))

    for number, (x, y) in enumerate(POINTS):
        weight, bias = (
            centre[n] + x * directions["x"][n] + y * directions["y"][n] for n in ("weight", "bias")
        )
        residuals = inputs @ weight.T + bias - targets
        along_weight = 2 * residuals.T @ inputs / len(inputs)
        along_bias = 2 * residuals.mean(0)
        norm = math.sqrt(along_weight.square().sum() + along_bias.square().sum())
        assert result.values["train", "gradient_norm"][number] == pytest.approx(norm, rel=1e-13)
        for axis, one in directions.items():
            slope = (along_weight * one["weight"]).sum() + (along_bias * one["bias"]).sum()
            found = result.values["train", f"gradient_{axis}"][number]
            assert found == pytest.approx(slope.item(), rel=1e-12, abs=1e-14)


def test_slopes_are_those_of_the_surface():
    model, inputs, labels = convolutional(torch.float64)
    evaluator = evaluator_of(model, inputs, labels, cross_entropy)
    step = 1e-6
    beside = [(0.3 + step, -0.2), (0.3 - step, -0.2), (0.3, -0.2 + step), (0.3, -0.2 - step)]

    losses = evaluator.evaluate(tile_of(beside)).values["train", "loss"]
    found = evaluator.evaluate(tile_of([(0.3, -0.2)])).values

    for axis, (ahead, behind) in {"x": losses[:2], "y": losses[2:]}.items():
        slope = (ahead - behind) / (2 * step)
        assert found["train", f"gradient_{axis}"][0] == pytest.approx(slope, rel=1e-6)


def test_the_stated_error_covers_rounding_and_is_not_far_above_it():
    model, inputs, labels = convolutional()
    double = copy.deepcopy(model).double()
    single = evaluator_of(model, inputs, labels, cross_entropy)
    directions = single.slice.directions

    def doubled(centre):
        return AffineSlice(centre, {axis: _doubled(d, centre) for axis, d in directions.items()})

    result = single.evaluate(tile_of(POINTS))
    exact = evaluator_of(double, inputs.double(), labels, cross_entropy, doubled)
    exact = exact.evaluate(tile_of(POINTS))
    for name in ("gradient_norm", "gradient_x", "gradient_y"):
        true = np.abs(result.values["train", name] - exact.values["train", name])
        stated = result.stderr["train", name]
        assert (true <= stated).all(), name
        assert (stated < 1e-4 * exact.values["train", "gradient_norm"]).all(), name


def _doubled(direction, centre):
    wide = FlatParameters(centre.views, CPU)
    wide.assign(direction.views)
    return wide


@pytest.mark.bits
def test_folding_compiling_and_precision_do_not_reach_the_gradient():
    model, inputs, labels = convolutional()
    plain = evaluator_of(copy.deepcopy(model), inputs, labels, cross_entropy)
    fast = evaluator_of(
        model, inputs, labels, cross_entropy, settings=Settings(16, fold=True, precision="bf16")
    )
    assert len(fast.folding()) == 1
    expected, found = (one.evaluate(tile_of(POINTS)) for one in (plain, fast))
    assert not np.array_equal(found.values["train", "loss"], expected.values["train", "loss"])
    for name in ("gradient_norm", "gradient_x", "gradient_y"):
        for part in ("values", "stderr"):
            one, other = (getattr(r, part)["train", name] for r in (found, expected))
            np.testing.assert_array_equal(one, other)


@pytest.mark.bits
def test_means_keep_their_bits_beside_a_measure():
    model, inputs, labels = convolutional()
    measured = evaluator_of(copy.deepcopy(model), inputs, labels, cross_entropy)
    alone = evaluator_of(model, inputs, labels, cross_entropy)
    alone.measures = PointMeasures()
    together, separate = measured.evaluate(tile_of(POINTS)), alone.evaluate(tile_of(POINTS))
    for key, values in separate.values.items():
        np.testing.assert_array_equal(together.values[key], values)


@pytest.mark.bits
@pytest.mark.parametrize("points", [POINTS, POINTS[::-1], POINTS[1:2]])
def test_a_point_has_the_same_bits_in_any_tile(points):
    model, inputs, labels = convolutional()
    evaluator = evaluator_of(model, inputs, labels, cross_entropy)
    whole = evaluator.evaluate(tile_of(POINTS)).values["train", "gradient_norm"]
    found = evaluator.evaluate(tile_of(points)).values["train", "gradient_norm"]
    assert found.tolist() == [whole[POINTS.index(point)] for point in points]


@pytest.mark.bits
def test_streamed_and_repeated_slices_have_the_same_slopes():
    model, inputs, labels = convolutional()
    kept = evaluator_of(copy.deepcopy(model), inputs, labels, cross_entropy)
    streamed = evaluator_of(
        copy.deepcopy(model),
        inputs,
        labels,
        cross_entropy,
        lambda centre: StreamedSlice(centre, DIRECTIONS),
    )
    repeated = evaluator_of(
        model,
        inputs,
        labels,
        cross_entropy,
        lambda centre: RepeatedSlice([build_slice(centre, r) for r in recipes_of(DIRECTIONS, 2)]),
    )
    expected = kept.evaluate(tile_of(POINTS))
    others = [
        streamed.evaluate(tile_of(POINTS)),
        repeated.evaluate(tile_of([(*point, 0.0) for point in POINTS])),
    ]
    for found in others:
        assert list(found.values) == list(expected.values)
        for key, values in expected.values.items():
            np.testing.assert_array_equal(found.values[key], values)
    second = repeated.evaluate(tile_of([(*point, 1.0) for point in POINTS]))
    assert not np.array_equal(
        second.values["train", "gradient_x"], expected.values["train", "gradient_x"]
    )


def test_frozen_and_unused_parameters_are_differentiated_and_left_as_they_were():
    model, inputs, targets = regression()
    model.weight.requires_grad_(False)
    model.register_parameter("unused", nn.Parameter(torch.ones(2, dtype=torch.float64)))
    evaluator = evaluator_of(model, inputs, targets, mean_squared_error)
    found = evaluator.evaluate(tile_of(POINTS[:1])).values["train", "gradient_norm"][0]
    residuals = inputs @ model.weight.T + model.bias - targets
    whole = [2 * residuals.T @ inputs / len(inputs), 2 * residuals.mean(0)]
    expected = math.sqrt(sum(float(part.detach().square().sum()) for part in whole))
    assert found == pytest.approx(expected, rel=1e-12)
    assert not model.weight.requires_grad
    assert model.bias.requires_grad
    assert model.bias.grad is None


def test_the_quantity_to_differentiate_can_be_chosen():
    def objective(model, batch):
        loss = mean_squared_error(model, batch)["loss"]
        return {"loss": loss, "twice": 2 * loss}

    model, inputs, targets = regression()
    first = evaluator_of(copy.deepcopy(model), inputs, targets, objective)
    second = evaluator_of(model, inputs, targets, objective, quantity="twice")
    key = "train", "gradient_norm"
    one, other = (e.evaluate(tile_of(POINTS)).values[key] for e in (first, second))
    np.testing.assert_allclose(other, 2 * one, rtol=1e-12)


@pytest.mark.parametrize(
    ("objective", "quantity", "message"),
    [
        (cross_entropy, "accuracy", "'accuracy' can't be differentiated"),
        (cross_entropy, "los", "no 'los' to differentiate, but loss, accuracy"),
    ],
)
def test_values_without_a_gradient_are_refused(objective, quantity, message):
    model, inputs, labels = convolutional()
    evaluator = evaluator_of(model, inputs, labels, objective, quantity=quantity)
    with pytest.raises(ProblemError, match=message):
        evaluator.evaluate(tile_of(POINTS))


@pytest.mark.parametrize("buffers", [[], ["1.running_mean"]])
def test_moving_statistics_are_refused(buffers):
    with pytest.raises(UsageError, match="batch_norm: (recalibrate|perturb)"):
        GradientMeasure().check(buffers, not buffers)
    GradientMeasure().check([], False)


def test_sections_of_a_configuration_become_measures():
    (measure,) = measures_from({"gradient": {"split": "test"}})
    assert measure == GradientMeasure(split="test")
    assert "gradient" in MEASURES
    with pytest.raises(UsageError, match=r"measures\.gradient\.steps: Extra inputs"):
        measures_from({"gradient": {"steps": 3}})
    with pytest.raises(UsageError, match=r"measures\.hessian\.kind: got 'hessian', expected"):
        measures_from({"hessian": {}})


@pytest.mark.parametrize("moving", [False, True])
def test_the_gradient_of_a_weighted_mean_is_that_of_the_ratio(moving):
    """With weights that are given, and with weights that depend on the parameters."""
    model, inputs, targets = regression()
    given = torch.rand(len(inputs), dtype=torch.float64)

    def pair(model, inputs, targets, weights):
        outputs = model(inputs)
        weights = weights * outputs[:, 0].exp() if moving else weights
        return (outputs - targets)[:, 0].square() * weights, weights

    def objective(model, batch):
        return {"loss": pair(model, batch[0], batch[1][:, :1], batch[1][:, 1])}

    data = inputs, torch.cat([targets, given[:, None]], dim=1)
    found = evaluator_of(model, *data, objective).evaluate(tile_of(POINTS[::-1]))
    sums, weights = pair(model, inputs, targets, given)
    (sums.sum() / weights.sum()).backward()
    norm = math.sqrt(sum(one.grad.square().sum().item() for one in model.parameters()))
    assert found.values["train", "gradient_norm"][-1] == pytest.approx(norm, rel=1e-10)
