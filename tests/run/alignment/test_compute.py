"""Alignment of a problem's checkpoints: precisions, counts, and what checkpoints hold besides."""

import pytest
import torch
from torch import nn

import landscape_cli
from landscape_cli.errors import LandscapeError
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.problem import Problem
from support.unusual_networks import MergedAdapter, problem, samples


def network(width=16):
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 3))


def states(build, dtype=torch.float32):
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(build().to(dtype).state_dict())
    return found


def distance(one, other):
    return sum(float((one[name].double() - other[name].double()).square().sum()) for name in one)


def test_the_state_dict_is_returned_and_the_problem_stays(workplace):
    first, second = states(network)
    given = problem(network())
    before = {name: one.clone() for name, one in given.model.state_dict().items()}
    torch.save({"weights": second, "epoch": 3}, "second.pt")
    found = landscape_cli.align(given, first, "second.pt")
    assert list(found) == list(before)
    assert distance(first, found) < distance(first, second)
    inputs, model = samples()[0], network()
    model.load_state_dict(second)
    expected = model(inputs)
    model.load_state_dict(found)
    torch.testing.assert_close(model(inputs), expected, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(before[name], one) for name, one in given.model.state_dict().items())
    with pytest.raises(LandscapeError, match=r"do not fit the model: .*2\.bias"):
        landscape_cli.align(given, {n: first[n] for n in list(first)[:3]}, second)
    with pytest.raises(LandscapeError, match=r"0\.bias hold numbers that are not finite"):
        landscape_cli.align(given, first, {**second, "0.bias": second["0.bias"] * torch.inf})
    with pytest.raises(LandscapeError, match="--groups: a: the model has no tensor"):
        landscape_cli.align(given, first, second, groups={"a": [["none", 0]]})


def test_a_network_in_bfloat16_is_not_refused_for_its_rounding():
    first, second = states(network, torch.bfloat16)

    def objective(model, batch):
        return cross_entropy(lambda inputs: model(inputs.bfloat16()).float(), batch)

    found = landscape_cli.align(problem(network().bfloat16(), objective=objective), first, second)
    assert found["0.weight"].dtype == torch.bfloat16
    assert distance(first, found) < distance(first, second)


def test_an_accuracy_that_rounding_flips_is_no_reason_to_refuse():
    calls = []

    def objective(model, batch):
        calls.append(1)
        loss = cross_entropy(model, batch)["loss"]
        flipped = torch.arange(len(loss)) == len(calls)
        return {"loss": loss, "accuracy": flipped.float()}

    first, second = states(network)
    found = landscape_cli.align(problem(network(), objective=objective), first, second)
    assert distance(first, found) < distance(first, second)
    assert len(calls) > 2


def test_eval_modes_that_change_weights_are_refused():
    model = nn.Sequential(MergedAdapter(8, 6), nn.ReLU(), nn.Linear(6, 3))
    with pytest.raises(LandscapeError, match=r"train\(\) or eval\(\) changes weights"):
        landscape_cli.align(problem(model), model.state_dict(), model.state_dict())


class Extra(nn.Module):
    """A layer with state besides tensors."""

    def __init__(self):
        super().__init__()
        self.layers, self.note = network(), "new"

    def forward(self, inputs):
        return self.layers(inputs)

    def get_extra_state(self):
        return self.note

    def set_extra_state(self, state):
        self.note = state


def test_extra_state_comes_from_the_aligned_checkpoint():
    first, second = states(Extra)
    second["_extra_state"] = "trained"
    found = landscape_cli.align(problem(Extra()), first, second)
    assert found["_extra_state"] == "trained"
    assert list(found) == list(first)


def test_inputs_that_are_keywords_and_objects():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = network()

        def forward(self, *, batch):
            return {"logits": self.layers(batch["x"]), "name": "named"}

    def objective(model, batch):
        logits = model(batch=batch)["logits"]
        return {"loss": logits.square().sum(1)}

    first, second = states(Named)
    batches = [{"x": samples()[0], "words": ["one"] * 48}]
    found = landscape_cli.align(Problem(Named(), {"train": batches}, objective), first, second)
    assert distance(first, found) < distance(first, second)
