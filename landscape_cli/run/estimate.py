"""The estimate of a run's time, memory and disk space, from a few of its points."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.checks.reach import trial_points
from landscape_cli.evaluation.measures.point_measures import PointMeasures
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.problem import Problem
from landscape_cli.records.grid import Grid
from landscape_cli.records.tiles import Tile, TileResult
from landscape_cli.run.resume import Start, resolve
from landscape_cli.run.setup.stages import set_up
from landscape_cli.store import own_points, surface_bytes
from landscape_cli.store.hdf5.writing import TABLE_BYTES
from landscape_cli.util import accelerators

POINTS = 5
"""Number of points that are timed: the centre, then corners."""


@dataclass(frozen=True)
class Estimate:
    """Time, memory and disk space of a run.

    Args:
        points: number of points to compute, of the grid or the shard.
        seconds: median time of a point on one rank.
        device: device of the measurement: ``cpu``, ``cuda:1`` or ``cuda:0 + cuda:1``.
        threads: CPU threads of a rank.
        memory: peak memory of a rank in bytes: of its GPUs, and of the process on a CPU.
        surface: size of the surface's file in bytes.
        directions: size of the directions file in bytes.
        products: number of products with the Hessian that a point takes.
        ranks_per_model: number of ranks that evaluate a point together.
    """

    points: int
    seconds: float
    device: str
    threads: int
    memory: int
    surface: int
    directions: int
    products: int = 0
    ranks_per_model: int = 1

    @property
    def hours(self) -> float:
        """Core-hours of all points, or GPU-hours on a GPU."""
        units = self.ranks_per_model * (self.threads if self.device == "cpu" else 1)
        return self.points * self.seconds * units / 3600

    def wall(self, models: int) -> float:
        """Return the wall-clock seconds on a number of ranks like this one, or of groups."""
        return -(-self.points // models) * self.seconds


def estimate(
    config: RunConfig, executor: Executor, problem: Problem | None = None
) -> Estimate | None:
    """Set up a run, time a few points and extrapolate to all; called by every rank.

    Nothing is written.

    Returns:
        The estimate on rank 0, None elsewhere.

    Raises:
        LandscapeError: for any error that a user can cause, as in the run itself.
    """
    start = Start(executor.lead(lambda: resolve(config)))
    setup = set_up(start, executor, problem)
    evaluator = setup.evaluator
    grid = Grid(start.config.grid, start.config.repeats)
    results = executor.lead(lambda: _results(evaluator, trial_points(evaluator, grid, POINTS)))
    measuring = executor.lead(lambda: _measuring_seconds(evaluator))
    if executor.rank:
        return None
    copies, own = len(setup.facts.slice_.stored), evaluator.parameters
    return Estimate(
        points=int(own_points(grid, start.config.part).sum()),
        seconds=measuring + statistics.median(float(result.seconds[0]) for result in results),
        device=setup.placements[0].device,
        threads=setup.placements[0].threads,
        memory=sum(map(_memory, evaluator.parameters.devices)),
        surface=surface_bytes(grid.total, results[0].values),
        directions=copies * (own.whole_nbytes + TABLE_BYTES * len(own.views)),
        products=evaluator.measures.products(own),
        ranks_per_model=start.config.ranks_per_model,
    )


def _results(evaluator: Evaluator, points: Sequence[tuple[float, ...]]) -> list[TileResult]:
    """Evaluate a few points as tiles, the first twice because the first pass is slow.

    Measures are left out, except at the first point, where their values show how many there are.
    """
    tiles = [Tile((0,), (point,)) for point in [points[0], *points]]
    measures, evaluator.measures = evaluator.measures, PointMeasures()
    results = [evaluator.evaluate(tile) for tile in tiles][1:]
    evaluator.measures = measures.briefly()
    if measures.all:
        results[0] = replace(evaluator.evaluate(tiles[0]), seconds=results[0].seconds)
    evaluator.measures = measures
    return results


def _measuring_seconds(evaluator: Evaluator) -> float:
    """Return the seconds of all measures at a point, from fewer products of the same kind."""
    whole, seconds = evaluator.measures, 0.0
    tile = Tile((0,), (evaluator.slice.origin,))
    for measure in whole.all:
        brief = whole.briefly([measure])
        evaluator.measures = brief
        evaluator.measured(tile)  # the first pass is slow
        begin = time.perf_counter()
        evaluator.measured(tile)
        few = brief.products(evaluator.parameters)
        scale = measure.products(evaluator.parameters, whole.axes) / few if few else 1.0
        seconds += scale * (time.perf_counter() - begin)
    evaluator.measures = whole
    return seconds


def _memory(device: torch.device) -> int:
    if device.type != "cpu":
        return accelerators.peak_memory(device)
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
