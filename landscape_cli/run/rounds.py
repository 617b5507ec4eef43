"""The rounds of a run: a single one for all points, or several for adaptive refinement."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from landscape_cli.config.run_config import RunConfig
from landscape_cli.parallel.executor import Executor, Work
from landscape_cli.parallel.tile_scheduler import Speeds, Tiling
from landscape_cli.records.grid import Grid
from landscape_cli.records.levels import Indices, coarse_to_fine
from landscape_cli.records.tiles import TileResult
from landscape_cli.refinement import Refinement
from landscape_cli.store import Recorder


def all_results(
    config: RunConfig, executor: Executor, recorder: Recorder | None, work: Work
) -> Iterator[TileResult]:
    """Yield the results of all rounds as they come; called by every rank.

    Args:
        config: the run.
        executor: the ranks.
        recorder: on rank 0, the recorder, which must have each result before the next is
            requested; None elsewhere.
        work: evaluates a tile.
    """
    grid = Grid(config.grid, config.repeats)
    rounds = None if recorder is None else _Rounds(config, recorder)
    speeds = Speeds(executor.size)
    stop = executor.stop
    while executor.lead(lambda: rounds is not None and not stop.reason and rounds.advance()):
        todo = np.empty(0, np.int64) if rounds is None else rounds.todo
        tiling = Tiling(grid, todo, executor.size, speeds=speeds, stop=stop)
        yield from executor.run(tiling, work)
        if tiling.left:
            stop.ask("the time limit")


class _Rounds:
    """The points of each round, chosen on rank 0."""

    def __init__(self, config: RunConfig, recorder: Recorder) -> None:
        self._recorder = recorder
        self._grid = Grid(config.grid, config.repeats)
        self._refinement: Refinement | None = None
        if (adaptive := config.adaptive) is not None:
            self._refinement = Refinement(
                self._grid.shape, adaptive.tolerance, adaptive.scale, adaptive.quantities
            )
        self._begun = False
        self.todo: Indices = np.empty(0, np.int64)

    def advance(self) -> bool:
        """Choose the points of the next round, and return True if there are any."""
        if self._refinement is None:
            self.todo = self._recorder.todo if not self._begun else np.empty(0, np.int64)
        else:
            self.todo = self._refine(self._refinement)
        self._begun = True
        self.todo = coarse_to_fine(self._grid.shape, self.todo, self._grid.repeated)
        return len(self.todo) > 0

    def _refine(self, refinement: Refinement) -> Indices:
        recorder = self._recorder
        step = refinement.step(recorder.surface)
        recorder.interpolate(step.interpolated, step.values, step.stderr)
        if step.facts is not None:
            recorder.note("adaptive", step.facts)
        return step.todo
