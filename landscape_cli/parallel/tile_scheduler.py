"""Scheduling of grid points in tiles that last about a second, and less towards the end."""

from __future__ import annotations

import math
import threading
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.grid import Grid
from landscape_cli.records.stop_rule import StopRule
from landscape_cli.records.tiles import Tile, TileResult

TILE_SECONDS = 1.0
"""Shortest duration of a tile in seconds, except towards the end of a run."""

TAIL_TILES = 2
"""Number of tiles that each rank still gets towards the end, so that all finish together."""

MESSAGE_SECONDS = 0.0005
"""Upper bound on rank 0's seconds per tile: receive a result, cut the next tile and send it."""

MESSAGE_SHARE = 0.5
"""Largest fraction of its time that rank 0 may spend on messages."""

HASTE = 1.1
"""Safety factor on the expected duration of a tile before a time limit."""


def tile_seconds(ranks: int) -> float:
    """Choose the duration of a tile: one second, or 1 ms per rank for more than 1000 ranks.

    All results pass through rank 0, one after the other. A tile costs it about 0.25 ms, or 0.4 ms
    if it also computes (``make bench`` measures both; docs/benchmarks.md has a table). With tiles
    of T seconds and R ranks, R / T results arrive per second, so rank 0 is saturated if T is R
    times that cost, and all other ranks wait for it. T is therefore twice R times 0.5 ms, which
    leaves a margin for slower machines.
    """
    return max(TILE_SECONDS, ranks * MESSAGE_SECONDS / MESSAGE_SHARE)


class Tiling:
    """Hands out the points to do, in tiles sized by the measured time per point.

    A tile is sized for the speed of its rank, so a slow rank gets fewer points rather than a longer
    tile. Towards the end, tiles get shorter (guided self-scheduling): a tile lasts half as long as
    the remaining points occupy all ranks, but no shorter than rank 0 takes to serve each rank once
    (a round). When the remaining work itself is shorter than a round, handing out tiles takes most
    of the time: n points in tiles of m points cost n / m messages plus the last tile, and the
    geometric mean of the two durations minimizes the sum. A single rank that evaluates several
    points at once, without a time limit, takes all that is left in the end: nobody waits for it,
    but while the last point of a tile is evaluated, its other threads are idle.

    Args:
        grid: the grid.
        todo: flat indices of the points to do, in the order in which to do them.
        ranks: the number of ranks that take tiles.
        seconds: the target duration of a tile; by default ``tile_seconds(ranks)``.
        speeds: the speeds measured in an earlier round of the same run, if any.
        stop: decides when to stop handing out tiles.
        rule: decides how many samples each point is evaluated on; None for all.
        at_once: number of points that a rank evaluates at once; tiles have no fewer, if there are
            enough left.
    """

    def __init__(
        self,
        grid: Grid,
        todo: NDArray[np.int64],
        ranks: int,
        seconds: float | None = None,
        speeds: Speeds | None = None,
        stop: Stop | None = None,
        rule: StopRule | None = None,
        at_once: int = 1,
    ) -> None:
        self._at_once = at_once
        self._alone = ranks == 1 and at_once > 1
        self._grid = grid
        self._rule = rule
        self._points = iter(todo.tolist())
        self._left = len(todo)
        self._seconds = tile_seconds(ranks) if seconds is None else seconds
        self._round = ranks * MESSAGE_SECONDS
        self.speeds = speeds or Speeds(ranks)
        self._stop = stop or Stop()
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Number of points not handed out yet."""
        return self._left

    def take(self, rank: int = 0) -> Tile | None:
        """Take the next tile, sized for a rank; None when no point is left or time is up."""
        with self._lock:
            indices = tuple(islice(self._points, self._size(rank)))
            self._left -= len(indices)
        if not indices:
            return None
        return Tile(indices, self._grid.coordinates(indices), self._rule)

    def returned(self, result: TileResult) -> None:
        """Record how long a tile took."""
        seconds = float(result.seconds.sum(dtype=np.float64))
        with self._lock:
            self.speeds.learn(result.rank, len(result.indices), seconds)

    def _size(self, rank: int) -> int:
        """Number of points in a rank's next tile; the fewest until a speed is known."""
        speed = self.speeds.of(rank)
        time = self._stop.left
        if not speed or time <= 0:
            return self._at_once if time > 0 else 0
        remaining = self._left / self.speeds.total()
        if self._alone and math.isinf(time) and remaining <= self._seconds:
            return self._left
        shortest = math.sqrt(self._round * min(remaining, self._round))
        duration = min(self._seconds, max(remaining / TAIL_TILES, shortest))
        size = max(1, int(duration * speed / self._at_once)) * self._at_once
        return size if math.isinf(time) else min(size, int(time * speed / HASTE))


class Speeds:
    """Points per second of each rank, measured on its last few tiles."""

    def __init__(self, ranks: int) -> None:
        self._ranks = ranks
        self._timed: dict[int, tuple[float, float]] = {}
        self._sum = 0.0

    def learn(self, rank: int, points: int, seconds: float) -> None:
        """Add a tile to a rank's speed; each new tile halves the weight of earlier ones."""
        self._sum -= self.of(rank) if rank in self._timed else 0.0
        before, spent = self._timed.get(rank, (0.0, 0.0))
        self._timed[rank] = (before / 2 + points, spent / 2 + max(seconds, points * 1e-6))
        self._sum += self.of(rank)

    def of(self, rank: int) -> float:
        """Speed of a rank: before its first tile the mean of the others, 0 before any tile."""
        if rank in self._timed:
            points, seconds = self._timed[rank]
            return points / seconds
        return self._sum / len(self._timed) if self._timed else 0.0

    def slowest(self) -> tuple[int, float] | None:
        """Return the slowest rank and its speed, or None unless two ranks are known."""
        if len(self._timed) < 2:
            return None
        speed, rank = min((self.of(rank), rank) for rank in self._timed)
        return rank, speed

    def total(self) -> float:
        """Total speed of all ranks, estimated from the known ones; needs at least one."""
        return self._sum / len(self._timed) * self._ranks
