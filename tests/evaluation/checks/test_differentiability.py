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


class Quantized(nn.Module):
    """A layer whose output goes through one that is quantized dynamically, without derivatives."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        rest = nn.Sequential(nn.Tanh(), nn.Linear(5, 3))
        self.rest = torch.ao.quantization.quantize_dynamic(rest, {nn.Linear})

    def forward(self, inputs):
        return self.rest(self.first(inputs))


@pytest.mark.filterwarnings("ignore")
def test_gradients_that_end_in_a_quantized_layer_are_refused():
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(20, 6), torch.arange(20) % 3)
    made = evaluator(Quantized().eval(), {"train": data}, cross_entropy)
    with pytest.raises(ProblemError, match=r"first\.weight, first\.bias affect its values, but .*"):
        refuse_unreached(made)


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
