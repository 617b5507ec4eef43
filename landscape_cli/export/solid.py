"""A plane as a solid: its surface in triangles, without a gap.

The solid is a plate over the whole rectangle with the relief upon it. A cell of the grid that lacks
a height is a pit down to the plate, with upright walls and a flat floor, so that no height is made
up. Levels, from below: the bottom at 0; the floor of pits; the lowest height a little above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.export.triangulation import CORNERS

Floats = NDArray[np.float64]
Cells = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """A solid's upper side over a plane.

    Args:
        x: coordinates in millimetres, ascending, of shape (nx,).
        y: the same along y, of shape (ny,).
        top: the upper side, of shape (ny, nx), above ``floor`` where a solid cell has a corner.
        floor: the height of the plate.
        solid: which cells reach up to the upper side, of shape (ny - 1, nx - 1); the others have
            the plate alone.
    """

    x: Floats
    y: Floats
    top: Floats
    floor: float
    solid: Cells


def triangles(block: Block) -> Iterator[Floats]:
    """The triangles of a solid's whole surface, in blocks of shape (k, 3, 3): corners, (x, y, z).

    Corners are counterclockwise from outside. Every edge belongs to two triangles.
    """
    yield _bottom(block)
    yield _plate_walls(block)
    for row in range(len(block.y) - 1):
        yield from _row(block, row)


def without_touching(solid: Cells) -> Cells:
    """Fewer cells, so that no two of them, nor two of the others, meet at a corner alone.

    Along the upright edge there four walls would meet.
    """
    cells = solid.copy()
    while True:
        a, b, c, d = (cells[corner] for corner in CORNERS)
        touching = np.stack([a & c & ~b & ~d, b & d & ~a & ~c])
        if not touching.any():
            return cells
        # One of the two becomes a pit: the one in the row above.
        cells[1:, 1:] &= ~touching[0]
        cells[1:, :-1] &= ~touching[1]


def _bottom(block: Block) -> Floats:
    """A fan from the middle to the points around, seen from below."""
    rim = _rim(block)
    middle = np.broadcast_to([block.x[-1] / 2, block.y[-1] / 2], rim.shape)
    flat = np.stack([middle, np.roll(rim, -1, axis=0), rim], axis=1)
    return np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=-1)


def _plate_walls(block: Block) -> Floats:
    """The walls from the bottom to the floor, around the plate."""
    rim = _rim(block)
    return _walls(rim, np.roll(rim, -1, axis=0), 0, (block.floor, block.floor))


def _rim(block: Block) -> Floats:
    """The points around the rectangle, counterclockwise from above, of shape (k, 2)."""
    x, y = block.x, block.y
    sides = [(x[:-1], y[0]), (x[-1], y[:-1]), (x[:0:-1], y[-1]), (x[0], y[:0:-1])]
    return np.concatenate([np.stack(np.broadcast_arrays(*side), axis=-1) for side in sides])


def _row(block: Block, row: int) -> Iterator[Floats]:
    """What lies over a row of cells: the upper side, floors, and walls where solid cells end."""
    cells = block.solid[row]
    corners = [_corners(block, row, *place) for place in ((0, 0), (0, 1), (1, 1), (1, 0))]
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
    """One corner of each cell of a row, of shape (nx - 1, 3)."""
    columns = slice(right, len(block.x) - 1 + right)
    top = block.top[row + above, columns]
    return np.stack([block.x[columns], np.full_like(top, block.y[row + above]), top], axis=-1)


def _beside(solid: Cells, row: int) -> Cells:
    """Which cells of a row have a solid one below, right, above and left; shape (4, nx - 1)."""
    around = np.pad(solid[max(row - 1, 0) : row + 2], ((row == 0, row == len(solid) - 1), (1, 1)))
    return np.stack([around[0, 1:-1], around[1, 2:], around[2, 1:-1], around[1, :-2]])


def _walls(
    first: Floats, second: Floats, low: float, high: tuple[float, float] | tuple[Floats, Floats]
) -> Floats:
    """Upright walls from ``low`` to the heights ``high`` over pieces from first to second, (k, 2).

    The outside is to the right of each piece.
    """
    a, b, c, d = (
        np.column_stack([place, np.broadcast_to(height, len(place))])
        for place, height in ((first, low), (second, low), (second, high[1]), (first, high[0]))
    )
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
