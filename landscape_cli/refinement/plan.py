"""Adaptive refinement: the choice of the next points to compute from the values known so far.

The grid's coarsest level is computed completely. Then, in rounds, a finer level is predicted from
the points computed so far (``prediction``), and the places with the largest expected errors are
computed, some distance apart, until all expected errors are within the tolerance; then the next
level is. On a chaotic surface, expected errors stay too large until everything is computed. Finally
some of the interpolated points, drawn at random, are computed (held-out points): their errors are
reported, and if one is too large, all of them are used like any others, larger errors are expected
from then on, and others are drawn. At the end all computed points are interpolated between.

The choice depends only on the grid, the settings and the values, and its order is always the same,
so a run that is continued, or has another number of ranks, computes the same points.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices, level_of_points
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.refinement import held_out
from landscape_cli.refinement.boxes import WHOLE
from landscape_cli.refinement.fields import Field, ScaleName, field_of, fields_of, worst
from landscape_cli.refinement.prediction import Predictor, coordinates
from landscape_cli.refinement.selection import apart

Mask = NDArray[np.bool_]

SEED = 0
"""Seed of the draws of held-out points."""

AT_FIRST = 5000
"""Largest number of points on the first level that is predicted, unless that is the second one."""

GROWTH, FEWEST = 0.25, 4
"""Largest number of points in a round, as a fraction of those in use; and its lower bound."""

CHAOTIC, CLOSEST = 4.0, 8.0
"""Among many points, a round has as many as exceed the tolerance this many times; and there, points
are chosen closer together, as if errors were at most that many times larger still."""

CAUTION, AFTER_FAILURE = 1.5, 1.5
"""Expected errors are this many standard deviations. If a held-out point errs too much, they are
larger by its error over the tolerance from then on, but by no more than the second factor."""

FEW = 8
"""Fewer points than this to the power of the grid's dimension tell little of a function's scale, so
larger errors are expected."""


@dataclass(frozen=True)
class Step:
    """The next points to compute, and the interpolated values so far.

    Args:
        todo: flat indices of the points to compute; empty at the end.
        interpolated: mask of the points of finished levels that were not computed, of the grid's
            shape; empty unless more levels are finished than at the last step.
        values: each quantity's interpolated values, of the grid's shape, NaN for none.
        stderr: the interpolated standard errors in the same form.
        facts: None until the end, then a summary for the file: ``tolerance``; ``computed`` and
            ``held_out``, numbers of points; ``beyond``, the upper confidence bound on the fraction
            of interpolated points that err by more than the tolerance; ``quantities``, a list with
            ``split``, ``quantity``, ``watched``, ``scale``, ``range`` and the largest ``error`` of
            each.
        held_out: whether the points to compute are held-out ones.
    """

    todo: Indices
    interpolated: Mask
    values: Mapping[Quantity, NDArray[np.float64]]
    stderr: Mapping[Quantity, NDArray[np.float64]]
    facts: dict[str, Any] | None = None
    held_out: bool = False


class Refinement:
    """Adaptive refinement of a grid of any number of axes.

    Args:
        shape: the grid's shape.
        tolerance: largest acceptable interpolation error, as a fraction of a quantity's range.
        scale: scale on which errors and ranges are taken: ``linear``, ``log`` or ``auto``, which is
            log for positive values that span more than three decades.
        quantities: names of the quantities to watch, whose errors decide; if None, ``loss`` if
            there is one, else all.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        tolerance: float,
        scale: ScaleName = "auto",
        quantities: list[str] | None = None,
    ) -> None:
        self._tolerance = tolerance
        self._scale: ScaleName = scale
        self._quantities = quantities
        self._first = level_of_points(shape)
        self._levels = int(self._first.max()) + 1
        self._base = wholly_computed(shape)
        self._start = self._first_predicted()
        self._places = coordinates(shape)
        self._predictor = Predictor(self._places, tolerance)
        self._shown = 0
        self._chosen: dict[bytes, tuple[int, Indices]] = {}

    def step(self, surface: Surface) -> Step:
        """Choose what to compute next, given the values so far.

        Raises:
            UsageError: if the surface lacks a quantity to watch.
        """
        known = _known(surface)
        used, draw, caution = self._base.copy(), 0, CAUTION
        while True:
            if (used & ~known).any():
                return self._waiting(used & ~known)
            fields = fields_of(surface, used, self._scale, self._quantities)
            watched = [field for field in fields if field.watched]
            level, chosen = self._next(watched, used, caution)
            if len(chosen):
                missing = chosen[~known.ravel()[chosen]]
                if len(missing):
                    return self._interim(surface, fields, used, missing, level)
                used.ravel()[chosen] = True
                continue
            checked = self._held_out(used, draw)
            missing = checked[~known.ravel()[checked]]
            if len(missing):
                # The last level stays unfinished until the held-out points are computed.
                step = self._interim(surface, fields, used, missing, self._levels - 1)
                return replace(step, held_out=True)
            errors = self._errors(fields, used, checked)
            largest = worst(errors[f.quantity] for f in watched).max(initial=0.0)
            if largest <= self._tolerance:
                return self._final(surface, fields, used, checked, draw, errors)
            used.ravel()[checked] = True
            draw += 1
            caution *= min(largest / self._tolerance, AFTER_FAILURE)

    def _first_predicted(self) -> int:
        """Return the finest level that has few enough points to predict all of them at once."""
        sizes = np.cumsum(np.bincount(self._first.ravel()))
        return max(1, int(np.searchsorted(sizes, AT_FIRST, side="right")) - 1)

    def _next(self, watched: list[Field], used: Mask, caution: float) -> tuple[int, Indices]:
        """Return the coarsest level that is not finished, and the points to compute on it.

        Choices are remembered, so that a step repeats none.
        """
        digest = hashlib.sha256(np.packbits(used).tobytes() + np.float64(caution).tobytes())
        for field in watched:
            digest.update(field.values[used].tobytes())
        key = digest.digest()
        if key not in self._chosen:
            self._chosen[key] = self._choose(watched, used, caution)
        return self._chosen[key]

    def _choose(self, watched: list[Field], used: Mask, caution: float) -> tuple[int, Indices]:
        indices = np.flatnonzero(used)
        few = FEW ** self._places.shape[1] / len(indices)
        caution *= 1 + few**2
        for level in range(self._start, self._levels):
            asked = self._first <= level if level == self._start else self._first == level
            targets = np.flatnonzero(asked & ~used)
            if not len(targets):
                continue
            errors = caution * worst(self._predictor.errors(watched, indices, targets))
            if errors.max() > self._tolerance:
                large = errors > self._tolerance
                targets = targets[large]
                radii = self._predictor.distances(indices, targets)
                chosen = self._select(targets, errors[large], radii, len(indices))
                return int(self._first.ravel()[targets].min()), np.sort(chosen)
        return self._levels, np.empty(0, np.int64)

    def _select(
        self, targets: Indices, errors: NDArray[np.float64], radii: NDArray[np.float64], used: int
    ) -> Indices:
        """Select points with large expected errors, some distance apart.

        The expected errors of a rough function fall with the distance to the power of 3/2, so where
        they are far too large, points between two that are selected will be needed as well.

        Args:
            targets: flat indices of the points, of shape (t,).
            errors: their expected errors, of shape (t,).
            radii: their distances from the closest used points, of shape (t,).
            used: number of points in use.
        """
        ratios = errors / (CHAOTIC * self._tolerance)
        most = max(FEWEST, int(GROWTH * used))
        if used > WHOLE:
            most = max(most, int((ratios > 1).sum()))
            radii = radii / np.clip(ratios, 1, CLOSEST) ** (2 / 3)
        return targets[apart(self._places[targets], errors, radii, most)]

    def _held_out(self, used: Mask, draw: int) -> Indices:
        """Draw flat indices of interpolated points."""
        return held_out.draw(np.flatnonzero(~used), used.size, (SEED, draw))

    def _errors(
        self, fields: list[Field], used: Mask, checked: Indices
    ) -> dict[Quantity, NDArray[np.float64]]:
        """Return the fields' errors at the held-out points, of shape (k,)."""
        predicted = self._predictor.values(fields, np.flatnonzero(used), checked)
        return {
            field.quantity: field.errors(values, field.values.ravel()[checked])
            for field, values in zip(fields, predicted, strict=True)
        }

    def _waiting(self, missing: Mask) -> Step:
        return Step(np.flatnonzero(missing), np.zeros_like(missing), {}, {})

    def _interim(
        self, surface: Surface, fields: list[Field], used: Mask, missing: Indices, level: int
    ) -> Step:
        fresh, self._shown = level > self._shown, max(level, self._shown)
        targets = (self._first < level) & ~_known(surface) & fresh
        targets.ravel()[missing] = False
        return self._step(surface, fields, used, targets, missing, None)

    def _final(
        self,
        surface: Surface,
        fields: list[Field],
        used: Mask,
        checked: Indices,
        draw: int,
        errors: Mapping[Quantity, NDArray[np.float64]],
    ) -> Step:
        facts = {
            "tolerance": self._tolerance,
            "computed": int(_known(surface).sum()),
            "held_out": len(checked),
            "beyond": held_out.bound_beyond(len(checked), draw),
            "quantities": [
                {
                    "split": field.quantity[0],
                    "quantity": field.quantity[1],
                    "watched": field.watched,
                    "scale": "log" if field.log else "linear",
                    "range": field.range,
                    "error": float(errors[field.quantity].max(initial=0.0)),
                }
                for field in fields
            ],
        }
        none = np.empty(0, np.int64)
        used = used.copy()
        used.ravel()[checked] = True  # no kinks beside them; their errors are those without them
        return self._step(surface, fields, used, ~_known(surface), none, facts)

    def _step(
        self,
        surface: Surface,
        fields: list[Field],
        used: Mask,
        targets: Mask,
        todo: Indices,
        facts: dict[str, Any] | None,
    ) -> Step:
        values: dict[Quantity, NDArray[np.float64]] = {}
        stderr: dict[Quantity, NDArray[np.float64]] = {}
        if targets.any():
            errors = [field_of(key, each, used) for key, each in sorted(surface.stderr.items())]
            filled = self._filled([*fields, *errors], used, targets)
            for number, (field, each) in enumerate(zip([*fields, *errors], filled, strict=True)):
                group = values if number < len(fields) else stderr
                group[field.quantity] = field.unscaled(each)
        return Step(todo, targets, values, stderr, facts)

    def _filled(self, fields: list[Field], used: Mask, targets: Mask) -> list[NDArray[np.float64]]:
        """Return fields' values where they are used, and predictions at the targets."""
        predicted = self._predictor.values(fields, np.flatnonzero(used), np.flatnonzero(targets))
        filled = [np.where(used, field.values, np.nan) for field in fields]
        for each, values in zip(filled, predicted, strict=True):
            each[targets] = values
        return filled


def wholly_computed(shape: tuple[int, ...]) -> Mask:
    """Return a mask over a grid of the points that are computed in any case."""
    mask: Mask = level_of_points(shape) == 0
    return mask


def _known(surface: Surface) -> Mask:
    return np.isin(surface.status, (Status.OK, Status.NOT_FINITE, Status.FAILED))
