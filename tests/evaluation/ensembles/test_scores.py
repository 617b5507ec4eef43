"""Scores of predictions against NumPy, hand-made examples, and predictions that are no numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.ensembles.batch_predictions import checked_predictions
from landscape_cli.evaluation.ensembles.scores import BINS, calibration_error, scores_of
from landscape_cli.problems import Predictions


def checked(logs, targets, **more):
    found = Predictions(torch.as_tensor(logs), torch.as_tensor(targets), **more)
    return checked_predictions("train", found, found.targets)


def scored(logs, targets, **more):
    found = checked(logs, targets, **more)
    return scores_of(found.log_probabilities, found)


def logs_of(*rows):
    return torch.tensor(rows, dtype=torch.float64).log()


def test_scores_by_hand():
    found = scored(logs_of([0.2, 0.8], [0.5, 0.5], [1.0, 0.0]), [1, 1, 1])
    loss, accuracy, brier = found.sums
    assert loss == pytest.approx([-math.log(0.8), math.log(2), math.inf])
    assert accuracy.tolist() == [1.0, 0.0, 0.0]
    assert brier == pytest.approx([0.2**2 + 0.2**2, 0.5, 2.0])
    assert found.counts.tolist() == [1.0, 1.0, 1.0]
    assert found.not_finite == 0


def plain_calibration_error(confidence, right):
    """The definition, bin by bin: a bin is open below and closed above."""
    total = 0.0
    for k in range(BINS):
        inside = (confidence > k / BINS) & (confidence <= (k + 1) / BINS)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            total += inside.sum() / len(right) * gap
    return total


@given(seed=st.integers(0, 999), classes=st.integers(2, 12), samples=st.integers(1, 60))
def test_against_numpy(seed, classes, samples):
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2.0, size=(samples, classes))
    targets = generator.integers(classes, size=samples)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = scored(np.log(p), targets)
    rows = np.arange(samples)
    right = p.argmax(axis=1) == targets
    onehot = np.eye(classes)[targets]
    np.testing.assert_allclose(found.sums[0], -np.log(p[rows, targets]), rtol=1e-12)
    np.testing.assert_array_equal(found.sums[1], right)
    np.testing.assert_allclose(found.sums[2], ((p - onehot) ** 2).sum(axis=1), rtol=1e-11)
    expected = plain_calibration_error(p.max(axis=1), right.astype(float))
    assert calibration_error(found.bins) == pytest.approx(expected, abs=1e-12)


def test_the_calibration_error_of_a_hand_made_example():
    # 2 of 4 right at confidence 0.9, and 1 of 1 at 0.6: 4/5 * 0.4 + 1/5 * 0.4.
    found = scored(logs_of(*[[0.1, 0.9]] * 4, [0.6, 0.4]), [1, 1, 0, 0, 0])
    assert calibration_error(found.bins) == pytest.approx(0.8 * 0.4 + 0.2 * 0.4)
    assert found.bins[0, 13] == 4  # 13/15 < 0.9 <= 14/15
    assert found.bins[0, 8] == 1  # 8/15 < 0.6 <= 9/15


def test_a_certain_prediction_is_in_the_last_bin_and_one_at_an_edge_below_it():
    third = 5 / BINS
    found = scored(logs_of([1.0, 0.0, 0.0], [third, third, third]), [0, 0])
    assert found.bins[0, BINS - 1] == 1
    assert found.bins[0].sum() == 2
    perfect = scored(logs_of([1.0, 0.0]), [0])
    assert calibration_error(perfect.bins) == 0.0


def test_predictions_that_are_no_numbers_are_counted_and_stay_so():
    logs = logs_of([0.2, 0.8], [0.5, 0.5])
    logs[1, 0] = math.nan
    found = scored(logs, [1, 1])
    assert found.not_finite == 1
    assert np.isfinite(found.sums[:, 0]).all()
    assert np.isnan(found.sums[:, 1]).all()
    assert found.bins[0].sum() == 1


def test_positions_are_predictions_of_one_sample_and_ignored_ones_do_not_count():
    torch.manual_seed(0)
    logs = torch.randn(3, 4, 5, dtype=torch.float64).log_softmax(dim=1)
    targets = torch.randint(4, (3, 5))
    targets[0, 2:] = -100
    targets[2] = -100
    logs[2, :, 1] = math.nan  # of a prediction that does not count
    found = scored(logs, targets, ignore_index=-100)
    assert found.counts.tolist() == [2.0, 5.0, 0.0]
    assert found.not_finite == 0
    assert found.sums[0, 0] == pytest.approx(
        -sum(float(logs[0, targets[0, k], k]) for k in range(2))
    )
    assert found.sums[:, 2].tolist() == [0.0, 0.0, 0.0]
    assert found.bins[0].sum() == 7


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (torch.zeros(2, 3), "it returned a Tensor, expected landscape_cli.problems.Predictions"),
        (Predictions([0.1], torch.zeros(1)), "Predictions without tensors"),
        (Predictions(torch.zeros(2, 3), torch.zeros(2)), "targets are torch.float32"),
        (Predictions(torch.zeros(2), torch.zeros(2).long()), "(2,) do not fit targets (2,)"),
        (Predictions(torch.zeros(2, 3, 4), torch.zeros(2).long()), "expected (n, classes, ...)"),
        (Predictions(torch.zeros(1, 3), torch.zeros(1).long()), "for 1 of the batch's 2 samples"),
        (Predictions(torch.zeros(2, 3), torch.zeros(2).long()), "sum to 1 ± 2; return log-prob"),
        (Predictions(torch.full((2, 2), -math.inf), torch.zeros(2).long()), "sum to 1 ± 1;"),
        (
            Predictions(torch.zeros(2, 3).log_softmax(1), torch.tensor([0, 3])),
            "a target is 3, expected 0 to 2; predictions that do not count are left out with",
        ),
        (
            Predictions(torch.zeros(2, 3).log_softmax(1), torch.tensor([0, -100])),
            "a target is -100",
        ),
    ],
)
def test_invalid_predictions_are_refused_in_one_line(found, words):
    with pytest.raises(ProblemError) as refused:
        checked_predictions("test", found, torch.zeros(2))
    assert str(refused.value).startswith("objective.predictions: on split 'test' ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_probabilities_of_low_precision_sum_to_one_well_enough():
    logits = torch.randn(50, 100, generator=torch.Generator().manual_seed(0))
    found = checked(logits.log_softmax(1).half(), torch.zeros(50).long())
    assert found.log_probabilities.dtype == torch.float64
