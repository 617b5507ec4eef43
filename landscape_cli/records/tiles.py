"""Tiles, the units of work handed to a rank, and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from landscape_cli.records.stop_rule import StopRule

Quantity = tuple[str, str]
"""A split's name and a quantity's name, such as ``("train", "loss")``."""


class Status(IntEnum):
    """State of a grid point; a value never doubles as a marker."""

    TODO = 0
    OK = 1
    NOT_FINITE = 2
    FAILED = 3
    INTERPOLATED = 4


@dataclass(frozen=True)
class Tile:
    """A few grid points handed to a rank at once.

    Args:
        indices: the points' flat indices, each in ``range(grid.total)``.
        coordinates: their coordinates (x, y, ...) in the same order.
        rule: decides how many samples each point is evaluated on; None for all.
    """

    indices: tuple[int, ...]
    coordinates: tuple[tuple[float, ...], ...]
    rule: StopRule | None = None


@dataclass(frozen=True)
class TileResult:
    """The values of one tile's k points.

    Args:
        indices: the points' flat indices.
        values: mean over the samples for each quantity, float64 of shape (k,).
        stderr: standard error of each mean, float64 of shape (k,).
        seconds: time spent on each point, of shape (k,).
        rank: the MPI rank that computed them.
        failures: error messages of the points that failed, by flat index.
        notes: remarks for the user on how the tile was computed.
        samples: numbers of samples evaluated by split, int32 of shape (k,).
        early: of points that went on to all samples after they could have stopped (``to_end``), the
            means known then, float64 of shape (k,); NaN for others.
    """

    indices: tuple[int, ...]
    values: Mapping[Quantity, NDArray[np.float64]]
    stderr: Mapping[Quantity, NDArray[np.float64]]
    seconds: NDArray[np.float32]
    rank: int = 0
    failures: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    samples: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    early: Mapping[Quantity, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def status(self) -> NDArray[np.uint8]:
        """OK, NOT_FINITE or FAILED for each point, of shape (k,)."""
        finite = np.ones(len(self.indices), dtype=bool)
        for values in self.values.values():
            finite &= np.isfinite(values)
        status = np.where(finite, Status.OK, Status.NOT_FINITE).astype(np.uint8)
        status[np.isin(self.indices, list(self.failures))] = Status.FAILED
        return status
