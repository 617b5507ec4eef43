"""Cutting what is to do into tiles that last about a second, and less towards the end."""

from __future__ import annotations

import math
import threading
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.grid import Grid
from landscape_cli.records.tiles import Tile, TileResult

TILE_SECONDS = 1.0
"""What a tile lasts at least, but for the end of a run."""

TAIL_TILES = 2
"""Towards the end each rank still gets about this many tiles, so that all finish together."""

MESSAGE_SECONDS = 0.0005
"""What a tile costs rank 0 at most: to receive a result, cut the next tile and send it."""

MESSAGE_SHARE = 0.5
"""The part of its time that rank 0 may spend so."""


HASTE = 1.1
"""Before a time limit a tile is expected to last so much longer than its rank's speed says."""


def tile_seconds(ranks: int) -> float:
    """What a tile should last: a second, and beyond 1000 ranks a millisecond for each of them.

    All results pass through rank 0, one after the other. A tile costs it about 0.25 ms, or 0.4 ms
    while it computes as well (``make bench`` measures both; docs/benchmarks.md has a table). With
    tiles of T seconds and R ranks R / T of them come in a second, so that rank 0 is saturated where
    T is R times that cost: all others then wait for it. T is to be twice R times half a
    millisecond, which leaves some room for slower machines.
    """
    return max(TILE_SECONDS, ranks * MESSAGE_SECONDS / MESSAGE_SHARE)


class Tiling:
    """Gives out the points that are to do, in tiles whose size follows the time points take.

    A tile is cut to the speed of the rank that it is for, so that a slow rank gets fewer points
    and not a longer tile. Towards the end tiles get shorter (guided self-scheduling): a tile lasts
    half of the time for which the points that are left occupy all the ranks. It gets no shorter
    than rank 0 takes for a round of all ranks; and once the rest itself is shorter than a round,
    handing out is what takes the time, and the geometric mean of the two makes the shortest end: n
    points in tiles of m take n / m messages, and then the last tile.

    Args:
        grid: the grid.
        todo: flat indices of the points to do, in the order in which to do them.
        ranks: how many ranks take tiles.
        seconds: what a tile should last; ``tile_seconds`` of the ranks if left out.
        speeds: what is known of the ranks from an earlier round of the same run.
        stop: when to give out no more.
    """

    def __init__(
        self,
        grid: Grid,
        todo: NDArray[np.int64],
        ranks: int,
        seconds: float | None = None,
        speeds: Speeds | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._grid = grid
        self._points = iter(todo.tolist())
        self._left = len(todo)
        self._seconds = tile_seconds(ranks) if seconds is None else seconds
        self._round = ranks * MESSAGE_SECONDS
        self.speeds = speeds or Speeds(ranks)
        self._stop = stop or Stop()
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How many points are not given out."""
        return self._left

    def take(self, rank: int = 0) -> Tile | None:
        """The next tile, cut to suit a rank; None when all are given out, or time is up."""
        with self._lock:
            indices = tuple(islice(self._points, self._size(rank)))
            self._left -= len(indices)
        if not indices:
            return None
        return Tile(indices, self._grid.coordinates(indices))

    def returned(self, result: TileResult) -> None:
        """Learn how long a tile took."""
        seconds = float(result.seconds.sum(dtype=np.float64))
        with self._lock:
            self.speeds.learn(result.rank, len(result.indices), seconds)

    def _size(self, rank: int) -> int:
        """How many points; one as long as no rank's speed is known."""
        speed = self.speeds.of(rank)
        time = self._stop.left
        if not speed or time <= 0:
            return int(time > 0)
        rest = self._left / self.speeds.total()
        shortest = math.sqrt(self._round * min(rest, self._round))
        lasting = min(self._seconds, max(rest / TAIL_TILES, shortest))
        size = max(1, int(lasting * speed))
        return size if math.isinf(time) else min(size, int(time * speed / HASTE))


class Speeds:
    """How many points a second each rank does, from its last few tiles."""

    def __init__(self, ranks: int) -> None:
        self._ranks = ranks
        self._timed: dict[int, tuple[float, float]] = {}
        self._sum = 0.0

    def learn(self, rank: int, points: int, seconds: float) -> None:
        """Take in one tile; the earlier ones count half as much as they did."""
        self._sum -= self.of(rank) if rank in self._timed else 0.0
        before, spent = self._timed.get(rank, (0.0, 0.0))
        self._timed[rank] = (before / 2 + points, spent / 2 + max(seconds, points * 1e-6))
        self._sum += self.of(rank)

    def of(self, rank: int) -> float:
        """A rank's speed; the mean of the others' before its first tile, and 0 before any."""
        if rank in self._timed:
            points, seconds = self._timed[rank]
            return points / seconds
        return self._sum / len(self._timed) if self._timed else 0.0

    def slowest(self) -> tuple[int, float] | None:
        """The slowest rank and its speed, once two are known."""
        if len(self._timed) < 2:
            return None
        speed, rank = min((self.of(rank), rank) for rank in self._timed)
        return rank, speed

    def total(self) -> float:
        """The speed of all ranks together, once one is known."""
        return self._sum / len(self._timed) * self._ranks
