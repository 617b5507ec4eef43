"""Ensembles along a curve: the network at each place, and together with the one at t = 0."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.batch_norm import batch_norms
from landscape_cli.evaluation.ensembles.averaged_predictions import AveragedPredictions
from landscape_cli.evaluation.ensembles.batch_predictions import BatchPredictions
from landscape_cli.evaluation.ensembles.scores import BINS
from landscape_cli.evaluation.ensembles.statistics import SplitScores
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoints import file_hash
from landscape_cli.problems.predictions import predictions_of
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.curves.trained import Curve
from landscape_cli.records.ensemble import Ensemble, Key, ScoreTable
from landscape_cli.run.ensemble.request import NO_NORM, Scope, Weights, refuse_samples
from landscape_cli.run.ensemble.shared_scores import SharedScores
from landscape_cli.run.ensemble.tables import place_table
from landscape_cli.store.curve_file import read_curve
from landscape_cli.util.logs import tell

FIRST = 0.0
"""t of the network that every ensemble has."""


@dataclass(frozen=True)
class AlongCurve:
    """The plan for ensembles along a curve, as in Garipov et al. 2018, figure 4.

    Batch norm's statistics are re-estimated at each place.

    Args:
        path: the curve file.
        places: t of each place, ascending.
        scope: the samples.
        usual_samples: number of training samples for batch norm if the scope has none; that of
            other runs along curves if None.
    """

    path: str
    places: tuple[float, ...]
    scope: Scope = field(default_factory=Scope)
    usual_samples: int | None = None

    @property
    def norm_samples(self) -> int | None:
        """Number of training samples for batch norm; the usual number if None."""
        return self.scope.batch_norm_samples or self.usual_samples

    @property
    def files(self) -> tuple[str, ...]:
        """Files that are read."""
        return (self.path,)

    def config(self, config: RunConfig) -> RunConfig:
        """Return the configuration of the curve, with the network at its first end."""
        curve = read_curve(self.path)
        plain = self.scope.config(config, _first_end(curve, config))
        values: dict[str, Any] = {
            **plain.model_dump(exclude={"directions", "batch_norm", "batch_norm_samples", "auto"}),
            "slice": {"kind": "curve", "path": self.path},
            "grid": {"x": [FIRST, 1.0, max(2, len(self.places))]},
        }
        if self.norm_samples is not None:
            values |= {"batch_norm": "recalibrate", "batch_norm_samples": self.norm_samples}
        return RunConfig(**values)

    def begin(self) -> tuple[Ensemble, Weights]:
        """Return a record without tables, and the curve file's hash."""
        curve = read_curve(self.path)
        facts = {"path": self.path, "sha256": file_hash(self.path)}
        return Ensemble(tuple(map(str, curve.ends)), BINS, curve=self.path), [facts]

    def compared(self) -> dict[str, Any]:
        """Return what all tables of a file have in common."""
        norms = {"batch_norm_samples": self.norm_samples}
        return {**self.scope.compared(), **norms, "along": True}

    def keys(self, splits: Sequence[str]) -> list[Key]:
        """Return each split at each place."""
        return [(split, t) for t in self.places for split in self.scope.splits or splits]

    def check(self, executor: Executor, problem: Problem) -> None:
        """Refuse objectives without predictions, and tell of a curve that is not trained yet."""
        executor.together(lambda: predictions_of(problem.objective))
        if not batch_norms(problem.model):
            executor.together(lambda: refuse_samples(self.scope, NO_NORM))
        if executor.rank == 0 and not read_curve(self.path).complete:
            tell(f"{self.path}: the training of this curve is not complete")

    def passes(self, keys: Sequence[Key]) -> list[str]:
        """Return each split once for the first end, and once for each of its places."""
        return [*dict.fromkeys(split for split, _ in keys), *(split for split, _ in keys)]

    def tables(
        self, shared: SharedScores, problem: Problem, keys: Sequence[Key]
    ) -> Iterator[tuple[ScoreTable, ...]]:
        """Yield the tables of each place."""
        along = _Along(shared)
        firsts = {split: along.begin(split) for split in dict.fromkeys(s for s, _ in keys)}
        for t in dict.fromkeys(t for _, t in keys):
            assert t is not None
            found = [along.table(split, t, firsts[split]) for split, place in keys if place == t]
            yield tuple(table for table in found if table is not None)


class _Along:
    """Scores at places of the curve; every rank calls each method."""

    def __init__(self, shared: SharedScores) -> None:
        self._shared = shared
        self._averaged: dict[str, AveragedPredictions] = {}
        shared.before = self._restore

    def begin(self, split: str) -> SplitScores | None:
        """Keep the predictions of the network at t = 0, and return its scores on rank 0."""
        batches = len(self._shared.share(split))
        self._averaged[split] = AveragedPredictions(split, batches, self._shared.room())
        self._write(FIRST)

        def keep(number: int, found: BatchPredictions) -> Tensor | None:
            self._averaged[split].add(number, found)
            return None

        found = self._shared.score(split, keep)
        return None if found is None else found[0]

    def table(self, split: str, t: float, first: SplitScores | None) -> ScoreTable | None:
        """Score a place alone and with the network at t = 0; return the table on rank 0."""
        self._write(t)
        found = self._shared.score(split, self._averaged[split].mean_with)
        if found is None or first is None:
            return None
        return place_table(split, t, found[0], found[1], first)

    def _restore(self) -> None:
        evaluator = self._shared.evaluator
        if evaluator.state.drifted():
            evaluator.write(evaluator.point)

    def _write(self, t: float) -> None:
        evaluator = self._shared.evaluator

        def write() -> None:
            if evaluator.point != (t,) and evaluator.recalibration is not None:
                evaluator.recalibration.forget()
            with evaluator.plain(), torch.no_grad():
                evaluator.write((t,))

        self._shared.executor.together(write)


def _first_end(curve: Curve, config: RunConfig) -> CheckpointPath | None:
    """Return the checkpoint at t = 0 if its file is where it was, else the configuration's."""
    ends = curve.provenance.get("weights")
    first = ends[0] if isinstance(ends, list) and ends else None
    if isinstance(first, Mapping) and isinstance(first.get("path"), str):
        fields = {key: first[key] for key in ("path", "key", "prefix") if key in first}
        if os.path.exists(fields["path"]):
            return CheckpointPath.parse(fields)
    return config.checkpoint


def places_between(points: int) -> tuple[float, ...]:
    """Return places at equal distances from 0 to 1.

    Raises:
        UsageError: for less than both ends.
    """
    if points < 2:
        raise UsageError(f"--points {points}: a curve has two ends; ask for at least 2")
    return tuple(number / (points - 1) for number in range(points))
