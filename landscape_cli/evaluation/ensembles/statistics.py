"""Means of scores over samples, their standard errors, and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.evaluation.ensembles.scores import BINS, QUANTITIES, BatchScores

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SplitScores:
    """Scores of all of a split's n samples, by one network or an average.

    Args:
        sums: as of ``BatchScores``, shape (3, n).
        counts: number of predictions of each sample, shape (n,).
        bins: shape (3, BINS).
        not_finite: number of predictions that are not numbers.
    """

    sums: Floats
    counts: Floats
    bins: Floats
    not_finite: int = 0

    @classmethod
    def of_batches(cls, batches: Sequence[BatchScores]) -> SplitScores:
        """Join the scores of batches, if there are any; bins are added in their order."""
        bins = np.zeros((3, BINS))
        for batch in batches:
            bins += batch.bins
        none = np.zeros((len(QUANTITIES), 0))
        return cls(
            np.concatenate([none, *(one.sums for one in batches)], axis=1),
            np.concatenate([np.zeros(0), *(one.counts for one in batches)]),
            bins,
            sum(batch.not_finite for batch in batches),
        )

    def means(self) -> tuple[Floats, Floats]:
        """Return the means over predictions, and their standard errors over samples, (3,) each."""
        return ratios(self.sums, self.counts)


def ratios(sums: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Return means over predictions and their standard errors, where samples are independent.

    With residuals e_i = s_i - R w_i of n samples, the standard error of the ratio
    R = sum s_i / sum w_i is sqrt(n / (n - 1) sum e_i^2) / sum w_i (Cochran 1977, *Sampling
    Techniques*, section 2.11). With one prediction for each sample it is that of a mean.

    Args:
        sums: s_i, shape (k, n).
        counts: w_i, shape (n,).
    """
    samples = len(counts)
    with np.errstate(all="ignore"):
        total = counts.sum()
        means = sums.sum(axis=1) / total
        residuals = sums - means[:, None] * counts
        # Of one sample there is no spread, and 1 / 0 * 0 is NaN.
        factor = np.float64(samples) / np.float64(samples - 1)
        return means, np.sqrt(factor * np.square(residuals).sum(axis=1)) / total


def differences(one: SplitScores, other: SplitScores) -> tuple[Floats, Floats]:
    """Return mean differences between scores of the same samples, and their standard errors.

    They are paired: what is hard about a sample for both does not count.
    """
    with np.errstate(invalid="ignore"):
        return ratios(one.sums - other.sums, one.counts)


def mean_of(scores: Sequence[SplitScores]) -> SplitScores:
    """Return the mean scores of several networks for each sample, without bins."""
    total = scores[0].sums.copy()
    for one in scores[1:]:
        total += one.sums
    first = scores[0]
    return SplitScores(total / len(scores), first.counts, np.full_like(first.bins, np.nan))
