"""Which points to compute next, decided by the values of those before.

The grid's two coarsest levels are computed wholly. From then on each level is interpolated from
the one before it, and computed in the cells around every point at which that erred by more than
the tolerance on the level before; then also around every point at which it errs on the level
itself, until the computed regions are bordered by points that were predicted well. In a chaotic
surface that is everywhere. At last some of the interpolated points, drawn at random, are computed:
what they err is stated, and if one errs too much, the cells around it are computed as well and
twice as many are drawn.

Everything follows from the grid, the settings and the values alone, in the same order each time. A
run that is continued, or has another number of ranks, computes the same points.
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
from landscape_cli.refinement.interpolation import fill, interpolate, keep
from landscape_cli.refinement.level_cells import Cells, Mask
from landscape_cli.refinement.watched import Field, ScaleName, fields_of, worst

SEED = 0

HELD_OUT = 0.02
FEWEST_HELD_OUT, MOST_HELD_OUT = 16, 256
LARGEST_SHARE = 0.25
"""The first draw of held-out points: this part of the grid, but between so many points,
and at most this part of those that are interpolated."""

DOUBT = 0.05
"""The doubt with which it is said how few points err too much, half of it for the first draw, half
of the rest for the second, ..."""


@dataclass(frozen=True)
class Step:
    """What to do next, and what is known until then.

    Args:
        todo: flat indices of the points to compute; none at the end.
        interpolated: the points of the finished levels that were not computed, of the grid's shape.
        values: each quantity's interpolated values, of the grid's shape, NaN where there are none.
        stderr: the standard errors, likewise.
        facts: at the end, what a file should say of it: see ``Refinement``.
    """

    todo: Indices
    interpolated: Mask
    values: Mapping[Quantity, NDArray[np.float64]]
    stderr: Mapping[Quantity, NDArray[np.float64]]
    facts: dict[str, Any] | None = None


class Refinement:
    """Adaptive refinement of a grid of any number of axes.

    Args:
        shape: the grid's shape.
        tolerance: by how much interpolation may err, as a part of a quantity's range.
        scale: the scale of values on which errors and ranges are taken: ``linear``, ``log`` or
            ``auto``, which is log for positive values that span more than three decades.
        quantities: the names of the quantities that are watched; ``loss`` if there is such a one,
            all if there is not, when None.
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
        """What to compute next, given the values so far.

        Raises:
            UsageError: if a quantity to watch is not there.
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
            held = self._held_out(used, draw)
            missing.ravel()[held] = ~known.ravel()[held]
            if missing.any():
                # The last level stays open: without what is held out the surface is not complete.
                return self._interim(surface, fields, used, missing, len(self._levels) - 1)
            predictions = {field.quantity: self._filled(field, used) for field in fields}
            errors = _errors(fields, predictions, held)
            if not len(held) or worst(errors[f.quantity] for f in watched).max() <= self._tolerance:
                break
            used.ravel()[held] = True
        return self._final(surface, fields, used, held, draw, errors)

    def _walk(self, watched: list[Field], used: Mask, known: Mask) -> tuple[Mask, int]:
        """Add to the points that are used those that the values ask for.

        Returns:
            The points, and the level at which some of them are not yet known, or else the number of
            levels.
        """
        used = used.copy()
        errors = np.zeros(self._first.shape)
        values = [field.values[np.ix_(*self._levels[0])] for field in watched]
        for level in range(1, len(self._levels)):
            old, new = self._levels[level - 1], self._levels[level]
            place = np.ix_(*new)
            cells, fresh = Cells(old, new), self._first[place] == level
            finer = [keep(interpolate(v, old, new), v, old, new) for v in values]
            exact = [field.values[place] for field in watched]
            found = worst(f.errors(p, e) for f, p, e in zip(watched, finer, exact, strict=True))
            before = self._first[place] == level - 1
            here = used[place] | cells.around(before & (errors[place] > self._tolerance))
            while True:
                if (here & ~known[place]).any():
                    used[place] |= here
                    return used, level
                wider = here | cells.around(here & fresh & (found > self._tolerance))
                if (wider == here).all():
                    break
                here = wider
            used[place] = here
            errors[place] = np.where(here & fresh, found, errors[place])
            values = [np.where(here, e, p) for e, p in zip(exact, finer, strict=True)]
        return used, len(self._levels)

    def _held_out(self, used: Mask, draw: int) -> Indices:
        """Flat indices of some points that are interpolated, twice as many in each draw."""
        rest = np.flatnonzero(~used)
        wished = min(max(FEWEST_HELD_OUT, int(HELD_OUT * used.size)), MOST_HELD_OUT)
        most = max(1, int(LARGEST_SHARE * len(rest)))
        count = min(len(rest), min(wished, most) << draw)
        return np.sort(np.random.default_rng([SEED, draw]).permutation(rest)[:count])

    def _filled(self, field: Field, used: Mask, level: int | None = None) -> NDArray[np.float64]:
        """A field with interpolated values where it is not used, NaN on levels from this one on."""
        levels = self._levels[:level]
        found = np.full(used.shape, np.nan)
        found[np.ix_(*levels[-1])] = fill(field.values, used, levels)
        return found

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
        held: Indices,
        draw: int,
        errors: Mapping[Quantity, NDArray[np.float64]],
    ) -> Step:
        facts = {
            "tolerance": self._tolerance,
            "computed": int(used.sum()) + len(held),
            "held_out": len(held),
            "beyond": 1 - (DOUBT / 2 ** (draw + 1)) ** (1 / len(held)) if len(held) else 0.0,
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
    """The points that are computed in any case, a mask over a grid of this shape."""
    mask: Mask = level_of_points(shape) <= 1
    return mask


def _known(surface: Surface) -> Mask:
    return np.isin(surface.status, (Status.OK, Status.NOT_FINITE, Status.FAILED))


def _waiting(missing: Mask) -> Step:
    return Step(np.flatnonzero(missing), np.zeros_like(missing), {}, {})


def _errors(
    fields: list[Field], predictions: Mapping[Quantity, NDArray[np.float64]], held: Indices
) -> dict[Quantity, NDArray[np.float64]]:
    """Each field's errors at the held-out points, shape (k,)."""
    return {
        field.quantity: field.errors(
            predictions[field.quantity].ravel()[held], field.values.ravel()[held]
        )
        for field in fields
    }
