"""Weighted means and their standard errors, accumulated in float64 batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class WeightedSums:
    """Sums of pairs (s_i, w_i) over samples, for each of several points and quantities.

    The mean is the ratio R = sum s_i / sum w_i. Its standard error follows from linearizing it in
    the two sums: with the residuals e_i = s_i - R w_i of n samples, it is
    sqrt(n / (n - 1) sum e_i^2) / sum w_i (Cochran 1977, *Sampling Techniques*, section 2.11 and
    ch. 6, without finite-population correction). Equal weights give the standard error of a mean.

    Central second moments are merged as by Chan, Golub & LeVeque 1983. They are those of w_i and
    of s_i - P w_i, where the pivot P is the ratio of the first batch, so that little cancels.

    Args:
        points: the number k of points.
        quantities: the number m of quantities.
        device: the device of the values.
    """

    def __init__(self, points: int, quantities: int, device: torch.device) -> None:
        shape = (points, quantities, 2)
        self._counts = [0] * points
        self._sums = torch.zeros(shape, dtype=torch.float64, device=device)
        self._pivots = torch.zeros(shape[:2], dtype=torch.float64, device=device)
        self._moments = torch.zeros((*shape, 2), dtype=torch.float64, device=device)
        self._least = torch.zeros((), dtype=torch.float64, device=device)

    def add(self, point: int, sums: Tensor, weights: Tensor) -> None:
        """Add a batch's pairs at one point.

        Args:
            point: the index of the point, below k.
            sums: float64, shape (m, n).
            weights: float64, shape (m, n).
        """
        before, length = self._counts[point], weights.shape[1]
        self._least = torch.minimum(self._least, weights.min())
        if not before:
            total = weights.sum(dim=1)
            ratio = sums.sum(dim=1) / total
            self._pivots[point] = torch.where(ratio.isfinite(), ratio, 0)
        pairs = torch.stack([sums - self._pivots[point][:, None] * weights, weights], dim=1)
        total = pairs.sum(dim=2)
        deviations = pairs - (total / length)[:, :, None]
        moments = (deviations[:, :, None] * deviations[:, None]).sum(dim=3)
        if before:
            shift = total / length - self._sums[point] / before
            scale = before * length / (before + length)
            moments += shift[:, :, None] * shift[:, None] * scale
        self._sums[point] += total
        self._moments[point] += moments
        self._counts[point] = before + length

    @property
    def negative(self) -> bool:
        """True if a weight was negative."""
        return bool(self._least < 0)

    def weights(self) -> NDArray[np.float64]:
        """Return the sums of weights, shape (k, m)."""
        return self._sums[..., 1].cpu().numpy()

    def means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute the weighted means and their standard errors, each of shape (k, m).

        A mean without any weight is NaN, and so is the standard error of a single sample.
        """
        counts: NDArray[Any] = np.array(self._counts, dtype=np.float64)[:, None]
        sums, pivots = self._sums.cpu().numpy(), self._pivots.cpu().numpy()
        moments = self._moments.cpu().numpy()
        with np.errstate(all="ignore"):
            weights = sums[..., 1]
            off = sums[..., 0] / weights  # R - P
            squares = (
                moments[..., 0, 0] - 2 * off * moments[..., 0, 1] + off * off * moments[..., 1, 1]
            )
            errors = np.sqrt(counts / (counts - 1) * np.maximum(squares, 0)) / weights
            return pivots + off, errors
