"""Objectives that need gradients, and objectives that leave the gradient mode changed."""

import gc

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.checks.centre_check import check_centre
from landscape_cli.evaluation.measures.gradient import GradientMeasure
from landscape_cli.records.tiles import Tile

ORIGIN = Tile((0,), ((0.0, 0.0),))
POINTS = Tile((0, 1, 2), ((0.0, 0.0), (0.5, 1.0), (0.0, 0.0)))
INPUTS = torch.linspace(-1, 1, 33, dtype=torch.float64)[:, None]


class Cubic(nn.Module):
    """u(x) = a x^3, which solves u' = 3 x^2 for a = 1."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor([[2.0]], dtype=torch.float64))

    def forward(self, x):
        return self.a * x**3


def physics_informed(model, batch):
    with torch.enable_grad():
        x = batch[0].clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    return {"loss": (slope - 3 * x**2).square()[:, 0]}


def make(objective, **more):
    found = evaluator(Cubic(), {"train": TensorDataset(INPUTS)}, objective, **more)
    check_centre(found, ORIGIN, 1 << 30, False)
    return found


@pytest.mark.parametrize("measures", [(), (GradientMeasure(),)])
def test_a_physics_informed_loss_is_its_closed_form(measures):
    """(a - 1)^2 times the mean of 9 x^4, with a derivative of twice that for a = 2."""
    found = make(physics_informed, measures=measures).evaluate(ORIGIN).values
    mean = (9 * INPUTS**4).mean().item()
    assert found["train", "loss"][0] == pytest.approx(mean, rel=1e-14)
    if measures:
        assert found["train", "gradient_norm"][0] == pytest.approx(2 * mean, rel=1e-12)


def forgetful(model, batch):
    x = batch[0]
    return {"loss": torch.autograd.grad(model(x).sum(), x)[0][:, 0]}


def half_forgetful(model, batch):
    x = batch[0].requires_grad_(True)
    return {"loss": torch.autograd.grad(model(x).sum(), x)[0][:, 0]}


def with_a_penalty(model, batch):
    model(batch[0]).sum().backward()
    return {"loss": batch[0][:, 0]}


@pytest.mark.parametrize("objective", [forgetful, half_forgetful, with_a_penalty])
def test_the_error_of_an_objective_without_gradients_names_the_remedy(objective):
    with pytest.raises(ProblemError, match=r"batch 0 of split 'train'.*`with torch.enable_grad"):
        make(objective)


def test_the_gradient_mode_is_what_it_was_after_each_call():
    modes = []

    def objective(model, batch):
        modes.append(torch.is_grad_enabled())
        torch.set_grad_enabled(not modes[-1])
        return {"loss": model(batch[0])[:, 0]}

    found = make(objective)
    values = found.evaluate(POINTS).values["train", "loss"]
    assert values[0] == values[2]
    assert set(modes) == {False}
    before = _tensors()
    for _ in range(3):
        found.evaluate(POINTS)
    assert _tensors() <= before  # those of other tests may be collected meanwhile
    assert torch.is_grad_enabled()


def test_measures_have_gradients_whatever_the_objective_switches_off():
    def objective(model, batch):
        values = {"loss": model(batch[0])[:, 0]}
        torch.set_grad_enabled(False)
        return values

    found = make(objective, measures=[GradientMeasure()])
    assert len(list(found.splits["train"])) > 1
    mean = (INPUTS**3).mean().item()
    assert found.evaluate(ORIGIN).values["train", "gradient_norm"][0] == pytest.approx(
        abs(mean), abs=1e-15
    )


def _tensors():
    gc.collect()
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())
