"""Groups of points in one forward pass: the bits of single points, and what can't be grouped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.evaluation.forward import choice
from landscape_cli.evaluation.forward.choice import group_points
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.records.tiles import Tile

POINTS = tuple((0.1 * i, -0.3 * i) for i in range(7))
TILE = Tile(tuple(range(7)), POINTS)


def data(samples=83):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(samples, 6, generator=generator)
    return TensorDataset(inputs, torch.randint(3, (samples,), generator=generator))


def mlp():
    torch.manual_seed(0)
    return MLP(6, (8, 8), 3)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(6, 6)
        self.other = nn.Linear(6, 6)
        self.other.weight = self.one.weight
        self.norm = nn.BatchNorm1d(6)
        self.last = nn.Linear(6, 3)

    def forward(self, x):
        return self.last(self.norm(self.other(self.one(x).tanh())))


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        scores = self.layer(x)
        return scores if scores.sum() > 0 else 2 * scores


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return self.layer(x) * self.calls


def weighted(model, batch):
    inputs, targets = batch
    losses = nn.functional.cross_entropy(model(inputs), targets, reduction="none")
    return {"plain": losses, "loss": (losses * targets, targets.float())}


def numbers(result):
    return np.stack([*result.values.values(), *result.stderr.values()])


def made(model, objective=cross_entropy, device="cpu"):
    splits = {"train": data(), "test": data(40)}
    return evaluator(model, splits, objective, settings=Settings(32), device=device)


DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    ),
]


@pytest.mark.parametrize("model", [mlp, Tied])
@pytest.mark.parametrize("objective", [cross_entropy, weighted])
@pytest.mark.parametrize("size", [2, 3, 16])
@pytest.mark.parametrize("device", DEVICES)
def test_values_are_those_of_single_points(model, objective, size, device):
    torch.manual_seed(0)
    found = made(model(), objective, device)
    expected = numbers(found.evaluate(TILE))
    found.set_forward(replace(found.settings, group=size))
    assert found.groups_points
    grouped = numbers(found.evaluate(TILE))
    assert found._group is not None
    np.testing.assert_allclose(grouped, expected, rtol=1e-5)
    agree = all(map(found.places_agree, POINTS))
    if not agree:  # as with functions such as tanh on a CPU
        assert isinstance(found.model, Tied)
        return
    alone = [numbers(found.evaluate(Tile((0,), (point,)))) for point in POINTS]
    np.testing.assert_array_equal(np.concatenate(alone, axis=1), grouped)


def test_dropout_and_counters_and_hooks_are_evaluated_point_by_point():
    hooked = mlp()
    hooked.register_forward_hook(lambda module, inputs, output: None)
    random = nn.Sequential(nn.Linear(6, 3), nn.Dropout())
    random[1].train = lambda mode=True: random[1]
    for model in (hooked, random, Counting()):
        found = made(model)
        found.set_forward(replace(found.settings, group=4))
        assert not found.groups_points
        found.evaluate(TILE)
        assert found._group is None


@pytest.mark.parametrize("setting", ["fold", "compile", "concurrent"])
def test_other_ways_of_computing_exclude_groups(setting):
    found = made(mlp())
    found.settings = replace(found.settings, group=4, **{setting: True})
    assert not found.groups_points


@pytest.fixture
def always_faster(monkeypatch):
    """Take groups whatever the time that they and single points take."""
    monkeypatch.setattr(choice, "GAIN", -1e9)
    monkeypatch.setattr(choice, "GROUPED_SECONDS", 1e9)


@pytest.mark.usefixtures("always_faster")
def test_groups_are_chosen_where_they_pay(monkeypatch):
    found = made(mlp())
    assert group_points(found, (1.0, 1.0)) == replace(found.settings, group=choice.GROUP)
    assert found.settings.group == 1
    for name, value in (("GAIN", 1.0), ("GROUPED_SECONDS", 0.0)):
        with monkeypatch.context() as patch:
            patch.setattr(choice, name, value)
            assert group_points(found, (1.0, 1.0)).group == 1


@pytest.mark.usefixtures("always_faster")
def test_groups_whose_places_differ_are_not_chosen(monkeypatch):
    found = made(mlp())
    monkeypatch.setattr(type(found), "places_agree", lambda self, point: point == (0.0, 0.0))
    assert group_points(found, (1.0, 1.0)) == found.settings


@pytest.mark.usefixtures("always_faster")
def test_what_torch_cannot_batch_is_not_grouped():
    found = made(Branching())
    before = numbers(found.evaluate(TILE))
    assert group_points(found, (1.0, 1.0)) == found.settings
    np.testing.assert_array_equal(numbers(found.evaluate(TILE)), before)
