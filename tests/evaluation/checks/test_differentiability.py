"""Derivatives that are not those of the values are refused, or warned of."""

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator
from evaluation.derivatives.networks import INPUTS, Unused, network
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.checks.differentiability import refuse_unreached, slope_warning
from landscape_cli.problems.objectives import cross_entropy


def of(objective, kind=Unused):
    model, inputs, labels = network(kind)
    return evaluator(model, {"train": TensorDataset(inputs, labels)}, objective)


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)
def test_honest_objectives_pass(kind):
    made = of(cross_entropy, kind)
    refuse_unreached(made)
    assert slope_warning(made) == ""


def detached(model, batch):
    inputs, labels = batch
    bias = model.out.bias.detach()
    logits = torch.tanh(inputs @ model.out.weight.T + bias)
    return {"loss": nn.functional.cross_entropy(logits, labels, reduction="none")}


def without_gradients(model, batch):
    with torch.no_grad():
        return cross_entropy(model, batch)


@pytest.mark.parametrize(
    ("objective", "names"),
    [(detached, "objective: out.bias affect"), (without_gradients, "out.weight, out.bias affect")],
)
def test_parameters_that_autograd_does_not_see_are_refused(objective, names):
    with pytest.raises(ProblemError, match=names):
        refuse_unreached(of(objective))


def one_sided(model, batch):
    """Compare a view with another one whose gradient is stopped, as SimSiam does."""
    first, second = model(batch[0]), model(batch[0].flip(1)).detach()
    return {"loss": ((first - second) ** 2).sum(1)}


def test_a_gradient_that_is_stopped_halfway_is_warned_of():
    made = of(one_sided)
    refuse_unreached(made)
    assert "the objective stops gradients somewhere" in slope_warning(made)


def test_rounding_leaves_no_way_to_tell():
    assert slope_warning(of(lambda model, batch: {"loss": 0 * model(batch[0]).sum(1)})) == ""
