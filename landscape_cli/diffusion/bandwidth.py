"""The kernel's bandwidth, and the dimension that its sum suggests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.dynamics.diffusion import KernelSums

Floats = NDArray[np.float64]

BINS = 1 << 13
"""Number of bins into which distances are put on a logarithmic scale, if there are more of them."""

PER_DECADE = 16
"""Number of bandwidths per decade of the curve of sums."""

MARGIN = 32.0
"""Factor by which the curve goes beyond the smallest and the largest squared distance."""

MOST = 1024
"""Upper bound on the number of bandwidths of the curve."""

JOINED = 0.01
"""Least value of the kernel over the longest of the steps that join all points."""

PRECISION = 1e-6
"""Relative precision of a bandwidth that is chosen."""

PROMINENT = 0.1
"""Depth of the valley, as a fraction of the largest slope, beyond which a maximum is another."""


@dataclass(frozen=True)
class Pairs:
    """The squared distances between points, each pair once, in a form that is quick to sum over.

    Args:
        values: squared distances above 0, ascending, of shape (m,).
        counts: number of pairs with each, of shape (m,).
        zeros: number of pairs at distance 0.
        points: number of points.
        joining: the smallest squared distance such that steps of at most its length join all
            points.
    """

    values: Floats
    counts: Floats
    zeros: int
    points: int
    joining: float

    @classmethod
    def of(cls, distances2: Floats) -> Pairs:
        """Collect the distances of a matrix, of shape (n, n).

        More than ``BINS`` of them are put into as many bins, and replaced by their bin's mean.
        """
        count = len(distances2)
        rows = [distances2[row, row + 1 :] for row in range(count)]
        every = np.concatenate(rows)
        positive = every[every > 0]
        zeros = len(every) - len(positive)
        if len(positive) <= BINS:
            values = np.sort(positive)
            return cls(values, np.ones(len(values)), zeros, count, joining(distances2))
        return cls(*_binned(positive), zeros, count, joining(distances2))

    def sums(self, epsilons: Floats) -> Floats:
        """Return the kernel's sum over all ordered pairs, also of a point with itself."""
        return self._moments(epsilons)[0]

    def slopes(self, epsilons: Floats) -> Floats:
        """Return the derivative of log sum by log bandwidth."""
        sums, first = self._moments(epsilons)
        return first / sums

    def curve(self) -> KernelSums:
        """Return the sums from where only the points themselves count to where all pairs do."""
        low, high = self.values[0] / MARGIN, self.values[-1] * MARGIN
        number = math.ceil(PER_DECADE * math.log10(high / low)) + 1
        epsilons = np.geomspace(low, high, min(number, MOST))
        return KernelSums(epsilons, self.sums(epsilons))

    def median(self) -> float:
        """Return the median squared distance of those above 0."""
        place = np.searchsorted(np.cumsum(self.counts), self.counts.sum() / 2)
        return float(self.values[place])

    def _moments(self, epsilons: Floats) -> tuple[Floats, Floats]:
        """Return the sums of the kernel, and of the kernel times distance over bandwidth."""
        sums, first = np.empty(len(epsilons)), np.empty(len(epsilons))
        for number, epsilon in enumerate(epsilons.tolist()):
            ratio = self.values / epsilon
            kernel = self.counts * np.exp(-ratio)
            sums[number] = self.points + 2 * self.zeros + 2 * kernel.sum()
            first[number] = 2 * (ratio * kernel).sum()
        return sums, first


@dataclass(frozen=True)
class SteepestSlope:
    """The bandwidth at which the kernel's sum grows fastest, of those that join all points.

    Args:
        epsilon: the bandwidth.
        slope: of log sum by log bandwidth there.
        maxima: number of maxima of the slope that a clear valley divides.
    """

    epsilon: float
    slope: float
    maxima: int

    @property
    def dimension(self) -> float:
        """Twice the slope: the sum grows as bandwidth^(d / 2) on a manifold of dimension d."""
        return 2 * self.slope


def steepest(pairs: Pairs, curve: KernelSums) -> SteepestSlope:
    """Find the bandwidth at which log sum over log bandwidth is steepest.

    Source: Coifman, Shkolnisky, Sigworth and Singer 2008; Berry and Harlim 2016. Points of several
    densities or clusters make several maxima. Steps that shrink by orders of magnitude, as at the
    end of a training, make the largest one where most points have no neighbour, so only bandwidths
    count whose kernel joins all points.

    Args:
        pairs: the distances.
        curve: of their sums.
    """
    slopes, logs = pairs.slopes(curve.epsilons), np.log(curve.epsilons)
    least = math.log(pairs.joining / -math.log(JOINED))
    top = int(np.where(logs >= least, slopes, -1.0).argmax())
    low, high = max(logs[max(top - 1, 0)], least), logs[min(top + 1, len(logs) - 1)]
    epsilon = _refined(pairs, float(low), float(high))
    return SteepestSlope(epsilon, float(pairs.slopes(np.array([epsilon]))[0]), _maxima(slopes))


def _refined(pairs: Pairs, low: float, high: float) -> float:
    """Return the bandwidth of the maximum between two logarithms, by ever finer grids."""
    while high - low > PRECISION:
        logs = np.linspace(low, high, 9)
        top = int(pairs.slopes(np.exp(logs)).argmax())
        low, high = float(logs[max(top - 1, 0)]), float(logs[min(top + 1, 8)])
    return math.exp((low + high) / 2)


def joining(distances2: Floats) -> float:
    """Return the longest squared edge of the minimum spanning tree of points (Prim 1957)."""
    outside = np.ones(len(distances2), dtype=bool)
    outside[0] = False
    nearest, longest = distances2[0].copy(), 0.0
    for _ in range(len(distances2) - 1):
        place = int(np.where(outside, nearest, np.inf).argmin())
        longest = max(longest, float(nearest[place]))
        outside[place] = False
        np.minimum(nearest, distances2[place], out=nearest)
    return longest


def _maxima(slopes: Floats) -> int:
    """Count maxima, each of which rises clearly above the valleys beside it."""
    depth = PROMINENT * float(slopes.max())
    count, rising = 0, True
    extreme = -math.inf
    for slope in slopes.tolist():
        if rising and slope < extreme - depth:
            count, rising, extreme = count + 1, False, slope
        elif not rising and slope > extreme + depth:
            rising, extreme = True, slope
        else:
            extreme = max(extreme, slope) if rising else min(extreme, slope)
    return count


def _binned(values: Floats) -> tuple[Floats, Floats]:
    """Return the mean of the values in each bin that has any, and their number."""
    logs = np.log(values)
    low, high = float(logs.min()), float(logs.max())
    width = (high - low) / BINS or 1.0
    places = np.minimum(((logs - low) / width).astype(np.int64), BINS - 1)
    counts = np.bincount(places, minlength=BINS).astype(np.float64)
    sums = np.bincount(places, weights=values, minlength=BINS)
    there = counts > 0
    return sums[there] / counts[there], counts[there]
