"""Point data of VTK files: values, their logarithms, standard errors, samples, the status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.exports.arrays import LOG, STDERR, array_names, sample_names
from landscape_cli.exports.vtk_xml import Array
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity

Cut = Callable[[NDArray[Any]], NDArray[Any]]
"""Selects the points of a file from an array of the grid's shape; returns shape (points,)."""


def point_data(surface: Surface, points: int, cut: Cut, first: Quantity) -> list[Array]:
    """Return every quantity's value, decimal logarithm and standard error, samples and status.

    Args:
        surface: the surface.
        points: number of points in the file.
        cut: selects them.
        first: the quantity that comes first.
    """
    names = array_names(surface)
    arrays = []
    for key in sorted(names, key=lambda key: key != first):
        name, values = names[key], surface.values[key]
        arrays += [
            Array(name, "f8", points, _blocks(values, cut)),
            Array(name + LOG, "f8", points, _blocks(values, cut, decimal_logarithm)),
        ]
        if key in surface.stderr:
            arrays.append(Array(name + STDERR, "f8", points, _blocks(surface.stderr[key], cut)))
    for split, name in sample_names(surface).items():
        arrays.append(Array(name, "i4", points, _blocks(surface.samples[split], cut)))
    return [*arrays, Array("status", "u1", points, _blocks(surface.status, cut))]


def decimal_logarithm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the decimal logarithms of values, NaN for those that are not positive."""
    positive = np.where(values > 0, values, np.nan)
    return np.log10(positive)


def _blocks(
    values: NDArray[Any], cut: Cut, change: Callable[[NDArray[Any]], NDArray[Any]] | None = None
) -> Callable[[], Iterable[NDArray[Any]]]:
    """Defer the selection, and change, of values until they are written."""

    def blocks() -> Iterable[NDArray[Any]]:
        block = cut(values)
        yield block if change is None else change(block)

    return blocks
