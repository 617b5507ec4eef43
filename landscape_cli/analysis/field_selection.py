"""Selection of the points of a surface that numbers are computed from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.field import Field, PathOver
from landscape_cli.errors import UsageError
from landscape_cli.records.curves.facts import CurveFacts
from landscape_cli.records.levels import finest_complete
from landscape_cli.records.presentation import fact
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.records.trajectory import trajectories_of
from landscape_cli.refinement.summary import largest_error

NEGLIGIBLE = 1e-6
"""A coordinate of a checkpoint up to this fraction of its largest one counts as 0."""


@dataclass(frozen=True)
class Selection:
    """The points of a surface that are used: the finest level that is complete in all repeats.

    Args:
        surface: the surface.
        level: indices along each dimension, except the dimension of repeats.
        repeats: number of repeats.
    """

    surface: Surface
    level: tuple[NDArray[np.int64], ...]
    repeats: int

    @property
    def axes(self) -> dict[str, NDArray[np.float64]]:
        """Coordinates used along each axis, without axes of a single point."""
        named = zip(self.surface.grid.axes.items(), self.level[::-1], strict=True)
        return {name: axis.coordinates[used] for (name, axis), used in named if len(used) > 1}

    @property
    def distances(self) -> dict[str, NDArray[np.float64]]:
        """The same from the trained network on."""
        origin = dict(zip(self.surface.grid.names, self.surface.origin, strict=False))
        return {name: coordinates - origin[name] for name, coordinates in self.axes.items()}

    def fields(self, quantity: Quantity) -> list[Field]:
        """Return a field for each repeat."""
        values = self._selected(self.surface.values[quantity])
        status = self._selected(self.surface.status)
        finite = np.isfinite(values) & (status != Status.FAILED)
        computed = finite & (status != Status.INTERPOLATED)
        values = np.where(finite, values, np.nan)
        ends = checkpoint_ends(self.surface)
        ends = {name: ends[name] for name in ends if name in self.axes}
        curve = CurveFacts.of_surface(self.surface.provenance, self.surface.grid.names)
        start = self.surface.origin[0]
        origin = dict(zip(self.surface.grid.names, self.surface.origin, strict=False))
        stored = self.surface.stderr.get(quantity)
        errors = [None] * self.repeats if stored is None else list(self._selected(stored))
        doubt = largest_error(fact(self.surface.provenance, "adaptive"), *quantity)
        return [
            Field(
                self.distances,
                *both,
                ends,
                curve,
                start,
                error,
                origin,
                self._paths(quantity) if number == 0 else (),
                metric_of(self.surface),
                doubt,
            )
            for number, (both, error) in enumerate(
                zip(zip(values, computed, strict=True), errors, strict=True)
            )
        ]

    def _paths(self, quantity: Quantity) -> tuple[PathOver, ...]:
        """Return the paths over the first repeat's plane."""
        found = trajectories_of(self.surface.provenance) if len(self.axes) == 2 else []
        return tuple(
            PathOver(path, path.values.get(quantity)) for path in found if len(path.coordinates)
        )

    def counts(self, quantity: Quantity) -> dict[str, int]:
        """Count the points of all repeats, and those that lack a computed value, by reason."""
        values = self._selected(self.surface.values[quantity])
        status = self._selected(self.surface.status)
        failed = status == Status.FAILED
        return {
            "total": int(values.size),
            "left_to_do": int(np.count_nonzero(self.surface.status == Status.TODO)),
            "failed": int(failed.sum()),
            "not_finite": int((~np.isfinite(values) & ~failed).sum()),
            "interpolated": int((status == Status.INTERPOLATED).sum()),
        }

    def _selected(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array's entries, of shape (repeats, ...), without axes of a single point."""
        array = array.reshape(self.repeats, *array.shape[-len(self.level) :])
        array = array[np.ix_(np.arange(self.repeats), *self.level)]
        sizes = [len(indices) for indices in self.level if len(indices) > 1]
        return array.reshape(self.repeats, *sizes)


def select(surface: Surface) -> Selection:
    """Select the points of a surface that are used.

    Raises:
        UsageError: if no level is complete, or the grid is a single point.
    """
    done = (surface.status != Status.TODO).reshape(-1, *_shape(surface)).all(axis=0)
    level = finest_complete(done)
    if level is None:
        raise UsageError(
            f"FILE: {surface.done} of {surface.total} points are done, and no level of the grid "
            "is complete; compute more of them, or merge the shards"
        )
    selection = Selection(surface, level, surface.grid.repeats)
    if not selection.axes:
        raise UsageError("FILE: the grid is a single point, so there is no shape to describe")
    return selection


def metric_of(surface: Surface) -> NDArray[np.float64] | None:
    """Return the inner products of a plane's two directions, None if they are not recorded."""
    x = fact(surface.provenance, "norms", "x")
    y = fact(surface.provenance, "norms", "y")
    cosine = fact(surface.provenance, "cosines", "x,y")
    if not all(isinstance(one, float) and math.isfinite(one) for one in (x, y, cosine)):
        return None
    metric = np.array([[x * x, cosine * x * y], [cosine * x * y, y * y]])
    return metric if np.linalg.det(metric) > 0 else None


def checkpoint_ends(surface: Surface) -> dict[str, float]:
    """Return the coordinate of a checkpoint for each axis that leads to one from the centre.

    They are taken from the checkpoints in the provenance; without any, a direction of kind
    ``checkpoint`` that is not normalized ends at 1.
    """
    names = surface.grid.names
    ends: dict[str, float] = {}
    for marker in surface.provenance.get("checkpoints") or ():
        places = zip(marker["coordinates"], surface.origin, strict=False)
        coordinates = [float(value) - origin for value, origin in places]
        least = NEGLIGIBLE * max(map(abs, coordinates), default=0.0)
        axes = [number for number, value in enumerate(coordinates) if abs(value) > least]
        if len(axes) == 1 and axes[0] < len(names):
            ends.setdefault(names[axes[0]], coordinates[axes[0]])
    if ends:
        return ends
    sections = surface.config.get("directions") or {}
    return {name: 1.0 for name in names if _leads_to_checkpoint(sections.get(name))}


def _leads_to_checkpoint(section: Any) -> bool:
    if not isinstance(section, Mapping) or section.get("kind") != "checkpoint":
        return False
    return section.get("normalize", "none") in ("none", None)


def _shape(surface: Surface) -> tuple[int, ...]:
    return tuple(axis.points for axis in surface.grid.axes.values())[::-1]
