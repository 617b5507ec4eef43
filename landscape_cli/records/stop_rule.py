"""The rule by which a sampled point stops: its values are known to a target standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.tiles import Quantity

SKEW = 2.0
"""Factor on the correction of the standard error for skewed values."""


@dataclass(frozen=True)
class Target:
    """The standard error at which a mean is known well enough.

    Args:
        stderr: the largest accepted standard error, as a fraction of the mean if ``relative``.
        relative: whether the quantity is drawn on a log scale.
        lowest: if ``relative``, the mean up to which a point takes all samples: near a minimum, a
            single sample that was not seen may be most of the mean.
    """

    stderr: float
    relative: bool
    lowest: float = 0.0

    def reached(self, values: NDArray[np.float64], total: int, number: int | None = None) -> bool:
        """Tell whether the mean of all samples is known from the first m of them.

        A mean that is not finite will stay so, and counts as known.

        Args:
            values: of m samples, shape (m,).
            total: the number N of all samples.
            number: of samples for which to predict this; m if left out.
        """
        mean, error = mean_and_error(values, total, number)
        if not math.isfinite(mean):
            return True
        if not self.relative:
            return error <= self.stderr
        return error == 0 or (mean > self.lowest and error <= self.stderr * mean)


@dataclass(frozen=True)
class StopRule:
    """Targets of a point that is evaluated on as many samples as it needs.

    Args:
        targets: the quantities that decide; a split without one is evaluated on all its samples.
        first: samples after which the targets are looked at first; then after twice as many.
        to_end: evaluate all samples, and note what the point's values would have been otherwise.
    """

    targets: Mapping[Quantity, Target]
    first: int
    to_end: bool = False

    def of_split(self, split: str) -> dict[str, Target]:
        """Return the targets of one split by quantity."""
        return {name: target for (owner, name), target in self.targets.items() if owner == split}


def mean_and_error(
    values: NDArray[np.float64], total: int, number: int | None = None
) -> tuple[float, float]:
    """Return the mean of m of N samples and a cautious standard error of the mean of all.

    The standard error s sqrt((1 - m/N) / m) with finite-population correction (Cochran 1977,
    *Sampling Techniques*, eq. 2.20) says too little where a few samples carry the mean, as near a
    minimum: if none of them is among the first, the values seem to agree. It is therefore
    multiplied by 1 + 2 |g| / sqrt(m), where g is the skewness of the values. The samples are
    stratified, which can only lower the true error.

    Args:
        values: shape (m,); not all finite gives NaN.
        total: the number N of samples.
        number: a larger number of samples for which to predict the error, if they have the same
            variance and skewness; m if left out.

    Example:
        >>> mean_and_error(np.array([1.0, 2.0, 3.0, 2.0]), 4)
        (2.0, 0.0)
    """
    count, number = len(values), number or len(values)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = float(values.mean())
        deviations = values - mean
        squares = float((deviations**2).sum())
    if number >= total or squares == 0:
        return mean, 0.0
    if not math.isfinite(squares):
        return mean, math.inf
    spread = math.sqrt(squares / count)
    skewness = float(((deviations / spread) ** 3).mean())
    error = math.sqrt(squares / (count - 1) / number * (1 - number / total))
    return mean, error * (1 + SKEW * abs(skewness) / math.sqrt(number))
