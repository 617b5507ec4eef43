"""Parameters without effect: found by autograd's graph, and confirmed by moving them."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.evaluation.checks.effect import moved_along, without_effect
from landscape_cli.problems.objectives import cross_entropy
from support.unusual_networks import samples

CORNER = (1.0, 1.0)


class Net(nn.Module):
    """A network of two layers, of which `how` says what the second gets."""

    def __init__(self, how):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.spare = nn.Linear(8, 8), nn.Linear(8, 3), nn.Linear(2, 2)
        self.how = how
        if how == "zero":
            nn.init.zeros_(self.second.weight)

    def forward(self, inputs):
        if self.how == "unused":
            return self.second(inputs)
        if self.how == "reentrant":
            return self.second(checkpoint(self.first, inputs, use_reentrant=True))
        hidden = self.first(inputs)
        if self.how == "rounded":
            hidden = hidden.detach().sign()
        if self.how == "multiplied":
            hidden = 0 * hidden + inputs
        return self.second(hidden)


def idle(model, corner=CORNER, objective=cross_entropy):
    found = evaluator(model, {"train": TensorDataset(*samples())}, objective)
    return set(without_effect(found, corner))


@pytest.mark.filterwarnings("ignore:None of the inputs")
@pytest.mark.parametrize("how", ["plain", "zero", "rounded", "reentrant"])
def test_layers_that_matter_are_not_named(how):
    assert idle(Net(how)) == {"spare.weight"}


def test_unused_layers_are_named():
    assert idle(Net("unused")) == {"spare.weight", "first.weight"}


def test_a_point_without_finite_values_is_replaced_by_a_nearer_one():
    def diverging(model, batch):
        values = cross_entropy(model, batch)
        far = (model.second.weight - start).norm() > 0.5
        return {name: value * (torch.nan if far else 1) for name, value in values.items()}

    model = Net("unused")
    start = model.second.weight.detach().clone()
    assert idle(model, objective=diverging) == {"spare.weight", "first.weight"}


def test_an_objective_that_autograd_rejects_is_examined_by_values_alone():
    def as_arrays(model, batch):
        return {"loss": torch.from_numpy(cross_entropy(model, batch)["loss"].numpy())}

    # Moving all parameters together changes the values, and halves of them tell which do.
    assert idle(Net("unused"), objective=as_arrays) == {"spare.weight", "first.weight"}


def test_what_an_axis_moves():
    model = Net("plain")
    found = evaluator(model, {"train": TensorDataset(*samples())}, cross_entropy)
    assert moved_along(found, (1.0, 0.0)) == {"first.weight", "second.weight", "spare.weight"}
    assert moved_along(found, (0.0, 0.0)) == set()
