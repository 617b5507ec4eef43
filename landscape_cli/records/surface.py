"""Surfaces: the values of every quantity over a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.grid import Grid
from landscape_cli.records.levels import finest_complete
from landscape_cli.records.tiles import Quantity, Status


@dataclass(frozen=True)
class Surface:
    """The values of every quantity over a grid, complete or not, with their provenance.

    Args:
        grid: the grid; every array has its ``shape``.
        values: mean over a split's samples, float64, NaN where nothing was computed.
        stderr: standard error of the mean, float64.
        status: a ``Status`` for each point, uint8.
        seconds: time spent on each point, float32.
        rank: MPI rank that computed each point, int32, -1 for none.
        config: the resolved configuration of the run, as a mapping.
        provenance: command line, versions, checkpoint, directions, hosts, ... as a mapping.
        samples: of a surface with sampled points, the number of samples that each point was
            evaluated on by split, int32, 0 where nothing was computed.
    """

    grid: Grid
    values: Mapping[Quantity, NDArray[np.float64]]
    stderr: Mapping[Quantity, NDArray[np.float64]]
    status: NDArray[np.uint8]
    seconds: NDArray[np.float32]
    rank: NDArray[np.int32]
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of grid points."""
        return self.grid.total

    @property
    def origin(self) -> tuple[float, ...]:
        """The coordinates of the trained network; zeros unless the file's slice says otherwise."""
        stored = (self.provenance.get("slice") or {}).get("origin")
        return self.grid.origin if stored is None else tuple(float(one) for one in stored)

    @property
    def done(self) -> int:
        """Number of points that are no longer ``TODO``."""
        return int(np.count_nonzero(self.status))

    @property
    def interpolated(self) -> int:
        """Number of points whose values are interpolated from their neighbours."""
        return int(np.count_nonzero(self.status == Status.INTERPOLATED))

    @property
    def failed(self) -> int:
        """Number of points that could not be evaluated."""
        return int(np.count_nonzero(self.status == Status.FAILED))

    @property
    def complete(self) -> bool:
        """True if no point is ``TODO``."""
        return self.done == self.total

    @property
    def level(self) -> dict[str, NDArray[np.int64]] | None:
        """Indices along each axis of the finest complete level of the grid; None without one.

        A level is complete if none of its points is ``TODO`` in any repeat.
        """
        done = self.status != Status.TODO
        level = finest_complete(done.all(axis=0) if self.grid.repeated else done)
        return None if level is None else dict(zip(self.grid.names, level[::-1], strict=True))

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits that have values, in the order of the file."""
        return tuple(dict.fromkeys(split for split, _ in self.values))

    def quantities(self, split: str) -> tuple[str, ...]:
        """Return the quantities of a split."""
        return tuple(name for owner, name in self.values if owner == split)

    def summary(self) -> dict[str, Any]:
        """Summarize shape, progress, and each quantity's minimum, maximum and centre.

        ``level`` is the number of points along each axis of the finest complete level, None without
        one. Minimum and maximum are taken over the finite values, and are None if there are none.
        The centre is the value at the grid point nearest to the origin, in the first repeat; it is
        None if it was not computed.
        """
        names = {split: self.quantities(split) for split in self.splits}
        level = self.level
        return {
            "shape": list(self.grid.shape),
            "repeats": self.grid.repeats,
            "axes": {
                name: {"low": axis.low, "high": axis.high, "points": axis.points}
                for name, axis in self.grid.axes.items()
            },
            "done": self.done,
            "total": self.total,
            "complete": self.complete,
            "level": level and {name: len(indices) for name, indices in level.items()},
            "not_finite": int(np.count_nonzero(self.status == Status.NOT_FINITE)),
            "interpolated": self.interpolated,
            "failed": self.failed,
            "quantities": {
                split: {name: self._extent(self.values[split, name]) for name in quantities}
                for split, quantities in names.items()
            },
            "config": dict(self.config),
            "provenance": dict(self.provenance),
        }

    def _extent(self, values: NDArray[np.float64]) -> dict[str, Any]:
        flat = values.ravel()
        centre = self.grid.nearest(self.origin)
        known = self.status.ravel()[centre] not in (Status.TODO, Status.FAILED)
        extent: dict[str, Any] = {"centre": float(flat[centre]) if known else None}
        finite = np.flatnonzero(np.isfinite(flat))
        if not len(finite):
            return {"minimum": None, "minimum_at": None, "maximum": None, **extent}
        lowest = int(finite[flat[finite].argmin()])
        return {
            "minimum": float(flat[lowest]),
            "minimum_at": list(self.grid.coordinates([lowest])[0]),
            "maximum": float(flat[finite].max()),
            **extent,
        }
