"""Predictions of fields between their computed points, and how far they may be off.

Losses are often far smoother after a transform: a plane of a loss that grows by decades towards its
corners takes a handful of points as a logarithm, but around a minimum the loss itself is smooth and
its logarithm has a sharp dip. So each field is predicted after several transforms (``transforms``),
and at each place these predictions count by the errors expected of them there, on the field's own
scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices
from landscape_cli.refinement.boxes import Points
from landscape_cli.refinement.fields import Field
from landscape_cli.refinement.kriging import Fit, Kriging, Prediction
from landscape_cli.refinement.matrices import Memory, Values
from landscape_cli.refinement.transforms import IDENTITY, Transform, transforms_of

NOISE = 0.4
"""Standard deviation of the noise that values are taken to have, as a fraction of the tolerance:
predictions do not follow anything smaller."""

SHARPNESS = 6
"""A transform's weight at a place is its expected error there to minus this power."""

ENDS = 2.0
"""The expected error of a transform's prediction is found this many standard deviations off it."""

DISAGREEMENT = 0.3
"""Fraction of the transforms' disagreement at a place that is added to the error expected there."""

LEAST, LARGEST = 1e-12, 1e30
"""Bounds on expected errors, as fractions of the range."""

NEIGHBOURS = 9
"""Places among whose closest points, this many, one is not finite have infinite errors."""

Mask = NDArray[np.bool_]


def coordinates(shape: Sequence[int]) -> Points:
    """Return the coordinates of a grid's points, from 0 to 1 along each axis, of shape (k, d).

    Axes of a single point are left out, unless there is no other.
    """
    axes = [np.arange(points) / max(1, points - 1) for points in shape]
    grids = [grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")]
    kept = [grid for grid, points in zip(grids, shape, strict=True) if points > 1]
    return np.stack(kept or grids[:1], axis=1)


class Predictor:
    """Predicts fields of one grid; sets of points and fields share what they have in common.

    Args:
        places: coordinates of all points of the grid, from ``coordinates``.
        tolerance: largest acceptable error, as a fraction of a field's range.
    """

    def __init__(self, places: Points, tolerance: float) -> None:
        self._places, self._tolerance = places, tolerance
        self._memory = Memory()
        self._krigings: dict[bytes, Kriging] = {}
        self._fits: dict[bytes, Fit] = {}

    def values(self, fields: Sequence[Field], used: Indices, targets: Indices) -> list[Values]:
        """Return each field's predictions at flat indices of the grid, of shape (t,).

        They are NaN if no value is finite. Only fields that are watched are transformed.
        """
        found = [np.full(len(targets), np.nan) for _ in fields]
        for group in _groups(fields, used, self._tolerance):
            if not len(group.points):
                continue
            deviations = any(len(each.transforms) > 1 for each in group.members)
            prediction = self._fit(group).at(self._places[targets], deviations)
            for each, part in group.parts(prediction):
                found[each.number] = each.combined(part)[0]
        return found

    def errors(self, fields: Sequence[Field], used: Indices, targets: Indices) -> list[Values]:
        """Return the standard deviations of each field's errors at flat indices of the grid.

        They are fractions of its range, of shape (t,), infinite next to values that are not finite.
        """
        found = [np.zeros(len(targets)) for _ in fields]
        for group in _groups(fields, used, self._tolerance):
            if len(group.points):
                prediction = self._fit(group).at(self._places[targets])
                for each, part in group.parts(prediction):
                    found[each.number] = each.combined(part)[1]
            if len(group.points) < len(used):
                around = self._kriging(used)
                bad = ~np.isin(used, group.points, assume_unique=True)
                beside = around.beside(self._places[targets], bad, NEIGHBOURS)
                for each in group.members:
                    found[each.number][beside] = np.inf
        return found

    def distances(self, used: Indices, targets: Indices) -> Values:
        """Return the distance from each target to the closest used point."""
        return self._kriging(used).distances(self._places[targets])

    def _kriging(self, points: Indices) -> Kriging:
        key = points.tobytes()
        if key not in self._krigings:
            if len(self._krigings) > 1:
                del self._krigings[next(iter(self._krigings))]
            self._memory.forget()
            self._krigings[key] = Kriging(self._places[points], self._memory)
        return self._krigings[key]

    def _fit(self, group: _Group) -> Fit:
        given, noise = group.given()
        key = group.points.tobytes() + given.tobytes() + noise.tobytes()
        if key not in self._fits:
            if len(self._fits) > 1:
                del self._fits[next(iter(self._fits))]
            self._fits[key] = self._kriging(group.points).fit(given, noise)
        return self._fits[key]


@dataclass(frozen=True)
class _Member:
    """A field of a group.

    Args:
        number: of the field among those asked for.
        values: at the group's points, of shape (n,).
        range: of the field.
        transforms: those to predict.
        noise: standard deviation of the values' noise.
    """

    number: int
    values: Values
    range: float
    transforms: Sequence[Transform]
    noise: float

    def combined(self, prediction: Prediction) -> tuple[Values, Values]:
        """Return values, and the standard deviations of their errors as fractions of the range."""
        if not self.range:
            size = len(prediction.values)
            return np.full(size, self.values[0]), np.zeros(size)
        spread = ENDS * prediction.deviations[:, None] * np.sqrt(prediction.scales)
        middles, low, high = (
            np.stack([t.inverse(ends[:, k]) for k, t in enumerate(self.transforms)], axis=1)
            for ends in (
                prediction.values,
                prediction.values - spread,
                prediction.values + spread,
            )
        )
        with np.errstate(invalid="ignore"):
            errors = np.maximum(np.abs(low - middles), np.abs(high - middles)) / self.range
        errors = np.clip(np.where(np.isfinite(errors), errors, LARGEST), LEAST, LARGEST)
        return _weighted(np.where(np.isfinite(middles), middles, 0), errors, self.range)


def _weighted(values: Values, errors: Values, extent: float) -> tuple[Values, Values]:
    """Weigh predictions by the errors expected of them, both of shape (t, q).

    Returns:
        Values of shape (t,), and the standard deviations of their errors as fractions of the range.
    """
    weights = (errors / errors.min(axis=1, keepdims=True)) ** -float(SHARPNESS)
    weights /= weights.sum(axis=1, keepdims=True)
    found = (weights * values).sum(axis=1)
    roots = np.sqrt(weights)
    squares = (roots * (values - found[:, None]) ** 2).sum(axis=1) / roots.sum(axis=1)
    expected = (weights * errors).sum(axis=1) / ENDS
    return found, expected + DISAGREEMENT * np.sqrt(squares) / extent


@dataclass(frozen=True)
class _Group:
    """Fields that are predicted from the same points, with noise or without.

    Args:
        points: flat indices of the points.
        members: the fields.
    """

    points: Indices
    members: Sequence[_Member]

    def given(self) -> tuple[Values, Values]:
        """Return the transformed values and their noise, one column for each transform."""
        given, noise = [], []
        for each in self.members:
            for transform in each.transforms:
                given.append(transform.forward(each.values))
                noise.append(np.abs(transform.forward(each.values + each.noise) - given[-1]))
        return np.stack(given, axis=1), np.stack(noise, axis=1)

    def parts(self, prediction: Prediction) -> Iterable[tuple[_Member, Prediction]]:
        """Yield each field and the columns that belong to it."""
        start = 0
        for each in self.members:
            columns = slice(start, start := start + len(each.transforms))
            yield (
                each,
                Prediction(
                    prediction.values[:, columns],
                    prediction.scales[:, columns],
                    prediction.deviations,
                ),
            )


def _groups(fields: Sequence[Field], used: Indices, tolerance: float) -> list[_Group]:
    """Return groups of fields, by points and by whether they are watched."""
    found: dict[tuple[bytes, bool], _Group] = {}
    for number, field in enumerate(fields):
        values = field.values.ravel()[used]
        finite = np.isfinite(values)
        noisy = field.watched and field.range > 0
        member = _Member(
            number,
            values[finite],
            field.range,
            transforms_of(field, values[finite]) if noisy else (IDENTITY,),
            NOISE * tolerance * field.range if noisy else 0.0,
        )
        group = found.setdefault((finite.tobytes(), noisy), _Group(used[finite], []))
        found[finite.tobytes(), noisy] = _Group(group.points, [*group.members, member])
    return list(found.values())
