"""Ranks that sleep instead of computing; ``sharding.py`` runs them.

Everything else is real: the executor, the tiling and the messages. Rank 0 prints the seconds from
the first tile handed out to the last result, for each repeat, and the ideal time.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from landscape_cli.parallel.mpi import MPIExecutor
from landscape_cli.parallel.tile_scheduler import Tiling
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Tile, TileResult

QUANTITIES = [(split, name) for split in ("train", "test") for name in ("loss", "accuracy", "more")]


def speeds_of(ranks: int, unequal: bool) -> list[float]:
    """Speed of each rank; if unequal, every fourth rank from rank 1 on is 4 times slower."""
    return [0.25 if unequal and rank % 4 == 1 else 1.0 for rank in range(ranks)]


class Timed(Tiling):
    """A tiling that records when the first tile was taken."""

    begin = 0.0

    def take(self, rank: int = 0) -> Tile | None:
        self.begin = self.begin or time.perf_counter()
        return super().take(rank)


def run_once(executor: MPIExecutor, speeds: list[float], options: argparse.Namespace) -> float:
    """Run once; return the duration on rank 0 in seconds."""
    points = round(options.seconds * sum(speeds) / options.point)
    speed = speeds[executor.rank]

    def work(tile: Tile) -> TileResult:
        start, count = time.perf_counter(), len(tile.indices)
        time.sleep(count * options.point / speed)
        values = {quantity: np.zeros(count) for quantity in QUANTITIES}
        each = np.full(count, (time.perf_counter() - start) / count, np.float32)
        return TileResult(tile.indices, values, values, each, executor.rank)

    source = Timed(Grid({"x": Axis(0, 1, points)}), np.arange(points), executor.size, options.tile)
    done, end = 0, 0.0
    for result in executor.run(source, work):
        done, end = done + len(result.indices), time.perf_counter()
    if executor.rank == 0 and done != points:
        raise SystemExit(f"{done} of {points} points were computed")
    return end - source.begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--unequal", action="store_true")
    parser.add_argument("--point", type=float, default=0.05)
    parser.add_argument("--tile", type=float)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    executor = MPIExecutor()
    speeds = speeds_of(executor.size, options.unequal)
    points = round(options.seconds * sum(speeds) / options.point)
    times = [run_once(executor, speeds, options) for _ in range(options.repeats)]
    if executor.rank == 0:
        print(json.dumps({"times": times, "ideal": points * options.point / sum(speeds)}))


if __name__ == "__main__":
    main()
