"""VTK polygons: a plane as triangles at the height of its values, a line as a curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options, Source
from landscape_cli.exports.point_data import point_data
from landscape_cli.exports.relief import Relief, relief_of
from landscape_cli.exports.triangulation import Indices, segments, triangles
from landscape_cli.exports.vtk_xml import Array, write_vtk


def write(sources: Sequence[Source], path: Path, options: Options) -> list[str]:
    """Write the points (x, y, height), their values, and triangles between neighbours.

    A line becomes the curve (x, 0, height). Points without a height are left out, as are the
    triangles and segments that would meet there. Heights are values or logarithms; with
    ``options.height`` they are scaled to reach from 0 to that fraction of the longer side.

    Raises:
        UsageError: for a volume, or if no neighbouring points have heights.
    """
    source = sources[0]
    dimension = len(source.surface.grid.axes)
    if dimension > 2:
        raise UsageError(f"--to vtp: {source.file} is a volume, which has no heights; use --to vts")
    relief = relief_of(source, options)
    known = relief.known
    points = _points(relief, options)[known.ravel()]
    cells = segments(known) if dimension == 1 else triangles(known)
    if not len(cells):
        raise UsageError(
            f"--to vtp: no neighbouring points of {source.file} have heights to connect; use "
            "--to vts"
        )
    numbers = np.cumsum(known.ravel()) - 1  # of each point among those that are kept
    kind, other = ("Lines", "Polys") if dimension == 1 else ("Polys", "Lines")
    write_vtk(
        path,
        "PolyData",
        piece={"NumberOfPoints": len(points), f"NumberOf{kind}": len(cells), f"NumberOf{other}": 0},
        sections={
            "PointData": point_data(
                relief.surface, len(points), lambda a: relief.cut(a)[known], relief.quantity
            ),
            "Points": [Array.of("Points", points)],
            kind: _cells(numbers[cells]),
        },
    )
    absent = int(known.size - len(points))
    note = f"{absent} of {known.size} points have no height, and are left out"
    return [*relief.notes, note] if absent else list(relief.notes)


def _points(relief: Relief, options: Options) -> NDArray[np.float64]:
    """Return every point's (x, y, height), of shape (points, 3)."""
    heights = relief.heights
    if options.height is not None:
        heights = relief.scaled(options.height * relief.side)
    axes: list[Any] = [relief.axes.get(name, np.zeros(1)) for name in ("x", "y")]
    x, y = np.meshgrid(*axes)
    return np.stack([x.ravel(), y.ravel(), heights.ravel()], axis=-1)


def _cells(corners: Indices) -> list[Array]:
    """Return VTK's arrays for cells that all have the same number of corners."""
    ends = np.arange(1, len(corners) + 1) * corners.shape[1]
    return [Array.of("connectivity", corners.ravel(), "i8"), Array.of("offsets", ends, "i8")]
