"""Steps of a curve's training: exact gradients, best bends that are known, what stays in place."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from torch import nn

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.training.curve import CurveTraining, rate_at, straight
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.records.curves import CURVES, curve_of

SHAPES = sorted(CURVES)
GOLDEN = (math.sqrt(5) - 1) / 2


class Place(nn.Module):
    """A network that is a place in the plane."""

    def __init__(self, place=(0.0, 0.0)):
        super().__init__()
        self.place = nn.Parameter(torch.tensor(place, dtype=torch.float64))


def ring(model, batch):
    """Return (r - 1)^2 for each sample."""
    return {"loss": ((model.place.norm() - 1) ** 2).expand(len(batch))}


def training(model, objective, ends, shape="bezier", bends=1, **options):
    """Return the training of a curve between two mappings of tensors."""
    parameters = FlatParameters.of_model(model, "cpu")
    points = straight(*ends, parameters, bends + 2)
    momenta = [one.zeros() for one in points[1:-1]]
    loss = MeanLoss(model, objective)
    curve = curve_of(shape, bends + 2)
    return CurveTraining(loss, parameters, curve, points, momenta, **options)


def run(trained, batch, steps, rate):
    """Take steps at places that fill the curve evenly, so that their noise is small."""
    for step in range(steps):
        trained.step(batch, step * GOLDEN % 1, rate_at(step, steps, rate))


def place(*values):
    return {"place": torch.tensor(values, dtype=torch.float64)}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_the_best_bend_between_two_points_of_a_ring(shape):
    curve = curve_of(shape, 3)
    points = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])

    def mean_loss(height):
        points[1, 1] = height

        def at(t):
            return (np.linalg.norm(curve.coefficients(t) @ points) - 1) ** 2

        return quad(at, 0, 1, points=[0.5])[0]

    best = minimize_scalar(mean_loss, bounds=(0.5, 3), method="bounded").x
    trained = training(Place(), ring, (place(-1, 0), place(1, 0)), shape)
    trained.points[1].views["place"].copy_(torch.tensor([0.0, 0.3]))
    run(trained, torch.zeros(4), 4000, 0.05)
    found = trained.points[1].views["place"].tolist()
    assert found[1] == pytest.approx(best, abs=0.02)
    assert found[0] == pytest.approx(0, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_the_best_bend_of_a_quadratic_loss(shape):
    minimum = torch.tensor([0.3, -0.7], dtype=torch.float64)
    scales = torch.tensor([1.0, 3.0], dtype=torch.float64)

    def objective(model, batch):
        return {"loss": (scales * (model.place - minimum) ** 2).sum().expand(len(batch))}

    curve = curve_of(shape, 3)
    products = [
        quad(lambda t, k=k: curve.coefficients(t)[1] * curve.coefficients(t)[k], 0, 1, points=[0.5])
        for k in range(3)
    ]
    mean = quad(lambda t: curve.coefficients(t)[1], 0, 1, points=[0.5])[0]
    ends = np.array([[-1.0, 0.0], [1.0, 0.5]])
    best = mean * minimum.numpy() - products[0][0] * ends[0] - products[2][0] * ends[1]
    best /= products[1][0]
    trained = training(Place(), objective, (place(*ends[0]), place(*ends[1])), shape)
    run(trained, torch.zeros(4), 6000, 0.05)
    found = trained.points[1].views["place"].numpy()
    np.testing.assert_allclose(found, best, atol=0.03)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bends", [1, 3])
def test_a_step_is_that_of_sgd_with_a_gradient_by_finite_differences(shape, bends):
    ends = place(-1, 0.2), place(1, 0.4)
    trained = training(Place(), ring, ends, shape, bends, momentum=0.5, weight_decay=0.1)
    for number, point in enumerate(trained.points[1:-1]):
        point.views["place"].add_(torch.tensor([0.1, 0.5 + number]))
    coefficients = curve_of(shape, bends + 2).coefficients
    velocity = np.zeros((bends, 2))

    def total(points, t):
        where = coefficients(t) @ points
        return (np.linalg.norm(where) - 1) ** 2 + 0.05 * where @ where  # weight decay on phi(t)

    for t, rate in ((0.3, 0.2), (0.8, 0.1)):
        points = np.array([one.views["place"].tolist() for one in trained.points])
        for number in range(bends):
            for axis in range(2):
                step = np.zeros_like(points)
                step[number + 1, axis] = 1e-6
                slope = (total(points + step, t) - total(points - step, t)) / 2e-6
                velocity[number, axis] = 0.5 * velocity[number, axis] + slope
        trained.step(torch.zeros(2), t, rate)
        after = np.array([one.views["place"].tolist() for one in trained.points])
        np.testing.assert_allclose(after[1:-1], points[1:-1] - rate * velocity, atol=1e-8)
        np.testing.assert_array_equal(after[[0, -1]], points[[0, -1]])


class Small(nn.Module):
    """Batch norm, dropout, a frozen layer, and one used twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.dropout = nn.Dropout(0.5)
        self.frozen = nn.Linear(4, 4)
        self.frozen.requires_grad_(requires_grad=False)
        self.tied = nn.Linear(4, 4)
        self.again = nn.Linear(4, 4)
        self.again.weight = self.tied.weight

    def forward(self, inputs):
        hidden = self.dropout(self.norm(self.first(inputs)).relu())
        return self.again(self.tied(self.frozen(hidden)).relu())


def squares(model, batch):
    return {"loss": (model(batch) ** 2).mean(1)}


def network(seed):
    torch.manual_seed(seed)
    model = Small()
    return model, {name: p.detach().clone() for name, p in model.named_parameters()}


def test_gradients_are_those_of_plain_pytorch():
    (model, first), (_, last) = network(0), network(1)
    trained = training(model, squares, (first, last), momentum=0.0, weight_decay=0.01)
    before = {name: view.clone() for name, view in trained.points[1].views.items()}
    batch, t = torch.randn(6, 3), 0.4
    torch.manual_seed(7)
    loss = trained.step(batch, t, 0.1)
    plain, _ = network(0)
    c = curve_of("bezier", 3).coefficients(t)
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            parameter.copy_(c[0] * first[name] + c[1] * before[name] + c[2] * last[name])
    torch.manual_seed(7)
    mean = squares(plain.train(), batch)["loss"].mean()
    assert loss == pytest.approx(mean.item(), rel=1e-6)
    mean.backward()
    for name, parameter in plain.named_parameters():
        moved = trained.points[1].views[name]
        if parameter.grad is None:
            assert torch.equal(moved, before[name])
            continue
        expected = before[name] - 0.1 * c[1] * (parameter.grad + 0.01 * parameter.detach())
        torch.testing.assert_close(moved, expected, rtol=1e-5, atol=1e-7)


def test_a_step_depends_on_nothing_that_earlier_ones_left():
    def bend(earlier):
        (model, first), (_, last) = network(0), network(1)
        trained = training(model, squares, (first, last))
        start = trained.points[1].clone()
        for seed in range(earlier):
            torch.manual_seed(seed)
            trained.step(torch.randn(6, 3), 0.7, 0.1)
        for flat, content in ((trained.points[1], start), (trained.momenta[0], start.zeros())):
            flat.assign(content.views)
        torch.manual_seed(9)
        trained.step(torch.randn(6, 3), 0.2, 0.1)
        return {name: view.clone() for name, view in trained.points[1].views.items()}

    alone, later = bend(0), bend(3)
    for name, view in alone.items():
        assert torch.equal(view, later[name])


class Apart(nn.Module):
    """One weight as two parameters that share its memory."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.other = nn.Parameter(torch.empty(0))
        self.other.data = self.one.data


def test_gradients_of_shared_memory_are_added():
    def objective(model, batch):
        return {"loss": (model.one.sum() * batch + 3 * model.other.sum() * batch)}

    ends = {"other": torch.tensor([1.0, 2.0])}, {"other": torch.tensor([3.0, 2.0])}
    trained = training(Apart(), objective, ends, "chain", momentum=0.0)
    trained.step(torch.ones(2), 0.5, 0.1)
    assert trained.points[1].views["other"].tolist() == pytest.approx([2 - 0.4, 2 - 0.4])


def test_sparse_gradients_and_complex_parameters():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(3, 2, sparse=True)
            self.phase = nn.Parameter(torch.tensor([1.0 + 2.0j]))

    def objective(model, batch):
        return {"loss": model.table(batch).sum(1) + (model.phase.abs() ** 2).sum()}

    first = {"table.weight": torch.zeros(3, 2), "phase": torch.tensor([1.0, 2.0])}
    last = {"table.weight": torch.ones(3, 2), "phase": torch.tensor([3.0, 2.0])}
    trained = training(Mixed(), objective, (first, last), "chain", momentum=0.0)
    trained.step(torch.tensor([0, 0, 2, 1]), 0.5, 0.1)
    moved = trained.points[1].views
    rows = torch.tensor([0.5, 0.25, 0.25])
    torch.testing.assert_close(moved["table.weight"], 0.5 - 0.1 * rows[:, None].expand(3, 2))
    torch.testing.assert_close(moved["phase"], torch.tensor([2 - 0.4, 2 - 0.4]))


def test_weighted_losses_are_divided_by_their_weights():
    def objective(model, batch):
        return {"loss": (model.place.sum() * batch, batch)}

    trained = training(Place(), objective, (place(0, 0), place(2, 2)), "chain", momentum=0.0)
    loss = trained.step(torch.tensor([1.0, 5.0]), 0.5, 0.1)
    assert loss == pytest.approx(2)
    assert trained.points[1].views["place"].tolist() == pytest.approx([0.9, 0.9])


def test_nothing_moves_where_the_loss_is_not_finite():
    def objective(model, batch):
        return {"loss": model.place.sum() * batch / 0}

    trained = training(Place(), objective, (place(0, 0), place(2, 2)))
    assert not math.isfinite(trained.step(torch.ones(2), 0.5, 0.1))
    assert trained.points[1].views["place"].tolist() == [1, 1]


def test_no_gradient_is_left_behind():
    trained = training(Place(), ring, (place(-1, 0.5), place(1, 0)))
    trained.step(torch.ones(2), 0.5, 0.1)
    assert all(one.grad is None for one in trained._loss.model.parameters())


def test_the_learning_rate_falls_late():
    assert [rate_at(step, 100, 2.0) for step in (0, 50)] == [2, 2]
    assert rate_at(70, 100, 2.0) == pytest.approx(2 * (1 - 0.99 / 2))
    assert rate_at(90, 100, 2.0) == rate_at(99, 100, 2.0) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda model: model.bfloat16(), UsageError, "bfloat16, but training needs float32"),
        (lambda model: model.requires_grad_(False), ProblemError, "none of its parameters"),
    ],
)
def test_what_can_not_be_trained_is_refused(change, error, words):
    model = nn.Linear(2, 1)
    change(model)
    ends = [{name: p.detach().clone() for name, p in model.named_parameters()}] * 2
    with pytest.raises(error, match=words):
        training(model, squares, ends)
