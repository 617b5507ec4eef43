"""Curves and barriers between every two of several networks, farmed out to the ranks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from landscape_cli.config.checks import refuse_quantized
from landscape_cli.config.loading import validate_config
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import LandscapeError, UsageError
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.curves.barriers import (
    ALIGNED,
    CURVE,
    STRAIGHT,
    Barriers,
    Quantity,
    height,
)
from landscape_cli.records.surface import Surface
from landscape_cli.run.compute import compute
from landscape_cli.run.connect.aligning import PairAligner
from landscape_cli.run.connect.compute import ConnectRun
from landscape_cli.run.connect.request import Request
from landscape_cli.run.connect.training import DivergedError
from landscape_cli.run.setup.placement import assign_device, place_ranks
from landscape_cli.run.time_limit import PUBLISHING, time_left
from landscape_cli.store import read_surface
from landscape_cli.util.logs import tell
from landscape_cli.util.progress import Progress

KEPT = ("problem", "problem_args", "splits", "samples", "batch_size", "precision", "cache")
"""Keys of the configuration that surfaces along the ways have too."""


@dataclass(frozen=True)
class PairsOutcome:
    """The result of a run.

    Args:
        barriers: what is known, on every rank.
        stopped: what stopped the run before the end, or None.
    """

    barriers: Barriers
    stopped: str | None = None


class _StoppedError(LandscapeError):
    """A part of a pair was stopped early."""


@dataclass
class PairsRun:
    """A run on one rank: each pair is one rank's, and each of its files can be continued.

    Args:
        config: names the problem, and the samples on which losses are computed.
        request: the curves.
        checkpoints: at least two.
        folder: where the files go.
        executor: the ranks.
        points: number of points along each way.
        align: whether to align the second network of each pair, too.
        inputs: files that must not be replaced.
        command: the command line.
        quiet: show no progress.
        problem: the user's object, in place of the one that the configuration names.
    """

    config: RunConfig
    request: Request
    checkpoints: Sequence[CheckpointPath]
    folder: Path
    executor: Executor
    points: int = 21
    align: bool = True
    inputs: Sequence[str] = ()
    command: Sequence[str] = ()
    quiet: bool = False
    problem: Problem | None = None
    _aligner: PairAligner | None = field(default=None, init=False)
    _notes: list[str] = field(default_factory=list, init=False)

    def compute(self, overwrite: bool = False) -> PairsOutcome:
        """Train all curves and compute all barriers; called by every rank.

        A pair that fails is named in the notes, and leaves a gap.

        Raises:
            LandscapeError: if there are fewer than two networks, or every pair fails.
        """
        executor = self.executor
        names = executor.lead(self._names)
        executor.stop = Stop(executor.lead(lambda: time_left(self.config)))
        device = assign_device(executor, self.config.device)
        placement = place_ranks(executor, [device], self.config.threads)[executor.rank]
        own = {"device": str(device), "threads": placement.threads}
        self.config = self.config.model_copy(update=own)
        self.quiet = self.quiet or executor.rank > 0
        pairs = list(combinations(range(len(names)), 2))[executor.rank :: executor.size]
        found: list[tuple[int, int, str, dict[Quantity, float]]] = []
        aligner = PairAligner(self.config, self.folder, problem=self.problem)
        self._aligner = aligner if self.align else None
        ways = 3 if self.align else 2
        terminal, label = on_terminal(), self.folder.name
        bar = Progress(ways * len(pairs), label, "line", quiet=self.quiet, terminal=terminal)
        with executor.stop.on_signals(), bar:
            for first, second in pairs:
                name = f"{names[first]}-{names[second]}"
                if executor.stop.left <= PUBLISHING:
                    executor.stop.ask("the time limit")
                if executor.stop.reason is not None:
                    break
                try:
                    for way, heights in self._pair(first, second, name, overwrite, bar):
                        found.append((first, second, way, heights))
                        bar.update(note=f"{name} {way}")
                except _StoppedError as error:
                    executor.stop.ask(str(error))
                except LandscapeError as error:
                    self._notes.append(f"{name}: {error}")
        return self._gathered(names, found, self._notes)

    def _names(self) -> list[str]:
        refuse_quantized(self.config, "curves are trained in full precision")
        count = len({path.real for path in self.checkpoints})
        if count < 2:
            raise UsageError(
                f"--checkpoints: {count} checkpoint, but pairs need at least two; name the "
                "checkpoints of several trained networks"
            )
        return [name.replace("/", "_").replace("::", "_") for name in labels(self.checkpoints)]

    def _pair(
        self, first: int, second: int, name: str, overwrite: bool, bar: Progress
    ) -> Iterator[tuple[str, dict[Quantity, float]]]:
        """Connect two networks in every way, and yield the heights of each."""
        ends = self.checkpoints[first], self.checkpoints[second]
        line = replace(self.request, bends=0)
        yield STRAIGHT, self._way(name, STRAIGHT, line, ends, overwrite, bar)
        if self._aligner is not None:
            bar.within(f"{name}: alignment")
            try:
                aligned = self._aligner.align(*ends, f"{name}.aligned", overwrite)
            except LandscapeError as error:
                self._notes.append(f"{name}: not aligned: {error}")
            else:
                there = ends[0], aligned
                yield ALIGNED, self._way(name, ALIGNED, line, there, overwrite, bar)
        yield CURVE, self._way(name, CURVE, self.request, ends, overwrite, bar)

    def _way(
        self,
        name: str,
        way: str,
        request: Request,
        ends: tuple[CheckpointPath, CheckpointPath],
        overwrite: bool,
        bar: Progress,
    ) -> dict[Quantity, float]:
        """Train a curve, compute the loss along it, and return the barriers."""
        stem = name if way == CURVE else f"{name}.{way}"
        path = self.folder / f"{stem}.curve.h5"
        run = ConnectRun(
            self.config,
            request,
            ends,
            path,
            self.inputs,
            self.command,
            self.quiet,
            self.problem,
            stop=Stop(self._left()),
            within=bar.within,
        )
        self._train(run, name, overwrite)
        config = self._surface_config(path, self.folder / f"{name}.{way}.surface.h5", ends[0])
        bar.within(f"{name} {way}: {self.points} points")
        outcome = compute(
            config,
            SerialExecutor(),
            overwrite,
            command=self.command,
            quiet=True,
            problem=self.problem,
        )
        if outcome.stopped:
            raise _StoppedError(outcome.stopped)
        return heights_of(read_surface(outcome.surface))

    def _train(self, run: ConnectRun, name: str, overwrite: bool) -> None:
        """Train a curve; of one that diverges, the best epoch's is taken, and noted."""
        try:
            outcome = run.compute(overwrite)
            if outcome.stopped:
                raise _StoppedError(outcome.stopped)
            diverged = "diverged" in outcome.record.provenance
        except LandscapeError as error:
            if not isinstance(error, DivergedError):
                raise
            diverged = True
        if diverged:
            self._notes.append(f"{name}: training its curve diverged; the best epoch's is taken")

    def _surface_config(self, curve: Path, output: Path, first: CheckpointPath) -> RunConfig:
        left = self._left()
        values = {
            **{key: getattr(self.config, key) for key in (*KEPT, "device", "threads")},
            "checkpoint": first.as_plain(),
            "slice": {"kind": "curve", "path": str(curve)},
            "grid": {"x": [0, 1, self.points]},
            "output": str(output),
            "allow_random": self.config.allow_random,
            "time_limit": None if left is None else f"{max(left, 0.1) + PUBLISHING:.1f}s",
        }
        return validate_config(values, str(output))

    def _left(self) -> float | None:
        left = self.executor.stop.left
        return None if math.isinf(left) else left

    def _gathered(
        self,
        names: Sequence[str],
        found: list[tuple[int, int, str, dict[Quantity, float]]],
        notes: list[str],
    ) -> PairsOutcome:
        """Put the pairs of all ranks together."""
        everywhere = self.executor.gather((found, notes, self.executor.stop.reason))
        ways = [STRAIGHT, *([ALIGNED] if self.align else []), CURVE]
        barriers = Barriers(names, ways)
        for pairs, remarks, _ in everywhere:
            barriers.notes += remarks
            for first, second, way, heights in pairs:
                barriers.add(first, second, way, heights)
        stopped = next((reason for *_, reason in everywhere if reason), None)

        def check() -> None:
            if not barriers.heights and not stopped:
                raise LandscapeError(barriers.notes[0])

        self.executor.lead(check)
        if self.executor.rank == 0:
            for note in barriers.notes:
                tell(f"warning: {note}")
        return PairsOutcome(barriers, stopped)


def heights_of(surface: Surface) -> dict[Quantity, float]:
    """Return the barrier of each quantity of a surface along a curve; of errors for accuracies."""
    t = surface.grid.axes["x"].coordinates
    found = {}
    for (split, name), values in surface.values.items():
        errors = 1 - values if name == "accuracy" else values
        known = np.isfinite(errors)
        if known[0] and known[-1]:
            label = "error" if name == "accuracy" else name
            found[split, label] = height(t[known], errors[known])
    return found
