"""Kriging of scattered points with the kernel r^3, and how far its values may be off.

The prediction is a polyharmonic spline: a sum of |x - x_i|^3 and a linear function, which in one
dimension is the natural cubic spline (Duchon 1977, "Splines minimizing rotation-invariant
semi-norms in Sobolev spaces"). It is also the best linear prediction of a random function with the
generalized covariance r^3 (Matheron 1973, "The intrinsic random functions and their
applications"), which gives a standard deviation at every place, up to the function's scale. That
scale follows from the errors with which every point is predicted by the others, which need no
further solution (Dubrule 1983, "Cross validation of kriging in a unique neighborhood").

Systems are small (see ``boxes``), and several functions of the same points share them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices
from landscape_cli.refinement.boxes import Box, Boxes, Points
from landscape_cli.refinement.matrices import Memory, Values, invert, multiply

Mask = NDArray[np.bool_]

RIDGE = 1e-12
"""Variance, relative to a box's, that keeps points on one line or plane from making it singular."""

AT_ONCE = 4096
"""Number of targets that are predicted together."""

WIDTH = 3
"""The weight of a point's scale at a target falls to 1/e at the distance of the point that is this
close to it: 1 for the closest one."""


@dataclass(frozen=True)
class Prediction:
    """A prediction of q functions at targets.

    Args:
        values: of shape (t, q).
        scales: squared local scales of the functions, means of those at the points around, of shape
            (t, q).
        deviations: standard deviations of a function of scale 1, of shape (t,); NaN if left out.
    """

    values: Values
    scales: Values
    deviations: Values


class Kriging:
    """Kriging from one set of points.

    Args:
        points: distinct coordinates between 0 and 1, of shape (n, d).
        memory: keeps what other sets of points have in common with this one.
    """

    def __init__(self, points: Points, memory: Memory | None = None) -> None:
        self._points = points
        self._boxes = Boxes(points)
        self._memory = Memory() if memory is None else memory

    def fit(self, values: Values, noise: Values) -> Fit:
        """Fit functions to noisy values.

        Args:
            values: at the points, of shape (n, q), for q functions.
            noise: standard deviations of the values' noise, of shape (n, q). The ratio of noise to
                scale is that of the function in which it is smallest.
        """
        scales = np.empty_like(values)
        systems = []
        for box in self._boxes.all():
            system = self._system(box, values[box.near], noise[box.near])
            own = np.searchsorted(box.near, box.core)
            expected = np.diag(system.inverse)[own, None] * system.unit**2
            scales[box.core] = np.abs(system.weights[own] ** 2 / expected)
            systems.append(system)
        return Fit(self._points, self._boxes, self._memory, systems, scales)

    def distances(self, targets: Points) -> Values:
        """Return the distance from each target to the closest point, of shape (t,)."""
        found = np.empty(len(targets))
        for box, some in self._boxes.with_targets(targets):
            found[some] = _squares(targets[some], self._points[box.near]).min(axis=1)
        distances: Values = np.sqrt(found)
        return distances

    def beside(self, targets: Points, marked: Mask, count: int) -> Mask:
        """Return whether one of the closest points to each target is marked, of shape (t,).

        Args:
            targets: coordinates between 0 and 1, of shape (t, d).
            marked: of the points, of shape (n,).
            count: number of points that are closest; more that are equally close count too.
        """
        found = np.zeros(len(targets), bool)
        for box, some in self._boxes.with_targets(targets):
            if marked[box.near].any():
                squares = _squares(targets[some], self._points[box.near])
                last = min(count, squares.shape[1]) - 1
                limit = np.partition(squares, last, axis=1)[:, last, None]
                found[some] = ((squares <= limit) & marked[box.near]).any(axis=1)
        return found

    def _system(self, box: Box, values: Values, noise: Values) -> _System:
        near, size = _scaled(self._points[box.near], self._points[box.near])
        inverse = self._inverse(near, np.zeros(len(near)))
        weights = multiply(inverse[:, : len(near)], values)
        if noise.any():
            scales = (weights[: len(near)] * values).sum(axis=0) / len(near)
            ratios = noise**2 / np.maximum(scales, noise.max(axis=0) ** 2)
            inverse = self._inverse(near, ratios.min(axis=1))
            weights = multiply(inverse[:, : len(near)], values)
        return _System(near, size**1.5, inverse, weights)

    def _inverse(self, near: Points, ratio: Values) -> Values:
        return self._memory.get(lambda: _inverse(near, ratio), near, ratio)


@dataclass(frozen=True)
class _System:
    """The solved system of a box.

    Args:
        near: scaled coordinates of its points, of shape (n, d).
        unit: the kernel's standard deviation over their extent.
        inverse: of the system, of shape (n + d + 1, n + d + 1).
        weights: of the kernel and the linear functions, of shape (n + d + 1, q).
    """

    near: Points
    unit: float
    inverse: Values
    weights: Values


class Fit:
    """Functions fitted to values at points; from ``Kriging.fit``."""

    def __init__(
        self,
        points: Points,
        boxes: Boxes,
        memory: Memory,
        systems: list[_System],
        scales: Values,
    ) -> None:
        self._points, self._boxes, self._memory, self._systems = points, boxes, memory, systems
        self.scales = scales
        """Squared local scales of the functions at the points, of shape (n, q): squared errors of
        each point's prediction by the others over their expectation."""

    def at(self, targets: Points, deviations: bool = True) -> Prediction:
        """Predict the functions at targets.

        Args:
            targets: coordinates between 0 and 1, of shape (t, d).
            deviations: whether to compute standard deviations, which takes most of the time.
        """
        functions = self.scales.shape[1]
        values, scales = np.empty((2, len(targets), functions))
        spread = np.full(len(targets), np.nan)
        for box, some in self._parts(targets):
            system = self._systems[box.number]
            places = _scaled(targets[some], self._points[box.near])[0]
            squares = _squares(places, system.near)
            kernel = _kernel(places, squares)
            values[some] = multiply(kernel, system.weights)
            scales[some] = multiply(_weights(squares), self.scales[box.near])
            if deviations:
                spread[some] = system.unit * self._deviations(system, places, kernel)
        return Prediction(values, scales, spread)

    def _deviations(self, system: _System, places: Points, kernel: Values) -> Values:
        """Return deviations in units of the box's, which others of the same form share."""

        def compute() -> Values:
            variances = -(multiply(kernel, system.inverse) * kernel).sum(axis=1)
            deviations: Values = np.sqrt(np.maximum(variances, 0))
            return deviations

        return self._memory.get(compute, places, system.near, system.inverse)

    def _parts(self, targets: Points) -> Iterator[tuple[Box, Indices]]:
        for box, within in self._boxes.with_targets(targets):
            for start in range(0, len(within), AT_ONCE):
                yield box, within[start : start + AT_ONCE]


def _scaled(points: Points, near: Points) -> tuple[Points, float]:
    """Return points in units of the extent of ``near``, from its middle; and that extent."""
    low, high = near.min(axis=0), near.max(axis=0)
    size = float((high - low).max()) or 1.0
    return (points - (low + high) / 2) / size, size


def _squares(points: Points, near: Points) -> Values:
    """Return squared distances, of shape (t, n)."""
    squares = np.zeros((len(points), len(near)))
    for axis in range(near.shape[1]):
        squares += (points[:, axis, None] - near[:, axis]) ** 2
    return squares


def _kernel(points: Points, squares: Values) -> Values:
    """Return the kernel and the linear functions at points, of shape (t, n + d + 1)."""
    return np.concatenate([squares * np.sqrt(squares), np.ones((len(points), 1)), points], axis=1)


def _weights(squares: Values) -> Values:
    """Return the weights of the points' scales at targets, of shape (t, n), whose sums are 1."""
    closest = min(WIDTH, squares.shape[1]) - 1
    widths = np.partition(squares, closest, axis=1)[:, closest, None]
    weights: Values = np.exp(-squares / np.where(widths > 0, widths, 1))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _inverse(near: Points, ratio: Values) -> Values:
    """Return the inverse of the kriging system, of shape (n + d + 1, n + d + 1)."""
    rows = _kernel(near, _squares(near, near))
    count, size = rows.shape
    system = np.zeros((size, size))
    system[:count] = rows
    system[count:, :count] = rows[:, count:].T
    diagonal = np.arange(size)
    system[diagonal, diagonal] = np.concatenate([ratio, np.full(size - count, -RIDGE)])
    return invert(system)
