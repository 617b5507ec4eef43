"""The fields of a surface: which of its points can be used, and what is said of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.field import Field
from landscape_cli.errors import UsageError
from landscape_cli.records.levels import finest_complete
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status

SAME = 1e-6
"""Coordinates that differ by less, as a part of the larger one, are the same."""


@dataclass(frozen=True)
class Selection:
    """The points of a surface that are used: the finest level that is complete in all repeats.

    Args:
        surface: the surface.
        level: indices along each dimension, without that of repeats.
        repeats: how many there are.
    """

    surface: Surface
    level: tuple[NDArray[np.int64], ...]
    repeats: int

    @property
    def axes(self) -> dict[str, NDArray[np.float64]]:
        """The coordinates used by axis; an axis of one point is none."""
        named = zip(self.surface.grid.axes.items(), self.level[::-1], strict=True)
        return {name: axis.coordinates[used] for (name, axis), used in named if len(used) > 1}

    def fields(self, quantity: Quantity) -> list[Field]:
        """One for each repeat."""
        values, status = self._of(self.surface.values[quantity]), self._of(self.surface.status)
        finite = np.isfinite(values) & (status != Status.FAILED)
        computed = finite & (status != Status.INTERPOLATED)
        values = np.where(finite, values, np.nan)
        ends = checkpoint_ends(self.surface)
        return [
            Field(self.axes, *both, {name: ends[name] for name in ends if name in self.axes})
            for both in zip(values, computed, strict=True)
        ]

    def counts(self, quantity: Quantity) -> dict[str, int]:
        """How many points there are in all repeats, and which of them have no value, and why."""
        values, status = self._of(self.surface.values[quantity]), self._of(self.surface.status)
        failed = status == Status.FAILED
        return {
            "total": int(values.size),
            "left_to_do": int(np.count_nonzero(self.surface.status == Status.TODO)),
            "failed": int(failed.sum()),
            "not_finite": int((~np.isfinite(values) & ~failed).sum()),
            "interpolated": int((status == Status.INTERPOLATED).sum()),
        }

    def _of(self, array: NDArray[Any]) -> NDArray[Any]:
        """The used entries of an array, of shape (repeats, ...) without axes of one point."""
        table = array.reshape(self.repeats, *array.shape[-len(self.level) :])
        used = table[np.ix_(np.arange(self.repeats), *self.level)]
        sizes = [len(indices) for indices in self.level if len(indices) > 1]
        return used.reshape(self.repeats, *sizes)


def select(surface: Surface) -> Selection:
    """Choose the points of a surface.

    Raises:
        UsageError: if no level is complete, or the grid is a single point.
    """
    repeats = int(getattr(surface.grid, "repeats", 1))
    done = (surface.status != Status.TODO).reshape(-1, *_shape(surface)).all(axis=0)
    level = finest_complete(done)
    if level is None:
        raise UsageError(
            f"FILE: {surface.done} of {surface.total} points are done, and no level of the grid "
            "is complete; compute more of them, or merge the shards"
        )
    selection = Selection(surface, level, repeats)
    if not selection.axes:
        raise UsageError("FILE: its grid is a single point, which has no shape to describe")
    return selection


def checkpoint_ends(surface: Surface) -> dict[str, float]:
    """For each axis that leads from the centre to another checkpoint, its coordinate there.

    The markers in the provenance tell; without them a direction of kind ``checkpoint`` that is not
    normalized ends at 1.
    """
    names = surface.grid.names
    ends: dict[str, float] = {}
    for marker in surface.provenance.get("checkpoints") or ():
        place = [float(one) for one in marker["coordinates"]]
        long = max(map(abs, place), default=0.0)
        large = [number for number, one in enumerate(place) if abs(one) > SAME * long]
        if len(large) == 1 and large[0] < len(names):
            ends.setdefault(names[large[0]], place[large[0]])
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
