"""Predictions of a field between its computed points, and how far they may be off.

Losses are often far smoother after a transform: a plane of a loss that grows by decades towards its
corners takes a handful of points as a logarithm. So a field is predicted as it is, as its square
root or as its logarithm (Box & Cox 1964's family at 1, 1/2 and 0), whichever predicts every point
best from the others. The errors that count are those on the field's own scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from landscape_cli.records.levels import Indices
from landscape_cli.refinement.boxes import Points
from landscape_cli.refinement.fields import Field
from landscape_cli.refinement.kriging import Values, left_out, predict

NOISE = 0.3
"""Standard deviation of the noise that values are taken to have, as a fraction of the tolerance:
predictions do not follow anything smaller."""

NEIGHBOURS = 9
"""Number of the closest points whose scale counts at a place."""

WIDTH = 3
"""Weights of neighbours fall to 1/e at the distance of this one."""


@dataclass(frozen=True)
class _Transform:
    forward: Callable[[Values], Values]
    inverse: Callable[[Values], Values]


_IDENTITY = _Transform(np.array, np.array)
_OF_POSITIVE = (
    _IDENTITY,
    _Transform(np.sqrt, lambda values: np.maximum(values, 0) ** 2),
    _Transform(np.log, lambda values: np.exp(np.minimum(values, 700))),
)


def coordinates(shape: Sequence[int]) -> Points:
    """Return the coordinates of a grid's points, from 0 to 1 along each axis, of shape (k, d).

    Axes of a single point are left out, unless there is no other.
    """
    axes = [np.arange(points) / max(1, points - 1) for points in shape]
    grids = [grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")]
    kept = [grid for grid, points in zip(grids, shape, strict=True) if points > 1]
    return np.stack(kept or grids[:1], axis=1)


class Neighbours:
    """The closest used points of some targets, and their weights.

    Args:
        points: coordinates of the used points, of shape (n, d).
        targets: coordinates, of shape (t, d).
    """

    def __init__(self, points: Points, targets: Points) -> None:
        from scipy.spatial import cKDTree

        count = min(NEIGHBOURS, len(points))
        found = cKDTree(points).query(targets, k=[*range(1, count + 1)])
        distances, self._indices = found
        self.nearest: Values = distances[:, 0]
        widths = distances[:, min(WIDTH, count) - 1]
        weights = np.exp(-((distances / widths[:, None]) ** 2))
        self._weights = weights / weights.sum(axis=1, keepdims=True)

    def mean(self, values: Values) -> Values:
        """Return the weighted means of the used points' values around each target."""
        means: Values = (self._weights * values[self._indices]).sum(axis=1)
        return means


class Predictor:
    """Predicts a field from its values at some points of a grid.

    Args:
        field: the field.
        used: flat indices of the points to use.
        places: coordinates of all points of the grid, from ``coordinates``.
        tolerance: largest acceptable error, as a fraction of the field's range.
    """

    def __init__(self, field: Field, used: Indices, places: Points, tolerance: float) -> None:
        values = field.values.ravel()[used]
        self._finite = np.isfinite(values)
        self._values = values[self._finite]
        self._range = field.range
        self._places, self._points = places, places[used[self._finite]]
        self._transform = _IDENTITY
        self._given, self._noise = self._values, np.zeros_like(self._values)
        if self._range > 0:
            self._choose(field)
            higher = self._transform.forward(self._values + NOISE * tolerance * self._range)
            self._noise = np.abs(higher - self._given)

    def _choose(self, field: Field) -> None:
        """Choose the transform by which every point is predicted best from the others."""
        if field.log or self._values.min() <= 0:
            return
        given = np.stack([each.forward(self._values) for each in _OF_POSITIVE], axis=1)
        predicted = given - left_out(self._points, given)
        errors = [
            np.abs(each.inverse(predicted[:, number]) - self._values)
            for number, each in enumerate(_OF_POSITIVE)
        ]
        means = [float(np.minimum(each / self._range, 1).mean()) for each in errors]
        best = int(np.argmin(means))
        self._transform, self._given = _OF_POSITIVE[best], given[:, best].copy()

    def values(self, targets: Indices) -> Values:
        """Return the predictions at flat indices of the grid; NaN if no value is finite."""
        if not len(self._values):
            return np.full(len(targets), np.nan)
        if not self._range:
            return np.full(len(targets), self._values[0])
        places = self._places[targets]
        found = predict(self._points, self._given, self._noise, places, deviations=False).values
        return self._transform.inverse(found)

    def errors(self, targets: Indices, neighbours: Neighbours, caution: float) -> Values:
        """Return the expected errors at flat indices of the grid, as fractions of the range.

        They are infinite next to values that are not finite.

        Args:
            targets: the indices, of shape (t,).
            neighbours: the used points around them.
            caution: number of standard deviations.
        """
        beside = neighbours.mean((~self._finite).astype(float)) > 0
        errors = np.zeros(len(targets))
        if self._range > 0:
            found = predict(self._points, self._given, self._noise, self._places[targets])
            scales = np.zeros(len(self._finite))
            scales[self._finite] = found.scales
            deviations = caution * found.deviations * np.sqrt(neighbours.mean(scales))
            middle = self._transform.inverse(found.values)
            for ends in (found.values - deviations, found.values + deviations):
                errors = np.maximum(errors, np.abs(self._transform.inverse(ends) - middle))
            errors /= self._range
        return np.where(beside, np.inf, errors)
