"""What VTK files hold of every point: values, their logarithms, standard errors, the status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.export.arrays import LOG, STDERR, array_names
from landscape_cli.export.vtk_xml import Array
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity

Cut = Callable[[NDArray[Any]], NDArray[Any]]
"""What an array of the grid's shape holds for the points of a file, of shape (points,)."""


def point_data(surface: Surface, points: int, cut: Cut, first: Quantity) -> list[Array]:
    """Every quantity's value, decimal logarithm and standard error, and the status.

    Args:
        surface: the surface.
        points: how many points the file has.
        cut: picks them.
        first: the quantity that comes first.
    """
    names = array_names(surface)
    arrays = []
    for key in sorted(names, key=lambda key: key != first):
        name, values = names[key], surface.values[key]
        arrays += [
            Array(name, "f8", points, _cutting(values, cut)),
            Array(name + LOG, "f8", points, _cutting(values, cut, decimal_logarithm)),
        ]
        if key in surface.stderr:
            arrays.append(Array(name + STDERR, "f8", points, _cutting(surface.stderr[key], cut)))
    return [*arrays, Array("status", "u1", points, _cutting(surface.status, cut))]


def decimal_logarithm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The decimal logarithms, NaN for what is not positive."""
    positive = np.where(values > 0, values, np.nan)
    return np.log10(positive)


def _cutting(
    values: NDArray[Any], cut: Cut, change: Callable[[NDArray[Any]], NDArray[Any]] | None = None
) -> Callable[[], Iterable[NDArray[Any]]]:
    def blocks() -> Iterable[NDArray[Any]]:
        block = cut(values)
        yield block if change is None else change(block)

    return blocks
