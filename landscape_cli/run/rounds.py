"""The rounds of a run: a single one for all points, or several, each chosen by earlier values."""

from __future__ import annotations

import numpy as np

from landscape_cli.config.run_config import RunConfig
from landscape_cli.parallel.executor import Executor, Work, ignore
from landscape_cli.parallel.tile_scheduler import Speeds, Tiling
from landscape_cli.records.grid import Grid
from landscape_cli.records.levels import Indices, coarse_to_fine
from landscape_cli.records.stop_rule import StopRule
from landscape_cli.refinement import Refinement
from landscape_cli.refinement.sampling import SAMPLED, Sampling
from landscape_cli.run.recording import Recording
from landscape_cli.store import Recorder


def compute_rounds(
    config: RunConfig,
    executor: Executor,
    work: Work,
    recorder: Recorder | None = None,
    recording: Recording | None = None,
    first: int = 1,
    at_once: int = 1,
) -> None:
    """Evaluate the tiles of all rounds; called by every rank.

    Args:
        config: the run.
        executor: the ranks.
        work: evaluates a tile.
        recorder: on rank 0, the recorder of the file; None elsewhere.
        recording: on rank 0, what receives the results; None elsewhere.
        first: samples after which a sampled point may stop first.
        at_once: number of points that a rank evaluates at once.
    """
    grid = Grid(config.grid, config.repeats)
    rounds = None if recorder is None else _Rounds(config, recorder, first)
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
        rule = None if rounds is None else rounds.rule
        tiling = Tiling(
            grid, todo, executor.models, speeds=speeds, stop=stop, rule=rule, at_once=at_once
        )
        for _ in executor.run(tiling, work, arrived):
            pass
        if tiling.left:
            stop.ask("the time limit")


class _Rounds:
    """The points of each round, chosen on rank 0."""

    def __init__(self, config: RunConfig, recorder: Recorder, first: int) -> None:
        self._recorder = recorder
        self._grid = Grid(config.grid, config.repeats)
        adaptive = config.adaptive
        self._refinement: Refinement | None = None
        if adaptive is not None:
            self._refinement = Refinement(
                self._grid.shape, adaptive.tolerance, adaptive.scale, adaptive.quantities
            )
        self._sampling = _sampling(config, first)
        self._begun = self._held_out = self._settled = False
        self.todo: Indices = np.empty(0, np.int64)
        self.rule: StopRule | None = None

    def advance(self) -> bool:
        """Choose the points of the next round, and return True if there are any."""
        self.todo = self._next() if self._sampling is None else self._next_sampled(self._sampling)
        self.todo = coarse_to_fine(self._grid.shape, self.todo, self._grid.repeated)
        return len(self.todo) > 0

    def _next(self) -> Indices:
        """Return the next points of a run without checks of samples."""
        if self._refinement is not None:
            return self._refine(self._refinement)
        begun, self._begun = self._begun, True
        return np.empty(0, np.int64) if begun else self._recorder.todo

    def _next_sampled(self, sampling: Sampling) -> Indices:
        """Return anchors first, then points to check, then others, and set the rule for them.

        Points that fail are tried once in a run.
        """
        recorder = self._recorder
        facts = recorder.surface.provenance.get(SAMPLED, {})
        self.rule = sampling.everything(facts)
        checked = np.array(facts.get("checked", {}).get("points", ()), np.int64)
        first = [sampling.missing(recorder.surface), np.intersect1d(checked, recorder.todo)]
        for todo in first:
            if len(todo):
                return todo
        if not self._settled and len(todo := self._next()):
            if self._held_out:
                self.rule, facts = sampling.checking(recorder.surface, facts)
                recorder.note(SAMPLED, facts)
            else:
                self.rule = sampling.rule(recorder.surface, facts)
            return todo
        self._settled = True
        facts, anew = sampling.check(recorder.surface, facts)
        recorder.note(SAMPLED, facts)
        if not anew.any():
            return np.empty(0, np.int64)
        recorder.forget(anew)
        if "checked" in facts:
            return np.flatnonzero(anew)
        self._settled = self._begun = False
        return self._next_sampled(sampling)

    def _refine(self, refinement: Refinement) -> Indices:
        recorder = self._recorder
        surface = recorder.surface
        if self._sampling is not None:
            surface = self._sampling.before(surface, surface.provenance.get(SAMPLED, {}))
        step = refinement.step(surface)
        recorder.interpolate(step.interpolated, step.values, step.stderr)
        if step.facts is not None:
            recorder.note("adaptive", step.facts)
        self._held_out = step.held_out
        return step.todo


def _sampling(config: RunConfig, first: int) -> Sampling | None:
    """Return the rule of a run whose points take as many samples as they need; None of others."""
    if config.sampling is None:
        return None
    adaptive = config.adaptive
    return Sampling(
        Grid(config.grid, config.repeats).shape,
        config.repeats > 1,
        config.sampling,
        first,
        "auto" if adaptive is None else adaptive.scale,
        None if adaptive is None else adaptive.quantities,
    )
