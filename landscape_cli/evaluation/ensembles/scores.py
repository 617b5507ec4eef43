"""Scores of predictions: log loss, accuracy, Brier score and calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.evaluation.ensembles.batch_predictions import BatchPredictions

Floats = NDArray[np.float64]

QUANTITIES = ("loss", "accuracy", "brier")
"""Numbers of each prediction: minus the log-probability of the true class; if the most probable
class is the true one; the squared distance of the probabilities from the true class's indicator,
summed over classes (Brier 1950), 0 to 2."""

BINS = 15
"""Number of bins of the confidence for the calibration error, as in Guo et al. 2017."""


@dataclass(frozen=True)
class BatchScores:
    """Scores of a batch's n samples.

    Args:
        sums: of each of ``QUANTITIES`` over a sample's predictions, shape (3, n).
        counts: number of predictions of each sample, shape (n,).
        bins: by bin of the confidence, the number of predictions, their summed confidence, and the
            number of right ones, shape (3, BINS).
        not_finite: number of predictions that are not numbers; their scores are NaN.
    """

    sums: Floats
    counts: Floats
    bins: Floats
    not_finite: int


def scores_of(log_probabilities: Tensor, batch: BatchPredictions) -> BatchScores:
    """Score predictions.

    Args:
        log_probabilities: float64, shape (n, classes, m); the batch's own or an average.
        batch: the targets, and which predictions count.
    """
    table, counts = log_probabilities, batch.counts
    targets = batch.targets[:, None]
    unknown = table.isnan().any(dim=1)
    nan = torch.full_like(unknown, torch.nan, dtype=torch.float64)
    probabilities = table.exp()
    confidence, predicted = probabilities.max(dim=1)
    right = (predicted == batch.targets).double()
    true = torch.zeros_like(table).scatter_(1, targets, 1.0)
    # The true class may have probability 0, and so an infinite loss, but no class one of NaN.
    columns = [
        -table.gather(1, targets)[:, 0],
        right,
        (probabilities - true).square().sum(dim=1),
    ]
    sums = [torch.where(counts, torch.where(unknown, nan, one), 0.0).sum(dim=1) for one in columns]
    known = counts & ~unknown
    return BatchScores(
        torch.stack(sums).numpy(),
        counts.sum(dim=1).double().numpy(),
        _bins(confidence[known].numpy(), right[known].numpy()),
        int((unknown & counts).sum()),
    )


def _bins(confidence: Floats, right: Floats) -> Floats:
    """Return number, confidence and right predictions by bin ((k - 1) / BINS, k / BINS]."""
    numbers = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    columns = (np.ones_like(confidence), confidence, right)
    return np.stack([np.bincount(numbers, weights=one, minlength=BINS) for one in columns])


def calibration_error(bins: Floats) -> float:
    """Return the expected calibration error: the mean of |accuracy - confidence| over bins.

    Bins are weighted by their predictions (Naeini et al. 2015; Guo et al. 2017, *On Calibration of
    Modern Neural Networks*, eq. 3).

    Args:
        bins: as of ``BatchScores``, summed over batches, shape (3, BINS).

    Returns:
        A number from 0 to 1; NaN without predictions.

    Example:
        Of ten predictions with confidence 0.9, eight are right:

        >>> bins = np.zeros((3, BINS))
        >>> bins[:, 13] = 10, 9, 8
        >>> round(calibration_error(bins), 12)
        0.1
    """
    number, confidence, right = bins
    with np.errstate(invalid="ignore"):
        return float(np.abs(right - confidence).sum() / number.sum())
