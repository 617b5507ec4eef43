"""STL: a plane as a solid for 3-D printing, in binary form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options, Source
from landscape_cli.exports.relief import Relief, relief_of
from landscape_cli.exports.solid import Block, triangles, without_touching
from landscape_cli.exports.triangulation import CORNERS
from landscape_cli.version import __version__

SIZE = 100.0
"""Default length of the longer side in millimetres."""

HEIGHT = 0.5
"""Default extent from the lowest to the highest point, as a fraction of the longer side."""

FLOOR, LOWEST = 0.02, 0.03
"""Heights of the pits' floor and of the lowest point, as fractions of the longer side."""

TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write(sources: Sequence[Source], path: Path, options: Options) -> list[str]:
    """Write the solid as a binary file, in millimetres.

    Raises:
        UsageError: if the surface is not a plane of at least two points along each axis, or its
            heights can't be chosen.
    """
    source = sources[0]
    points = tuple(axis.points for axis in source.surface.grid.axes.values())
    if len(points) != 2 or min(points) < 2:
        shape = " x ".join(map(str, points))
        raise UsageError(
            f"--to stl: {source.file} has {shape} points, and a solid needs a plane of at least "
            "2 x 2; use --to vts or csv"
        )
    relief = relief_of(source, options)
    block = _block(relief, options)
    if not block.solid.any():
        raise UsageError(
            f"--to stl: no cell of {source.file} has a height at all four corners; compute more "
            "points, or use --to vtp"
        )
    with open(path, "wb") as file:
        file.write(f"landscape-cli {__version__}, mm".encode().ljust(80)[:80] + bytes(4))
        count = 0
        for corners in triangles(block):
            file.write(_records(corners).tobytes())
            count += len(corners)
        file.seek(80)
        file.write(np.array(count, "<u4").tobytes())
    pits = int(block.solid.size - block.solid.sum())
    note = f"{pits} of {block.solid.size} cells lack heights and become pits with a flat floor"
    return [*relief.notes, note] if pits else list(relief.notes)


def _block(relief: Relief, options: Options) -> Block:
    """Scale the relief to millimetres."""
    size = options.size or SIZE
    x, y = ((axis - axis[0]) / relief.side * size for axis in relief.axes.values())
    height = options.height or HEIGHT
    top = relief.scaled(size * height) + LOWEST * size
    a, b, c, d = (relief.known[corner] for corner in CORNERS)
    cells = without_touching(a & b & c & d)
    return Block(x, y, np.where(relief.known, top, LOWEST * size), FLOOR * size, cells)


def _records(corners: NDArray[np.float64]) -> NDArray[np.void]:
    """Convert triangles to the file's records, which include their normals."""
    records = np.zeros(len(corners), TRIANGLE)
    records["corners"] = corners
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records["normal"] = normals / np.where(lengths > 0, lengths, 1)
    return records
