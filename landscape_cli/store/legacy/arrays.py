"""Conversion of arrays of Li et al.'s `loss-landscape` to our axis order and status codes."""

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
"""Value at points that were not computed."""

STEP_ERROR = 1e-4
"""Upper bound on the deviation of coordinates from an equidistant axis, as a fraction of a step."""

Arrays = Mapping[str, NDArray[Any]]
"""Arrays by the other tool's names, such as train_acc."""


@dataclass(frozen=True)
class Content:
    """Content of a file of the other tool, in the form of ours.

    Args:
        grid: its coordinates, each axis from lowest to highest.
        values: float64 of the grid's shape, NaN where nothing was computed; percentages converted
            to fractions.
        status: TODO, OK or NOT_FINITE for each point, uint8.
        notes: remarks for the user on how the arrays were read.
    """

    grid: Grid
    values: dict[Quantity, NDArray[np.float64]]
    status: NDArray[np.uint8]
    notes: list[str]


def split_of(name: str) -> str:
    """Return the split that one of the other tool's arrays belongs to."""
    return ALIASES[name][0][0]


def content(coordinates: Arrays, arrays: Arrays) -> Content:
    """Convert arrays to our axis order and status codes.

    A point has one status for all of its values, so only the splits with the most points are kept.

    Args:
        coordinates: by axis, x or x and y; equidistant, ascending or descending.
        arrays: at least one array.

    Raises:
        ValueError: if coordinates and arrays do not fit together.
        UsageError: if the coordinates do not form a valid axis.
    """
    grid = Grid({axis: _axis(axis, points) for axis, points in coordinates.items()})
    rows = {name: _in_rows(name, array, grid) for name, array in arrays.items()}
    notes = _scrambled(arrays, grid)
    for number, (axis, points) in enumerate(tuple(coordinates.items())[::-1]):
        if points[0] > points[-1]:
            rows = {name: np.flip(array, number) for name, array in rows.items()}
            notes.append(f"{axis} descended from {points[0]:g}; it now ascends from {points[-1]:g}")
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
    """Return the axis with these coordinates, in ascending order."""
    if points.ndim != 1 or not len(points):
        raise ValueError(f"{name}coordinates has shape {points.shape}")
    ascending = points if points[0] <= points[-1] else points[::-1]
    axis = Axis(float(ascending[0]), float(ascending[-1]), len(points))
    step = (axis.high - axis.low) / max(1, axis.points - 1)
    if not np.abs(ascending - axis.coordinates).max() <= STEP_ERROR * step:
        raise ValueError(f"{name}coordinates are not equidistant")
    return axis


def _in_rows(name: str, array: NDArray[Any], grid: Grid) -> NDArray[np.float64]:
    """Return an array in the grid's shape; in either of the two stored shapes, x varies fastest."""
    if array.shape not in (grid.shape, grid.shape[::-1]):
        raise ValueError(f"{name} has shape {array.shape}, its coordinates {grid.shape[::-1]}")
    return array.astype(np.float64).reshape(grid.shape)


def _scrambled(arrays: Arrays, grid: Grid) -> list[str]:
    """Note for the user on arrays whose shape differs from the one that they were filled by."""
    if all(array.shape == grid.shape for array in arrays.values()):
        return []
    ny, nx = grid.shape
    return [
        f"arrays of shape ({nx}, {ny}) hold {ny} rows of {nx} points along x, one after the other, "
        f"so their stored shape scrambles them: read as ({ny}, {nx})"
    ]


def _most_complete(arrays: Arrays) -> tuple[list[str], NDArray[np.bool_], list[str]]:
    """Find the splits with the most points.

    Returns:
        The splits, a mask of their computed points, and a note on each split left out.
    """
    done: dict[str, NDArray[np.bool_]] = {}
    for name, array in arrays.items():
        computed = array != TO_DO
        done[split_of(name)] = done.get(split_of(name), computed) & computed
    most = max(done.values(), key=np.count_nonzero)
    splits = [split for split, points in done.items() if np.array_equal(points, most)]
    lines = [
        f"left out: {split}, with {np.count_nonzero(points)} points computed where "
        f"{' and '.join(splits)} has {np.count_nonzero(most)}; --split {split} reads only it"
        for split, points in done.items()
        if split not in splits
    ]
    return splits, most, lines
