"""Samples for a standard error, where the variance of a sample's value is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.evaluation.sample_size import FEWEST, Target, find_targets

CPU = torch.device("cpu")


@given(
    st.floats(0, 1e6),
    st.floats(1e-3, 1e3),
    st.integers(1, 100_000),
)
def test_the_samples_are_enough_and_no_more_than_enough(variance, wish, total):
    target = Target.of("loss", wish, total, 10, [0.0, variance, None])
    assert 1 <= target.samples <= total
    assert target.stderr == math.sqrt(variance / target.samples)
    slack = 1 + 1e-12
    if target.samples < total:
        assert target.stderr <= wish * slack
    if target.samples > min(FEWEST, total):
        assert math.sqrt(variance / (target.samples - 1)) >= wish / slack


def test_without_any_variance_all_samples_are_taken():
    target = Target.of("loss", 0.1, 500, 10, [None, None])
    assert (target.samples, target.stderr) == (500, None)


class Scale(nn.Module):
    """f(u) = a u, whose variance at a is a^2 times that of u."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

    def forward(self, u):
        return self.a * u


def pilot(objective, **splits):
    data = {name: TensorDataset(u) for name, u in splits.items()}
    return evaluator(Scale(), data, objective, {"x": {"a": torch.tensor(1.0)}})


def test_the_largest_variance_of_the_first_quantity_decides():
    generator = torch.Generator().manual_seed(0)
    u = torch.randn(400, generator=generator, dtype=torch.float64)
    evaluator = pilot(
        lambda model, batch: {"loss": model(batch[0]), "other": 100 * batch[0]},
        train=u,
        test=3 * u[:100],
    )
    points = [(0.0,), (-3.0,), (2.0,)]  # a = 1, -2, 3
    found = find_targets(evaluator, points, 0.1, {"train": 10_000, "test": 20_000})
    for name, values in (("train", u), ("test", 3 * u[:100])):
        spread = values.numpy().var(ddof=1)
        target = found[name]
        assert target.quantity == "loss"
        assert target.pilot == len(values)
        np.testing.assert_allclose(target.variances, [spread, 4 * spread, 9 * spread], rtol=1e-12)
        assert target.samples == math.ceil(9 * spread / 0.1**2)
        assert target.stderr == pytest.approx(3 * math.sqrt(spread / target.samples))


def test_points_that_are_not_finite_are_left_out():
    evaluator = pilot(
        lambda model, batch: {"loss": 1 / (model(torch.ones_like(batch[0])) - 2) + batch[0]},
        train=torch.arange(20.0, dtype=torch.float64),
    )
    target = find_targets(evaluator, [(0.0,), (1.0,), (2.0,)], 0.45, {"train": 1000})["train"]
    assert target.variances == [pytest.approx(35), None, pytest.approx(35)]
    assert target.samples == 173  # 35 / 0.45^2 = 172.8
