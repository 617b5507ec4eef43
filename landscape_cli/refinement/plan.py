"""Adaptive refinement: the choice of the next points to compute from the values known so far.

The grid's two coarsest levels are computed completely. Each further level is interpolated from the
previous one, and computed in the cells around every point whose interpolation erred by more than
the tolerance on the previous level; then also around every point that errs on the level itself,
until the computed regions are bordered by points that were predicted well. On a chaotic surface,
these regions cover everything. Finally some of the interpolated points, drawn at random, are
computed (held-out points): their errors are reported, and if one is too large, the cells around it
are computed as well, and twice as many points are drawn.

The choice depends only on the grid, the settings and the values, and its order is always the same,
so a run that is continued, or has another number of ranks, computes the same points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices, axis_levels, level_of_points
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.refinement.fields import Field, ScaleName, fields_of, worst
from landscape_cli.refinement.interpolation import fill, interpolate, keep
from landscape_cli.refinement.level_cells import Cells, Mask

SEED = 0
"""Seed of the draws of held-out points."""

HELD_OUT = 0.02
"""Number of held-out points in the first draw, as a fraction of the grid."""

FEWEST_HELD_OUT, MOST_HELD_OUT = 16, 256
"""Bounds on that number."""

LARGEST_SHARE = 0.25
"""Upper bound on that number, as a fraction of the interpolated points."""

DOUBT = 0.05
"""Total error probability of the bound on how many points err too much: half of it is spent on the
first draw, half of the remainder on the second, and so on."""


@dataclass(frozen=True)
class Step:
    """The next points to compute, and the interpolated values so far.

    Args:
        todo: flat indices of the points to compute; empty at the end.
        interpolated: mask of the points of finished levels that were not computed, of the grid's
            shape.
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
        axes = [axis_levels(points) for points in shape]
        count = max(len(levels) for levels in axes)
        self._levels = [
            [levels[min(number, len(levels) - 1)] for levels in axes] for number in range(count)
        ]
        self._first = level_of_points(shape)
        self._base = wholly_computed(shape)

    def step(self, surface: Surface) -> Step:
        """Choose what to compute next, given the values so far.

        Raises:
            UsageError: if the surface lacks a quantity to watch.
        """
        known = _known(surface)
        if (self._base & ~known).any():
            return _waiting(self._base & ~known)
        fields = fields_of(surface, self._base, self._scale, self._quantities)
        watched = [field for field in fields if field.watched]
        used = self._base.copy()
        for draw in range(self._first.size):
            used, level = self._walk(watched, used, known)
            missing = used & ~known
            if missing.any():
                return self._interim(surface, fields, used & known, missing, level)
            held_out = self._held_out(used, draw)
            missing.ravel()[held_out] = ~known.ravel()[held_out]
            if missing.any():
                # The last level stays unfinished until the held-out points are computed.
                step = self._interim(surface, fields, used, missing, len(self._levels) - 1)
                return replace(step, held_out=True)
            predictions = {field.quantity: self._filled(field, used) for field in fields}
            errors = _errors(fields, predictions, held_out)
            if (
                not len(held_out)
                or worst(errors[f.quantity] for f in watched).max() <= self._tolerance
            ):
                break
            used.ravel()[held_out] = True
        return self._final(surface, fields, used, held_out, draw, errors)

    def _walk(self, watched: list[Field], used: Mask, known: Mask) -> tuple[Mask, int]:
        """Extend the points in use by those that the values require.

        Returns:
            The points, and the level on which some of them are not yet known; the number of levels
            if all are.
        """
        used = used.copy()
        errors = np.zeros(self._first.shape)
        values = [field.values[np.ix_(*self._levels[0])] for field in watched]
        for level in range(1, len(self._levels)):
            old, new = self._levels[level - 1], self._levels[level]
            points = np.ix_(*new)
            cells, fresh = Cells(old, new), self._first[points] == level
            finer = [keep(interpolate(v, old, new), v, old, new) for v in values]
            exact = [field.values[points] for field in watched]
            largest = worst(f.errors(p, e) for f, p, e in zip(watched, finer, exact, strict=True))
            previous = self._first[points] == level - 1
            here = used[points] | cells.around(previous & (errors[points] > self._tolerance))
            while True:
                if (here & ~known[points]).any():
                    used[points] |= here
                    return used, level
                wider = here | cells.around(here & fresh & (largest > self._tolerance))
                if (wider == here).all():
                    break
                here = wider
            used[points] = here
            errors[points] = np.where(here & fresh, largest, errors[points])
            values = [np.where(here, e, p) for e, p in zip(exact, finer, strict=True)]
        return used, len(self._levels)

    def _held_out(self, used: Mask, draw: int) -> Indices:
        """Draw flat indices of interpolated points, twice as many in each draw."""
        interpolated = np.flatnonzero(~used)
        desired = min(max(FEWEST_HELD_OUT, int(HELD_OUT * used.size)), MOST_HELD_OUT)
        most = max(1, int(LARGEST_SHARE * len(interpolated)))
        count = min(len(interpolated), min(desired, most) << draw)
        return np.sort(np.random.default_rng([SEED, draw]).permutation(interpolated)[:count])

    def _filled(self, field: Field, used: Mask, level: int | None = None) -> NDArray[np.float64]:
        """Return a field with interpolated values where it is not used, NaN from a level on."""
        levels = self._levels[:level]
        filled = np.full(used.shape, np.nan)
        filled[np.ix_(*levels[-1])] = fill(field.values, used, levels)
        return filled

    def _interim(
        self, surface: Surface, fields: list[Field], used: Mask, missing: Mask, level: int
    ) -> Step:
        step = self._step(surface, fields, used, level, np.flatnonzero(missing), None)
        return replace(step, interpolated=step.interpolated & ~missing)

    def _final(
        self,
        surface: Surface,
        fields: list[Field],
        used: Mask,
        held_out: Indices,
        draw: int,
        errors: Mapping[Quantity, NDArray[np.float64]],
    ) -> Step:
        facts = {
            "tolerance": self._tolerance,
            "computed": int(used.sum()) + len(held_out),
            "held_out": len(held_out),
            "beyond": 1 - (DOUBT / 2 ** (draw + 1)) ** (1 / len(held_out))
            if len(held_out)
            else 0.0,
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
        return self._step(surface, fields, used, len(self._levels), none, facts)

    def _step(
        self,
        surface: Surface,
        fields: list[Field],
        used: Mask,
        level: int,
        todo: Indices,
        facts: dict[str, Any] | None,
    ) -> Step:
        values, stderr = {}, {}
        for field in fields:
            key = field.quantity
            values[key] = field.unscaled(self._filled(field, used, level))
            if key in surface.stderr:
                errors = Field(key, False, False, surface.stderr[key], 0.0)
                stderr[key] = self._filled(errors, used, level)
        finished = self._first < level
        return Step(todo, finished & ~_known(surface), values, stderr, facts)


def wholly_computed(shape: tuple[int, ...]) -> Mask:
    """Return a mask over a grid of the points that are computed in any case."""
    mask: Mask = level_of_points(shape) <= 1
    return mask


def _known(surface: Surface) -> Mask:
    return np.isin(surface.status, (Status.OK, Status.NOT_FINITE, Status.FAILED))


def _waiting(missing: Mask) -> Step:
    return Step(np.flatnonzero(missing), np.zeros_like(missing), {}, {})


def _errors(
    fields: list[Field], predictions: Mapping[Quantity, NDArray[np.float64]], held_out: Indices
) -> dict[Quantity, NDArray[np.float64]]:
    """Return each field's errors at the held-out points, of shape (k,)."""
    return {
        field.quantity: field.errors(
            predictions[field.quantity].ravel()[held_out], field.values.ravel()[held_out]
        )
        for field in fields
    }
