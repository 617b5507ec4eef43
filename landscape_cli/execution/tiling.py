"""Cutting what is to do into tiles that last about a second."""

from __future__ import annotations

import threading
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records import Grid, Tile, TileResult

TARGET_SECONDS = 1.0
TAIL_TILES = 4
"""Towards the end each rank still gets about this many tiles, so that all finish together."""


class Tiling:
    """Gives out the points that are to do, in tiles whose size follows the time points take.

    Args:
        grid: the grid.
        todo: flat indices of the points to do, in the order in which to do them.
        ranks: how many ranks take tiles.
    """

    def __init__(self, grid: Grid, todo: NDArray[np.int64], ranks: int) -> None:
        self._grid = grid
        self._points = iter(todo.tolist())
        self._left = len(todo)
        self._ranks = ranks
        self._seconds = 0.0
        self._timed = 0
        self._lock = threading.Lock()

    def take(self) -> Tile | None:
        """The next tile, or None when all are given out."""
        with self._lock:
            indices = tuple(islice(self._points, self._size()))
            self._left -= len(indices)
        if not indices:
            return None
        return Tile(indices, self._grid.coordinates(indices))

    def returned(self, result: TileResult) -> None:
        """Learn how long a tile took."""
        with self._lock:
            self._seconds += float(result.seconds.sum())
            self._timed += len(result.indices)

    def _size(self) -> int:
        if not self._timed:
            return 1
        lasting = TARGET_SECONDS / max(self._seconds / self._timed, 1e-6)
        return max(1, min(int(lasting), self._left // (TAIL_TILES * self._ranks)))
