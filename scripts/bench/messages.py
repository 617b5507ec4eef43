"""Measurement of the cost of handing out a tile, on 2 ranks; ``simulation.py`` runs it.

Rank 1 returns each tile at once, so only messages take time. Meanwhile, rank 0's main thread waits
or, with ``--computing``, evaluates a real network.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np

from landscape_cli.parallel.mpi import MPIExecutor
from landscape_cli.parallel.tile_scheduler import Tiling
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Tile, TileResult

POINTS = 20
QUANTITIES = [(split, name) for split in ("train", "test") for name in ("loss", "accuracy", "more")]


class Source:
    """Hands out tiles of realistic size, and records the time after each part of them."""

    def __init__(self, parts: int, tiles: int) -> None:
        self.grid = Grid({"x": Axis(-1, 1, 251), "y": Axis(-1, 1, 251)})
        self.left = parts * tiles
        self.tiles = tiles
        self.tiling = Tiling(self.grid, np.arange(self.grid.total), 2)
        self.times: list[tuple[float, float]] = []

    def take(self, rank: int = 0) -> Tile | None:
        if rank == 0:
            return Tile((0,), ((0.0, 0.0),)) if self.left else None
        if not self.left:
            return None
        self.left -= 1
        start = self.left % 3000 * POINTS
        indices = tuple(range(start, start + POINTS))
        return Tile(indices, self.grid.coordinates(indices))

    def returned(self, result: TileResult) -> None:
        if result.rank == 1:
            self.tiling.returned(result)
            if self.left % self.tiles == 0:
                self.times.append((time.perf_counter(), time.thread_time()))


class Waiting(Source):
    """A source that hands out no tiles to rank 0."""

    def take(self, rank: int = 0) -> Tile | None:
        return super().take(rank) if rank else None


def answer(tile: Tile, rank: int) -> TileResult:
    """Make a result of realistic size."""
    points = len(tile.indices)
    values = {quantity: np.random.random(points) for quantity in QUANTITIES}
    return TileResult(tile.indices, values, values, np.full(points, 0.05, np.float32), rank)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--computing", action="store_true")
    parser.add_argument("--tiles", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    executor = MPIExecutor()
    forward = None
    if options.computing and executor.rank == 0:
        import problem
        import torch

        torch.set_num_threads(1)
        network = problem.build()
        batch = network.splits["train"].tensors
        forward = lambda: network.objective(network.model.eval(), batch)  # noqa: E731

    def work(tile: Tile) -> TileResult:
        if forward is not None:
            import torch

            with torch.no_grad():
                for _ in range(10):
                    forward()
        return answer(tile, executor.rank)

    kind = Source if options.computing else Waiting
    source = kind(options.repeats + 1, options.tiles)
    for _ in executor.run(source, work):
        pass
    if executor.rank == 0:
        walls, cpus = zip(*source.times, strict=True)
        print(
            json.dumps(
                {
                    "wall": statistics.median(np.diff(walls)) / options.tiles,
                    "cpu": statistics.median(np.diff(cpus)) / options.tiles,
                }
            )
        )


if __name__ == "__main__":
    main()
