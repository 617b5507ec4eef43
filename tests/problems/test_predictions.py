"""Predictions of the package's objectives by hand, and objectives without any."""

import math

import pytest
import torch
from torch import nn

from landscape_cli.errors import ProblemError
from landscape_cli.problems import Predictions
from landscape_cli.problems.objectives import (
    OBJECTIVES,
    binary_cross_entropy,
    cross_entropy,
    mean_squared_error,
)
from landscape_cli.problems.predictions import predictions_of, with_predictions

SAME = nn.Identity()
LN3 = math.log(3)


def test_cross_entropy_predicts_by_softmax():
    batch = torch.tensor([[0.0, LN3], [1.0, 1.0]]), torch.tensor([1, 0], dtype=torch.int32)
    found = cross_entropy.predictions(SAME, batch)
    expected = torch.tensor([[0.25, 0.75], [0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(found.log_probabilities, expected.log(), rtol=1e-7, atol=1e-7)
    assert found.targets is batch[1]
    assert found.ignore_index is None


def test_binary_cross_entropy_predicts_two_classes():
    logits, targets = torch.tensor([[LN3], [-LN3]]), torch.tensor([1.0, 0.0])
    found = binary_cross_entropy.predictions(SAME, (logits, targets))
    expected = torch.tensor([[[0.25], [0.75]], [[0.75], [0.25]]], dtype=torch.float64)
    torch.testing.assert_close(found.log_probabilities.exp(), expected, rtol=1e-7, atol=1e-7)
    assert found.targets.tolist() == [[1], [0]]


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_the_loss_is_minus_the_logarithm_of_what_is_predicted(name):
    objective = OBJECTIVES[name]
    torch.manual_seed(0)
    shape = (7, 4, 5) if name == "cross_entropy" else (7, 5)
    scores = torch.randn(shape, dtype=torch.float64)
    targets = torch.randint(4, (7, 5)) if name == "cross_entropy" else torch.randint(2, (7, 5))
    batch = scores, targets if name == "cross_entropy" else targets.double()
    found, values = predictions_of(objective)(SAME, batch), objective(SAME, batch)
    loss = -found.log_probabilities.gather(1, found.targets[:, None])[:, 0].mean(dim=1)
    torch.testing.assert_close(loss, values["loss"])
    right = (found.log_probabilities.argmax(dim=1) == found.targets).double().mean(dim=1)
    torch.testing.assert_close(right, values["accuracy"])


def test_half_a_target_is_no_class():
    batch = torch.zeros(2), torch.tensor([0.5, 1.0])
    with pytest.raises(ProblemError, match="only for targets that are 0 or 1"):
        binary_cross_entropy.predictions(SAME, batch)


@pytest.mark.parametrize(
    "batch",
    [
        (torch.zeros(2, 3), torch.zeros(3).long()),
        (torch.zeros(2, 3), torch.zeros(2)),
        torch.zeros(2),
    ],
)
def test_a_batch_that_the_objective_refuses_is_refused_for_predictions_too(batch):
    with pytest.raises(ProblemError) as of_values:
        cross_entropy(SAME, batch)
    with pytest.raises(ProblemError) as of_predictions:
        cross_entropy.predictions(SAME, batch)
    assert str(of_predictions.value) == str(of_values.value)


def test_an_objective_of_ones_own_exposes_predictions():
    def predict(model, batch):
        return Predictions(model(batch), torch.zeros(len(batch)).long())

    @with_predictions(predict)
    def objective(model, batch):
        return {"loss": batch}

    assert predictions_of(objective) is predict


def test_an_objective_without_predictions_is_named_with_the_remedy():
    with pytest.raises(ProblemError) as refused:
        predictions_of(mean_squared_error)
    assert str(refused.value).startswith("objective: mean_squared_error exposes no predictions")
    assert "set objective.predictions to a function" in str(refused.value)
    with pytest.raises(ProblemError, match="Objective exposes no predictions"):
        predictions_of(type("Objective", (), {"predictions": 3})())
