"""The extreme eigenvalues and the in-plane Hessian of a point, against closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator, regression
from evaluation.derivatives.networks import Attentive, Convolutional, network
from evaluation.derivatives.test_derivatives import exact_hessian
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.measures import MEASURES, measures_from
from landscape_cli.evaluation.measures.extremes import ExtremesMeasure
from landscape_cli.evaluation.measures.gradient import GradientMeasure
from landscape_cli.evaluation.measures.plane import PlaneMeasure
from landscape_cli.evaluation.measures.point_measures import PointMeasures
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.geometry.slices.repeated import RepeatedSlice, recipes_of
from landscape_cli.geometry.slices.streamed import StreamedSlice
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error
from landscape_cli.records.tiles import Status, Tile

POINTS = ((0.0, 0.0), (0.5, -1.0), (-0.25, 0.75))
TILE = Tile(tuple(range(len(POINTS))), POINTS)
RECIPES = {"x": RandomDirection(seed=1), "y": RandomDirection(seed=2)}
ENDS = ("hessian_max", "hessian_min")


class Bowl(nn.Module):
    """A loss of 1/2 sum lambda_i w_i^2, whatever the batch."""

    def __init__(self, spectrum, dtype=torch.float64):
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(len(spectrum), 1, dtype=dtype))
        self.spectrum = torch.tensor(spectrum, dtype=dtype)


def bowl_loss(model, batch):
    loss = (model.spectrum * model.weight[:, 0] ** 2).sum() / 2
    return {"loss": loss.expand(len(batch[0]))}


def bowl(spectrum, dtype=torch.float64, **keys):
    data = TensorDataset(torch.zeros(5, 1))
    measures = [ExtremesMeasure(samples="all", **keys)]
    return evaluator(Bowl(spectrum, dtype), {"train": data}, bowl_loss, measures=measures)


def smooth(kind, measures, directions=None):
    model, inputs, labels = network(kind)
    splits = {"train": TensorDataset(inputs, labels)}
    return evaluator(model, splits, cross_entropy, directions, measures=measures), inputs, labels


def found(result, name):
    return result.values["train", name], result.stderr["train", name]


SPECTRA = {
    "definite": np.linspace(0.5, 2, 12),
    "indefinite": np.linspace(-3, 2, 12),
    "negative": np.linspace(-2, -0.5, 12),
    "rank 1": [0.0] * 11 + [4.0],
    "zero": [0.0] * 12,
    "of two": [1.0, -7.0],
    "wide": [*np.linspace(-1e-3, 1e-3, 100), 1.0, -0.1],
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SPECTRA)
def test_both_ends_of_a_prescribed_spectrum(name, dtype):
    spectrum = SPECTRA[name]
    result = bowl(list(spectrum), dtype).evaluate(TILE)
    for quantity, end in zip(ENDS, (max(spectrum), min(spectrum)), strict=True):
        values, errors = found(result, quantity)
        assert (np.abs(values - end) <= errors + 1e-12).all(), quantity
        assert (errors <= 1e-4 * (1 + max(map(abs, spectrum)))).all(), quantity


@pytest.mark.parametrize("kind", [Convolutional, Attentive])
def test_ends_are_those_of_the_whole_hessian_at_each_point(kind):
    made, inputs, labels = smooth(kind, [ExtremesMeasure(steps=200)])
    result = made.evaluate(TILE)
    for number, point in enumerate(POINTS):
        made.write(point)
        exact = torch.linalg.eigvalsh(exact_hessian(made.model, inputs, labels))
        for quantity, end in zip(ENDS, (exact[-1], exact[0]), strict=True):
            values, errors = found(result, quantity)
            assert values[number] == pytest.approx(end.item(), abs=1e-10)
            assert errors[number] < 1e-8


def test_the_stated_error_of_few_steps_covers_most_of_the_truth():
    spectrum = [*np.linspace(-0.5, 0.5, 300), 3.0]
    values, errors = found(bowl(spectrum, steps=20).evaluate(TILE), "hessian_min")
    assert (errors > 1e-4).all()
    assert (np.abs(values + 0.5) < 10 * errors).all()


def test_weights_are_the_parameters_of_more_than_one_dimension():
    made, inputs, labels = smooth(Attentive, [ExtremesMeasure(steps=200, parameters="weights")])
    value = found(made.evaluate(TILE), "hessian_max")[0][0]
    made.write(POINTS[0])
    whole, start, chosen = exact_hessian(made.model, inputs, labels), 0, []
    for one in made.model.parameters():
        chosen += range(start, start + one.numel()) if one.dim() > 1 else ()
        start += one.numel()
    part = whole[chosen][:, chosen]
    assert value == pytest.approx(torch.linalg.eigvalsh(part)[-1].item(), rel=1e-9)


def test_without_room_for_a_basis_the_ends_stay_right():
    spectrum = [*np.linspace(-1, 1, 60), 5.0, -3.0]
    made = bowl(spectrum, steps=60)
    kept = made.evaluate(TILE)
    made.measures.workspace.keep_basis = False
    dropped = made.evaluate(TILE)
    for quantity in ENDS:
        np.testing.assert_allclose(found(kept, quantity)[0], found(dropped, quantity)[0], rtol=1e-9)


def test_the_hessian_in_the_plane_of_a_quadratic():
    model, inputs, targets = regression()
    splits = {"train": TensorDataset(inputs, targets)}
    made = evaluator(model, splits, mean_squared_error, measures=[PlaneMeasure(samples="all")])
    result = made.evaluate(TILE)
    design = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=inputs.dtype)], 1)
    hessian = 2 / len(inputs) * design.T @ design
    vectors = {
        axis: torch.cat([one.views["weight"].flatten(), one.views["bias"]])
        for axis, one in made.slice.directions.items()
    }
    for i, j in ("xx", "xy", "yy"):
        exact = (vectors[i] @ hessian @ vectors[j]).item()
        values, errors = found(result, f"hessian_{i}{j}")
        np.testing.assert_allclose(values, exact, rtol=1e-12)
        assert (errors < 1e-12 * abs(hessian.norm().item()) * 100).all()


def slices(centre):
    recipes = recipes_of(RECIPES, 2)
    return RepeatedSlice([build_slice(centre, recipe) for recipe in recipes])


@pytest.mark.parametrize("make", [None, lambda centre: StreamedSlice(centre, RECIPES), slices])
def test_the_hessian_in_the_plane_is_that_of_the_surface_of_a_smooth_network(make):
    made, *_ = smooth(Attentive, [PlaneMeasure()], make)
    repeat = (1.0,) if make is slices else ()
    step, (x, y) = 1e-3, (0.3, -0.2)
    places = [
        (x + i * step, y + j * step, *repeat)
        for i, j in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))
    ]
    result = made.evaluate(Tile(tuple(range(9)), tuple(places)))
    c, e, w, n, s, ne, sw, se, nw = result.values["train", "loss"]
    exact = {
        "xx": (e + w - 2 * c) / step**2,
        "yy": (n + s - 2 * c) / step**2,
        "xy": (ne + sw - se - nw) / (4 * step**2),
    }
    for pair, difference in exact.items():
        assert found(result, f"hessian_{pair}")[0][0] == pytest.approx(
            difference, rel=1e-4, abs=1e-6
        )


def test_a_point_without_a_finite_loss_has_none_and_stops_nothing():
    def loss(model, batch):
        values = bowl_loss(model, batch)["loss"]
        return {"loss": values * (math.nan if model.weight[0, 0] > 50 else 1.0)}

    measures = [ExtremesMeasure(samples="all"), PlaneMeasure(samples="all")]
    made = evaluator(
        Bowl([1.0, 2.0]), {"train": TensorDataset(torch.zeros(3, 1))}, loss, measures=measures
    )
    direction = made.slice.directions["x"].views["weight"][0, 0].item()
    far = (100 / direction, 0.0)
    result = made.evaluate(Tile((0, 1), ((0.0, 0.0), far)))
    assert result.status.tolist() == [Status.OK, Status.NOT_FINITE]
    for name in (*ENDS, "hessian_xx"):
        values, errors = found(result, name)
        assert np.isfinite([values[0], errors[0]]).all()
        assert np.isnan([values[1], errors[1]]).all()


def test_measures_can_have_their_own_samples():
    from landscape_cli.evaluation.data.split import SplitData

    model, inputs, labels = network(Attentive)
    few = SplitData("train", TensorDataset(inputs[:4], labels[:4]), 4, torch.device("cpu"))
    measure = ExtremesMeasure(samples=4, steps=200)
    splits = {"train": TensorDataset(inputs, labels)}
    measures = PointMeasures([measure], {("train", 4): few})
    made = evaluator(model, splits, cross_entropy, measures=measures)
    value = found(made.evaluate(TILE), "hessian_max")[0][0]
    made.write(POINTS[0])
    exact = torch.linalg.eigvalsh(exact_hessian(model, inputs[:4], labels[:4]))[-1]
    assert value == pytest.approx(exact.item(), rel=1e-9)


def test_a_forward_pass_that_changes_buffers_starts_each_product_afresh():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(3, 3, dtype=torch.float64)
            self.register_buffer("calls", torch.ones((), dtype=torch.float64))

        def forward(self, x):
            self.calls += 1
            return self.out(x) * self.calls

    torch.manual_seed(0)
    inputs, labels = torch.randn(6, 3, dtype=torch.float64), torch.randint(3, (6,))
    splits = {"train": [(inputs, labels)]}
    model = Counting()
    expected = 4 * torch.linalg.eigvalsh(exact_hessian_of_linear(model.out, inputs))[-1].item()
    made = evaluator(model, splits, cross_entropy, measures=[ExtremesMeasure(samples="all")])
    value, _ = found(made.evaluate(TILE), "hessian_max")
    assert value[0] == pytest.approx(expected, rel=1e-9)


def exact_hessian_of_linear(layer, inputs):
    """Return the Hessian of softmax regression on logits that are twice the layer's, over 4."""
    with torch.no_grad():
        p = torch.softmax(2 * layer(inputs), 1)
    bends = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    design = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=inputs.dtype)], 1)
    outer = design[:, :, None] * design[:, None]
    return sum(torch.kron(b, x) for b, x in zip(bends, outer, strict=True)) / len(inputs)


@pytest.mark.parametrize("kind", ["extremes", "plane"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((["bn.running_mean"], False), "batch_norm: perturb the loss also depends on statistics"),
        (([], True), "batch_norm: recalibrate the loss also depends on statistics"),
        (([], False, "bf16"), "off by percents in bf16"),
        (([], False, "tf32"), "off by percents in tf32"),
    ],
)
def test_runs_whose_hessian_would_be_another_are_refused(kind, arguments, words):
    (measure,) = measures_from({kind: {}})
    with pytest.raises(UsageError, match=words):
        measure.check(*arguments)


def test_narrow_weights_are_refused():
    model = nn.Linear(3, 3).to(torch.bfloat16)
    data = TensorDataset(torch.randn(4, 3).bfloat16(), torch.zeros(4, dtype=torch.long))
    made = evaluator(model, {"train": data}, cross_entropy, measures=[ExtremesMeasure()])
    with pytest.raises(ProblemError, match="is bfloat16; derivatives need float32"):
        made.evaluate(TILE)


def test_a_section_of_settings_goes_to_all_that_have_them():
    shared = {"measures": ["extremes", "gradient"], "samples": 100, "steps": 7, "seed": 3}
    extremes, gradient = measures_from({}, shared)
    assert (extremes.samples, extremes.steps, extremes.seed) == (100, 7, 3)
    assert gradient == GradientMeasure(samples=100)
    assert [one.settings() for one in measures_from({"gradient": {}, "extremes": {}})] == [
        {},
        {"steps": 40, "seed": 1, "parameters": "all"},
    ]
    assert ExtremesMeasure(samples="all").settings()["samples"] == "all"


@pytest.mark.parametrize(
    ("sections", "curvature", "words"),
    [
        ({}, {"measures": ["hesse"]}, f"got 'hesse', expected {', '.join(MEASURES)}"),
        ({"plane": {}}, {"measures": ["plane"]}, "plane is listed under measures too"),
        ({}, {"measures": ["extremes"], "steps": 1}, r"curvature\.extremes\.steps: .* 1"),
        ({"extremes": {"samples": "few"}}, {}, r"measures\.extremes\.samples"),
    ],
)
def test_wrong_sections_are_refused(sections, curvature, words):
    with pytest.raises(UsageError, match=words):
        measures_from(sections, curvature)
