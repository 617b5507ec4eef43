"""Weighted means against PyTorch's own, and their standard errors against the textbook's."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.checks.centre_check import check_centre
from landscape_cli.evaluation.sample_size import find_targets
from landscape_cli.records.tiles import Tile

POINTS = ((0.0, 0.0), (0.5, -1.0))
TILE = Tile((0, 1), POINTS)
SAMPLES, CLASSES = 53, 4


def stderr(sums, weights):
    """Compute Cochran's (1977) eq. 2.39 without the finite-population correction."""
    n, ratio = len(sums), sums.sum() / weights.sum()
    square = ((sums - ratio * weights) ** 2).sum() / (n - 1)
    return math.sqrt(square / n) / weights.mean()


def accumulated(sums, weights, sizes, more=None):
    found = Accumulator("train", 1)
    parts = (torch.tensor(one).split(sizes) for one in (sums, weights))
    for s, w in zip(*parts, strict=True):
        found.add(0, {"loss": (s, w), **({} if more is None else {"more": more(s)})}, s)
    return found


@given(st.integers(2, 40), st.integers(1, 9), st.floats(-1e8, 1e8), st.integers(0, 99))
def test_ratio_and_standard_error_are_those_of_the_textbook(n, size, offset, seed):
    random = np.random.default_rng(seed)
    weights = random.integers(0, 5, n) + (random.random(n) < 0.9)
    weights[0] += 1.0
    sums = weights * offset + random.normal(size=n)
    means, errors = accumulated(sums, weights.astype(float), size).means()
    assert means[0, 0] == pytest.approx(sums.sum() / weights.sum(), rel=1e-13)
    exact = stderr((sums - weights * offset), weights)  # the offset changes no residual
    assert errors[0, 0] == pytest.approx(exact, rel=1e-6, abs=1e-13 * abs(offset))


def test_weights_of_one_give_the_standard_error_of_a_mean():
    values = torch.randn(30, dtype=torch.float64)
    plain = Accumulator("train", 1)
    plain.add(0, {"loss": values}, values)
    pairs = accumulated(values.numpy(), np.ones(30), 7)
    np.testing.assert_allclose(pairs.means(), plain.means(), rtol=1e-13)


def test_values_with_and_without_weights_keep_their_order_and_their_bits():
    values = np.random.default_rng(0).normal(size=20)
    mixed = accumulated(values, np.arange(20.0), 6, more=lambda s: s * 2)
    assert (mixed.names, mixed.weighted, mixed.samples) == (("loss", "more"), ("loss",), 20)
    alone = Accumulator("train", 1)
    for part in torch.tensor(values).split(6):
        alone.add(0, {"more": part * 2}, part)
    for found, one in zip(mixed.means(), alone.means(), strict=True):
        assert found[0, 1] == one[0, 0]


def test_no_weight_at_all_is_not_a_number_and_one_sample_has_no_standard_error():
    means, errors = accumulated(np.zeros(4), np.zeros(4), 2).means()
    assert np.isnan(means).all()
    assert np.isnan(errors).all()
    means, errors = accumulated(np.ones(1), np.ones(1) * 2, 1).means()
    assert means[0, 0] == 0.5
    assert np.isnan(errors[0, 0])


def test_batches_without_weight_and_infinite_sums_are_results():
    means, _ = accumulated(np.array([0.0, 0, 3, 5]), np.array([0.0, 0, 1, 3]), 2).means()
    assert means[0, 0] == 2
    means, _ = accumulated(np.array([1.0, 1, np.inf, 5]), np.ones(4), 2).means()
    assert means[0, 0] == np.inf


def classification():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(SAMPLES, 3, generator=generator, dtype=torch.float64)
    labels = torch.randint(CLASSES, (SAMPLES,), generator=generator)
    torch.manual_seed(1)
    return nn.Linear(3, CLASSES, dtype=torch.float64), inputs, labels


CLASS_WEIGHTS = torch.tensor([1.0, 0.0, 2.5, 10.0], dtype=torch.float64)


def weighted(model, batch):
    inputs, labels = batch
    losses = functional.cross_entropy(model(inputs), labels, CLASS_WEIGHTS, reduction="none")
    return {"loss": (losses, CLASS_WEIGHTS[labels])}


@pytest.mark.parametrize("room", [1 << 30, 0])
def test_a_class_weighted_loss_is_that_of_pytorch_over_the_whole_split(room):
    model, inputs, labels = classification()
    found = evaluator(model, {"train": TensorDataset(inputs, labels)}, weighted, room=room)
    values = found.evaluate(TILE).values["train", "loss"]
    for point, value in zip(POINTS, values, strict=True):
        found.write(point)
        expected = functional.cross_entropy(model(inputs), labels, CLASS_WEIGHTS).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_a_loss_for_each_token_is_that_of_pytorch_over_the_whole_split():
    """Texts of unequal length, padded with -100."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(5, (SAMPLES, 7), generator=generator)
    targets = torch.randint(5, (SAMPLES, 7), generator=generator)
    lengths = torch.randint(1, 8, (SAMPLES, 1), generator=generator)
    targets[torch.arange(7) >= lengths] = -100
    torch.manual_seed(0)
    model = nn.Embedding(5, 5, dtype=torch.float64)

    def objective(model, batch):
        scores, labels = model(batch[0]).transpose(1, 2), batch[1]
        losses = functional.cross_entropy(scores, labels, reduction="none")
        return {"loss": (losses.sum(dim=1), (labels != -100).sum(dim=1))}

    found = evaluator(model, {"train": TensorDataset(tokens, targets)}, objective)
    value = found.evaluate(Tile((0,), ((0.5, -1.0),))).values["train", "loss"][0]
    expected = functional.cross_entropy(model(tokens).transpose(1, 2), targets).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_the_sample_for_a_standard_error_is_large_enough():
    model, inputs, labels = classification()
    found = evaluator(model, {"train": TensorDataset(inputs, labels)}, weighted)
    wish, origin = 0.03, (0.0, 0.0)
    target = find_targets(found, [origin], wish, {"train": 10_000})["train"]
    found.write(origin)
    losses, weights = (one.detach().numpy() for one in weighted(model, (inputs, labels))["loss"])
    variance = stderr(losses, weights) ** 2 * SAMPLES
    assert target.variances == [pytest.approx(variance)]
    assert target.samples == math.ceil(variance / wish**2)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (lambda x: (x, -x.abs()), "a negative weight for one of loss; weights are 0 or more"),
        (lambda x: (x, x[1:]), r"the weights of 'loss' as a tensor of shape \(15,\)"),
        (lambda x: (x.mean(), x), "the sums of 'loss' as a scalar"),
        (lambda x: (x, 3.0), "the weights of 'loss' as a float"),
        (lambda x: (x, x, x), "as a tuple, expected a tensor"),
        (lambda x: (x, x * 0), "the weights of 'loss' on split 'train' sum to 0"),
        (lambda x: (x, x.abs()) if len(x) == 16 else x, r"weights with \(\).*weights with \('lo"),
    ],
)
def test_pairs_of_anything_else_are_refused(pair, words):
    model, inputs, labels = classification()
    found = evaluator(
        model, {"train": TensorDataset(inputs, labels)}, lambda m, b: {"loss": pair(m(b[0])[:, 0])}
    )
    with pytest.raises(ProblemError, match=words):
        check_centre(found, Tile((0,), ((0.0, 0.0),)), 1 << 30, False)
