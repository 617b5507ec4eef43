"""VTK structured grid: every point of a line, plane or volume, without heights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landscape_cli.exports import Options, Source
from landscape_cli.exports.arrays import one_surface, only, shown, wanted
from landscape_cli.exports.point_data import point_data
from landscape_cli.exports.vtk_xml import Array, write_vtk
from landscape_cli.records.grid import AXIS_NAMES, Grid


def write(sources: Sequence[Source], path: Path, options: Options) -> list[str]:
    """Write the grid, with every quantity at every point, computed or not.

    Points lie at their coordinates, and at 0 along the axes that the grid lacks. With repeats,
    their mean is written unless one is chosen.
    """
    source = sources[0]
    surface, notes = one_surface(source, options)
    surface = only(surface, wanted(source, options))
    sizes = [axis.points for axis in surface.grid.axes.values()]
    extent = " ".join(f"0 {points - 1}" for points in (*sizes, 1, 1)[:3])
    points = Array("Points", "f8", surface.total, lambda: _points(surface.grid), components=3)
    data = point_data(surface, surface.total, np.ravel, shown(source, options))
    write_vtk(
        path,
        "StructuredGrid",
        piece={"Extent": extent},
        sections={"Points": [points], "PointData": data},
        whole={"WholeExtent": extent},
    )
    return notes


def _points(grid: Grid) -> Iterator[NDArray[np.float64]]:
    """Yield the coordinates (x, y, z) of the grid's points in its order, row by row."""
    axes = grid.axes
    x, y, z = (axes[name].coordinates if name in axes else np.zeros(1) for name in AXIS_NAMES)
    row = np.zeros((len(x), 3))
    row[:, 0] = x
    for row[:, 2] in z:
        for row[:, 1] in y:
            yield row
