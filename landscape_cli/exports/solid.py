"""Solids: a plane as a body whose surface is a closed mesh of triangles.

The solid is a plate over the whole rectangle with the relief on top. A grid cell that lacks a
height is a pit down to the plate, with vertical walls and a flat floor, so that no height is
invented. Levels, from below: the bottom at 0; the floor of pits; the lowest height, just above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.exports.triangulation import CORNERS

Floats = NDArray[np.float64]
Cells = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """A solid, given by its upper side.

    Args:
        x: coordinates in millimetres, ascending, of shape (nx,).
        y: the same along y, of shape (ny,).
        top: heights of the upper side, of shape (ny, nx), above ``floor`` at the corners of solid
            cells.
        floor: the height of the plate.
        solid: mask of the cells that reach up to the upper side, of shape (ny - 1, nx - 1); the
            others consist of the plate alone.
    """

    x: Floats
    y: Floats
    top: Floats
    floor: float
    solid: Cells


def triangles(block: Block) -> Iterator[Floats]:
    """Yield the triangles of a solid's surface in blocks of shape (k, 3, 3): corners, (x, y, z).

    Corners are counterclockwise as seen from outside. Every edge belongs to exactly two triangles.
    """
    yield _bottom(block)
    yield _plate_walls(block)
    for row in range(len(block.y) - 1):
        yield from _row(block, row)


def without_touching(solid: Cells) -> Cells:
    """Remove cells until no two of them, nor two of the others, meet only at a corner.

    Four walls would otherwise share the vertical edge at that corner.
    """
    cells = solid.copy()
    while True:
        a, b, c, d = (cells[corner] for corner in CORNERS)
        touching = np.stack([a & c & ~b & ~d, b & d & ~a & ~c])
        if not touching.any():
            return cells
        # The cell in the upper row becomes a pit.
        cells[1:, 1:] &= ~touching[0]
        cells[1:, :-1] &= ~touching[1]


def _bottom(block: Block) -> Floats:
    """Return the bottom, a fan of triangles from the middle to the rim, facing down."""
    rim = _rim(block)
    middle = np.broadcast_to([block.x[-1] / 2, block.y[-1] / 2], rim.shape)
    flat = np.stack([middle, np.roll(rim, -1, axis=0), rim], axis=1)
    return np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=-1)


def _plate_walls(block: Block) -> Floats:
    """Return the walls around the plate, from the bottom to the floor."""
    rim = _rim(block)
    return _walls(rim, np.roll(rim, -1, axis=0), 0, (block.floor, block.floor))


def _rim(block: Block) -> Floats:
    """Return the points around the rectangle, counterclockwise from above, of shape (k, 2)."""
    x, y = block.x, block.y
    sides = [(x[:-1], y[0]), (x[-1], y[:-1]), (x[:0:-1], y[-1]), (x[0], y[:0:-1])]
    return np.concatenate([np.stack(np.broadcast_arrays(*side), axis=-1) for side in sides])


def _row(block: Block, row: int) -> Iterator[Floats]:
    """Yield the parts over a row of cells: upper side, floors, and walls where solid cells end."""
    cells = block.solid[row]
    corners = [_corners(block, row, *corner) for corner in ((0, 0), (0, 1), (1, 1), (1, 0))]
    top = np.stack(corners, axis=1)
    floor = top.copy()
    floor[..., 2] = block.floor
    for quads in (top[cells], floor[~cells]):
        yield np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    for side, ends in enumerate(cells & ~_beside(block.solid, row)):
        first, second = top[ends, side], top[ends, (side + 1) % 4]
        heights = (first[:, 2], second[:, 2])
        yield _walls(first[:, :2], second[:, :2], block.floor, heights)


def _corners(block: Block, row: int, above: int, right: int) -> Floats:
    """Return one corner of each cell of a row, of shape (nx - 1, 3)."""
    columns = slice(right, len(block.x) - 1 + right)
    top = block.top[row + above, columns]
    return np.stack([block.x[columns], np.full_like(top, block.y[row + above]), top], axis=-1)


def _beside(solid: Cells, row: int) -> Cells:
    """Mask the cells of a row with a solid cell below, right, above and left; (4, nx - 1)."""
    around = np.pad(solid[max(row - 1, 0) : row + 2], ((row == 0, row == len(solid) - 1), (1, 1)))
    return np.stack([around[0, 1:-1], around[1, 2:], around[2, 1:-1], around[1, :-2]])


def _walls(
    first: Floats, second: Floats, low: float, high: tuple[float, float] | tuple[Floats, Floats]
) -> Floats:
    """Return vertical walls over segments from ``first`` to ``second``, both of shape (k, 2).

    They reach from ``low`` to the heights ``high`` at either end, and face right as seen from above
    when one walks from first to second.
    """
    a, b, c, d = (
        np.column_stack([points, np.broadcast_to(height, len(points))])
        for points, height in ((first, low), (second, low), (second, high[1]), (first, high[0]))
    )
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
