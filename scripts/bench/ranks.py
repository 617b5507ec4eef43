"""Discrete-event simulation of the ranks of a job: real tiling, simulated clocks."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landscape_cli.parallel.tile_scheduler import Tiling
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Tile, TileResult


@dataclass(frozen=True)
class Costs:
    """Overheads in seconds.

    Args:
        message: rank 0's pool thread receives a result, cuts the next tile and sends it.
        waiting: extra time of a message while rank 0's main thread computes.
        latency: round trip between a worker and rank 0, besides ``message``.
        add: rank 0's main thread records a result.
        publish: rank 0's main thread writes the file.
    """

    message: float
    waiting: float = 0.0
    latency: float = 0.0
    add: float = 0.0
    publish: float = 0.0


@dataclass
class Outcome:
    """Outcome of a simulated run; times are in seconds.

    Args:
        points: number of computed points.
        busy: time that all ranks together spent on points.
        makespan: time from the first tile handed out to the last result.
        handling: busy time of rank 0's pool thread.
        tiles: number of tiles that the workers got.
        idle: mean time that a worker waits between the end of a tile and the next tile.
        delay: longest time that a result waited at rank 0 before it was recorded.
        ends: end of each rank's last tile.
    """

    points: int
    busy: float
    makespan: float
    handling: float
    tiles: int
    idle: float
    delay: float
    ends: list[float]

    @property
    def share(self) -> float:
        """Fraction of the time that rank 0's pool thread was busy."""
        return self.handling / self.makespan if self.makespan else 0.0


class Line(Grid):
    """A grid without coordinates, which a simulation does not need."""

    def coordinates(self, indices: Sequence[int]) -> tuple[tuple[float, ...], ...]:
        return ()


def line_of(points: int) -> Line:
    return Line({"x": Axis(0, 1, points) if points > 1 else Axis(0, 0, 1)})


class Simulation:
    """One run; see ``simulate``."""

    def __init__(
        self,
        tiling: Tiling,
        point: float,
        speeds: Sequence[float],
        costs: Costs,
        computes: bool,
        noise: float,
    ) -> None:
        self.tiling, self.point, self.speeds = tiling, point, speeds
        self.costs, self.computes, self.noise = costs, computes, noise
        self.service = costs.message + (costs.waiting if computes else 0.0)
        self.random = random.Random(0)
        self.events: list[tuple[float, int, Tile, float]] = []
        self.free_at = 0.0  # the pool thread
        self.main_at = 0.0  # the main thread
        self.published = 0.0
        self.waiting_since: list[float] = []
        self.result = Outcome(0, 0.0, 0.0, 0.0, 0, 0.0, 0.0, [0.0] * len(speeds))

    def run(self) -> Outcome:
        """Process events until no tile is left."""
        for rank in range(1, len(self.speeds)):
            self._handle(rank, 0.0)
        if self.computes:
            self._start(0, self.tiling.take(0), 0.0)
        idle = 0.0
        while self.events:
            now, rank, tile, seconds = heapq.heappop(self.events)
            self._finish(rank, tile, seconds, now)
            if rank == 0:
                self._start(0, self.tiling.take(0), self._record(now))
            else:
                idle += self._handle(rank, now + self.costs.latency / 2) - now
                self.waiting_since.append(self.free_at)
                if not self.computes:
                    self._record(self.free_at)
        self._record(max(self.free_at, self.main_at))
        self.result.idle = idle / max(1, self.result.tiles)
        self.result.makespan = max(max(self.result.ends), self.free_at)
        return self.result

    def _handle(self, rank: int, arrived: float) -> float:
        """Handle a rank's message in the pool thread; return when the rank has its next tile."""
        self.free_at = max(self.free_at, arrived) + self.service
        self.result.handling += self.service
        begin = self.free_at + self.costs.latency / 2
        tile = self.tiling.take(rank)
        self.result.tiles += tile is not None
        self._start(rank, tile, begin)
        return begin

    def _start(self, rank: int, tile: Tile | None, begin: float) -> None:
        if tile is not None:
            seconds = len(tile.indices) * self.point / self.speeds[rank]
            seconds *= max(0.1, self.random.gauss(1, self.noise)) if self.noise else 1
            heapq.heappush(self.events, (begin + seconds, rank, tile, seconds))

    def _finish(self, rank: int, tile: Tile, seconds: float, now: float) -> None:
        points = len(tile.indices)
        each = np.full(points, seconds / points, np.float32)
        self.tiling.returned(TileResult(tile.indices, {}, {}, each, rank))
        self.result.points += points
        self.result.busy += seconds
        self.result.ends[rank] = now

    def _record(self, now: float) -> float:
        """Record waiting results and publish, in the main thread; return when that is done."""
        self.main_at = max(self.main_at, now)
        if self.waiting_since:
            self.result.delay = max(self.result.delay, self.main_at - self.waiting_since[0])
        self.main_at += len(self.waiting_since) * self.costs.add
        self.waiting_since.clear()
        if self.main_at - self.published >= max(1.0, 50 * self.costs.publish):
            self.main_at += self.costs.publish
            self.published = self.main_at
        return self.main_at


def simulate(
    points: int,
    point: float,
    speeds: Sequence[float],
    costs: Costs,
    tile: float | None = None,
    computes: bool = True,
    noise: float = 0.0,
) -> Outcome:
    """Simulate a run.

    A worker's result queues for rank 0's pool thread, which sends the next tile; the main thread
    records results, publishes, and computes tiles in between.

    Args:
        points: the number of points.
        point: the duration of a point on a rank of speed 1.
        speeds: the speed of each rank.
        costs: the overheads.
        tile: the target duration of a tile; by default the tiling's.
        computes: whether rank 0 computes tiles too.
        noise: the relative standard deviation of a tile's duration.
    """
    tiling = Tiling(line_of(points), np.arange(points), len(speeds), tile)
    return Simulation(tiling, point, speeds, costs, computes or len(speeds) == 1, noise).run()
