"""Simulation of hundreds and thousands of ranks, from costs measured on this machine.

It shows at which number of ranks rank 0, through which all results pass, becomes the bottleneck,
and how long a tile must last. Prints one JSON line per figure, and tables on standard error; see
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

import numpy as np
from ranks import Costs, Outcome, simulate
from reporting import REPEATS, emit, median_seconds, note, on_ranks
from sharding import result
from table import markdown

from landscape_cli.parallel.mpi import COMPUTES_BELOW
from landscape_cli.parallel.tile_scheduler import tile_seconds
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.store import Recorder, empty_surface

RANKS = (64, 256, 1024, 4096)
GRIDS = (251, 1001)
POINTS = (0.05, 1.0)
TILES = (0.1, 0.5, 1.0, 2.0, 5.0)
NOISE = 0.1
ROUNDS = 20


def measure(repeats: int) -> dict[int, Costs]:
    """Measure the costs of messages and publishing, for each grid size."""
    waiting = on_ranks(2, "messages.py", "--repeats", repeats)
    computing = on_ranks(2, "messages.py", "--repeats", repeats, "--computing")
    emit("message_seconds", waiting["cpu"], "s of rank 0 for each tile")
    emit("message_round_trip", waiting["wall"], "s", note="rank 0's main thread waits")
    emit("message_round_trip_computing", computing["wall"], "s", note="it computes")
    costs = {}
    for points in GRIDS:
        publish, add = store(points, repeats)
        emit(f"publish_seconds_{points}", publish, "s", note=f"{points} x {points}, 6 quantities")
        costs[points] = Costs(
            message=waiting["cpu"],
            waiting=max(0.0, computing["wall"] - waiting["wall"]),
            latency=max(0.0, waiting["wall"] - waiting["cpu"]),
            add=add,
            publish=publish,
        )
    emit("collect_seconds", costs[GRIDS[0]].add, "s of rank 0 for each tile")
    return costs


def store(points: int, repeats: int) -> tuple[float, float]:
    """Time publishing a full surface and recording a tile, in seconds."""
    grid = Grid({"x": Axis(-1, 1, points), "y": Axis(-1, 1, points)})
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "surface.h5", empty_surface(grid, {}, {}))
        recorder.add(result(range(grid.total)))
        publish = median_seconds(recorder.publish, repeats)
        tiles = [result(range(first, first + 20)) for first in random.sample(range(50_000), 500)]
        start = time.perf_counter()
        for tile in tiles:
            recorder.add(tile)
        return publish, (time.perf_counter() - start) / len(tiles)


def runs(costs: dict[int, Costs]) -> list[dict[str, object]]:
    """Simulate whole runs with the program's default tiles."""
    lines = []
    for grid in GRIDS:
        for point in POINTS:
            for ranks in RANKS:
                computes = ranks < COMPUTES_BELOW
                default = run(grid**2, point, ranks, costs[grid], computes)
                opposite = run(grid**2, point, ranks, costs[grid], not computes)
                computing, idle = (default, opposite) if computes else (opposite, default)
                ideal = grid**2 * point / ranks
                line = {
                    "ranks": ranks,
                    "grid": f"{grid} x {grid}",
                    "point_seconds": point,
                    "ideal_seconds": ideal,
                    "simulated_seconds": default.makespan,
                    "rank_0_share": default.share,
                    "wait_seconds": default.idle,
                    "tile_seconds": max(point, tile_seconds(ranks)),
                    "efficiency_if_rank_0_computes": ideal / computing.makespan,
                    "efficiency_if_it_does_not": ideal / idle.makespan,
                }
                name = f"simulated_run_{ranks}_{grid}_{point:g}s"
                emit(name, ideal / default.makespan, "ratio", **line)
                lines.append({"figure": name, "value": ideal / default.makespan, **line})
    return lines


def run(points: int, point: float, ranks: int, costs: Costs, computes: bool) -> Outcome:
    return simulate(points, point, [1.0] * ranks, costs, computes=computes, noise=NOISE)


def tiles(costs: Costs) -> list[dict[str, object]]:
    """Simulate runs of 20 tiles per rank, for several tile durations."""
    lines = []
    for ranks in RANKS:
        computes = ranks < COMPUTES_BELOW
        cost = costs.message + costs.waiting * computes
        for tile in TILES:
            point = tile / 10
            points, speeds = ranks * ROUNDS * 10, [1.0] * ranks
            outcome = simulate(points, point, speeds, costs, tile, computes, NOISE)
            efficiency = ROUNDS * tile / outcome.makespan
            line = {"ranks": ranks, "tile_seconds": tile, "rank_0_share": outcome.share}
            name = f"simulated_tile_{ranks}_{tile:g}s"
            emit(name, efficiency, "ratio", **line)
            lines.append({"figure": name, "value": efficiency, **line})
        needed = ranks * cost / 0.5
        name = f"simulated_need_{ranks}"
        line = {"ranks": ranks, "default_seconds": tile_seconds(ranks)}
        emit(name, needed, "s", **line)
        lines.append({"figure": name, "value": needed, "unit": "s", **line})
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    np.random.seed(0)
    costs = measure(options.repeats)
    lines = tiles(costs[GRIDS[0]]) + runs(costs)
    note("\n" + markdown(lines))


if __name__ == "__main__":
    main()
