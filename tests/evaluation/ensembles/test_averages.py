"""Averages of probabilities and of weights, against what they are by definition."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.ensembles.averaged_predictions import AveragedPredictions
from landscape_cli.evaluation.ensembles.batch_predictions import checked_predictions
from landscape_cli.evaluation.ensembles.mean_weights import MeanWeights
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.problems import Predictions


def found(p, targets=(0, 1)):
    logs = torch.as_tensor(p, dtype=torch.float64).log()
    return checked_predictions("train", Predictions(logs, torch.tensor(targets)), logs)


def test_probabilities_are_averaged():
    p = torch.rand(4, 3, 2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p /= p.sum(dim=3, keepdim=True)
    averaged = AveragedPredictions("train", 3)
    for network in p:
        for number, batch in enumerate(network):
            averaged.add(number, found(batch))
    for number in range(3):
        mean = averaged.mean(number).exp()[:, :, 0]
        torch.testing.assert_close(mean, p[:, number].mean(dim=0))
    more = averaged.mean_with(1, found(p[0, 2])).exp()[:, :, 0]
    torch.testing.assert_close(more, (p[:, 1].sum(dim=0) + p[0, 2]) / 5)
    torch.testing.assert_close(averaged.mean(1).exp()[:, :, 0], p[:, 1].mean(dim=0))


def test_probabilities_beyond_the_range_of_float64_count():
    logs = torch.tensor([[-800.0, 0.0]], dtype=torch.float64)
    batch = checked_predictions("train", Predictions(logs, torch.tensor([0])), logs)
    averaged = AveragedPredictions("train", 1)
    averaged.add(0, batch)
    averaged.add(0, batch)
    assert averaged.mean(0)[0, 0, 0].item() == pytest.approx(-800.0, rel=1e-12)


def test_an_impossible_class_of_one_network_is_possible_on_average():
    averaged = AveragedPredictions("train", 1)
    averaged.add(0, found([[0.0, 1.0], [0.0, 1.0]]))
    averaged.add(0, found([[0.5, 0.5], [0.0, 1.0]]))
    assert averaged.mean(0).exp()[:, 0, 0].tolist() == pytest.approx([0.25, 0.0])


def test_other_targets_for_another_network_are_refused():
    averaged = AveragedPredictions("train", 1)
    averaged.add(0, found([[0.5, 0.5], [0.5, 0.5]]))
    with pytest.raises(ProblemError, match="targets differ from network to network"):
        averaged.add(0, found([[0.5, 0.5], [0.5, 0.5]], targets=(1, 1)))
    with pytest.raises(ProblemError, match="targets differ from network to network"):
        averaged.add(0, found([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]))


def test_predictions_that_do_not_fit_into_memory_are_refused():
    averaged = AveragedPredictions("train", 1000, room=10_000)
    with pytest.raises(UsageError, match="--samples: the predictions for split 'train' would take"):
        averaged.add(0, found([[0.5, 0.5], [0.5, 0.5]]))
    AveragedPredictions("train", 1, room=10_000).add(0, found([[0.5, 0.5], [0.5, 0.5]]))


def network(seed, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_weights_are_averaged_in_float64_and_rounded_once(dtype):
    mean, models = MeanWeights(), [network(seed, dtype) for seed in range(3)]
    for model in models:
        mean.add(FlatParameters.of_model(model, "cpu"))
    target = FlatParameters.of_model(copy.deepcopy(models[0]), "cpu")
    mean.write(target)
    stacks = {
        name: np.stack([dict(one.named_parameters())[name].detach().double() for one in models])
        for name in target.views
    }
    for name, view in target.views.items():
        expected = torch.tensor(stacks[name].sum(axis=0) / 3).to(dtype)
        assert torch.equal(view, expected)
    means = {name: stack.mean(axis=0) for name, stack in stacks.items()}
    squares = sum(((stack - means[n]) ** 2).sum() for n, stack in stacks.items()) / 3
    assert mean.spread() == pytest.approx(math.sqrt(squares))
    assert mean.norm() == pytest.approx(math.sqrt(sum((m**2).sum() for m in means.values())))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_average_of_equal_networks_is_the_network_bit_for_bit(count):
    parameters, mean = FlatParameters.of_model(network(0), "cpu"), MeanWeights()
    before = parameters.clone()
    for _ in range(count):
        mean.add(parameters)
    mean.write(parameters)
    assert all(torch.equal(view, before.views[name]) for name, view in parameters.views.items())
    assert mean.spread() == pytest.approx(0, abs=1e-6)
