"""The arrays of Li et al.'s `loss-landscape`, in the order and with the marks of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.store.surface_file import ALIASES

TO_DO = -1
"""What stands where nothing was computed."""

STEP_ERROR = 1e-4
"""By which part of a step coordinates may be off those of an equidistant axis."""

Arrays = Mapping[str, NDArray[Any]]
"""By the other tool's names, such as train_acc."""


@dataclass(frozen=True)
class Content:
    """What a file of the other tool holds, as ours would.

    Args:
        grid: its coordinates, each axis from its lowest to its highest.
        values: float64 of the grid's shape, NaN where nothing was computed; fractions for percent.
        status: TODO, OK or NOT_FINITE for each point, uint8.
        notes: what a user should know of how the arrays were read.
    """

    grid: Grid
    values: dict[Quantity, NDArray[np.float64]]
    status: NDArray[np.uint8]
    notes: list[str]


def split_of(name: str) -> str:
    """The split that one of the other tool's arrays belongs to."""
    return ALIASES[name][0][0]


def content(coordinates: Arrays, arrays: Arrays) -> Content:
    """Put arrays in order.

    A point has one status for all of its values, so of several splits only those are kept that
    have the most points.

    Args:
        coordinates: by axis, x or x and y; equidistant, upwards or downwards.
        arrays: at least one.

    Raises:
        ValueError: if these do not fit each other.
        UsageError: if coordinates are not those of an axis.
    """
    grid = Grid({axis: _axis(axis, points) for axis, points in coordinates.items()})
    rows = {name: _in_rows(name, array, grid) for name, array in arrays.items()}
    notes = _scrambled(arrays, grid)
    for number, (axis, points) in enumerate(tuple(coordinates.items())[::-1]):
        if points[0] > points[-1]:
            rows = {name: np.flip(array, number) for name, array in rows.items()}
            notes.append(f"{axis} ran down from {points[0]:g}; it now runs up from {points[-1]:g}")
    splits, done, left_out = _most_complete(rows)
    kept = {name: array for name, array in rows.items() if split_of(name) in splits}
    values = {
        ALIASES[name][0]: np.where(done, array / ALIASES[name][1], np.nan)
        for name, array in kept.items()
    }
    finite = np.all([np.isfinite(array) for array in values.values()], axis=0)
    status = np.where(finite, Status.OK, Status.NOT_FINITE)
    status = np.where(done, status, Status.TODO).astype(np.uint8)
    return Content(grid, values, status, notes + left_out)


def _axis(name: str, points: NDArray[Any]) -> Axis:
    """The axis with these coordinates; one that runs down is turned round."""
    if points.ndim != 1 or not len(points):
        raise ValueError(f"{name}coordinates has shape {points.shape}")
    upwards = points if points[0] <= points[-1] else points[::-1]
    axis = Axis(float(upwards[0]), float(upwards[-1]), len(points))
    step = (axis.high - axis.low) / max(1, axis.points - 1)
    if not np.abs(upwards - axis.coordinates).max() <= STEP_ERROR * step:
        raise ValueError(f"{name}coordinates are not equidistant")
    return axis


def _in_rows(name: str, array: NDArray[Any], grid: Grid) -> NDArray[np.float64]:
    """An array in the grid's shape: whatever its own is, x runs fastest."""
    if array.shape not in (grid.shape, grid.shape[::-1]):
        raise ValueError(f"{name} has shape {array.shape}, its coordinates {grid.shape[::-1]}")
    return array.astype(np.float64).reshape(grid.shape)


def _scrambled(arrays: Arrays, grid: Grid) -> list[str]:
    """A line on arrays whose shape is not the one that they were filled by."""
    if all(array.shape == grid.shape for array in arrays.values()):
        return []
    ny, nx = grid.shape
    return [
        f"arrays of shape ({nx}, {ny}) hold {ny} rows of {nx} points along x, one after the other, "
        f"and look scrambled as they are: read as ({ny}, {nx})"
    ]


def _most_complete(arrays: Arrays) -> tuple[list[str], NDArray[np.bool_], list[str]]:
    """The splits with the most points, which points these are, and a line on each other split."""
    done: dict[str, NDArray[np.bool_]] = {}
    for name, array in arrays.items():
        computed = array != TO_DO
        done[split_of(name)] = done.get(split_of(name), computed) & computed
    most = max(done.values(), key=np.count_nonzero)
    splits = [split for split, points in done.items() if np.array_equal(points, most)]
    lines = [
        f"left out: {split}, with {np.count_nonzero(points)} points computed where "
        f"{' and '.join(splits)} has {np.count_nonzero(most)}; --split {split} reads it alone"
        for split, points in done.items()
        if split not in splits
    ]
    return splits, most, lines
