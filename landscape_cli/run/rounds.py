"""The rounds of a run: a single one for all points, or several for adaptive refinement."""

from __future__ import annotations

import numpy as np

from landscape_cli.config.run_config import RunConfig
from landscape_cli.parallel.executor import Executor, Work, ignore
from landscape_cli.parallel.tile_scheduler import Speeds, Tiling
from landscape_cli.records.grid import Grid
from landscape_cli.records.levels import Indices, coarse_to_fine
from landscape_cli.refinement import Refinement
from landscape_cli.run.recording import Recording
from landscape_cli.store import Recorder


def compute_rounds(
    config: RunConfig,
    executor: Executor,
    work: Work,
    recorder: Recorder | None = None,
    recording: Recording | None = None,
) -> None:
    """Evaluate the tiles of all rounds; called by every rank.

    Args:
        config: the run.
        executor: the ranks.
        work: evaluates a tile.
        recorder: on rank 0, the recorder of the file; None elsewhere.
        recording: on rank 0, what receives the results; None elsewhere.
    """
    grid = Grid(config.grid, config.repeats)
    rounds = None if recorder is None else _Rounds(config, recorder)
    arrived = ignore if recording is None else recording.arrived

    def advance() -> bool:
        if rounds is None or recording is None or stop.reason:
            return False
        with recording.paused():
            return rounds.advance()

    speeds = Speeds(executor.models)
    stop = executor.stop
    while executor.lead(advance):
        todo = np.empty(0, np.int64) if rounds is None else rounds.todo
        tiling = Tiling(grid, todo, executor.models, speeds=speeds, stop=stop)
        for _ in executor.run(tiling, work, arrived):
            pass
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
