"""Ensembles of checkpoints: each member, their averaged weights, their averaged predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.batch_norm import Recalibration, batch_norms, training_samples
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.devices import CPU
from landscape_cli.evaluation.ensembles.averaged_predictions import AveragedPredictions
from landscape_cli.evaluation.ensembles.batch_predictions import BatchPredictions
from landscape_cli.evaluation.ensembles.local_scores import Join
from landscape_cli.evaluation.ensembles.scores import BINS
from landscape_cli.evaluation.ensembles.statistics import SplitScores
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.checkpoints.loading import read_fitting
from landscape_cli.problems.predictions import predictions_of
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.ensemble import Ensemble, Key, ScoreTable
from landscape_cli.run.ensemble.networks import Networks
from landscape_cli.run.ensemble.request import NO_NORM, Scope, Weights, refuse_samples
from landscape_cli.run.ensemble.shared_scores import SharedScores
from landscape_cli.run.ensemble.tables import member_table
from landscape_cli.run.resume import CheckpointFacts
from landscape_cli.util.logs import tell


@dataclass(frozen=True)
class Members:
    """The plan for an ensemble of checkpoints.

    Args:
        paths: the checkpoints.
        scope: the samples.
        average: whether the averaged weights are scored, too.
    """

    paths: tuple[CheckpointPath, ...]
    scope: Scope = field(default_factory=Scope)
    average: bool = True

    def __post_init__(self) -> None:
        if len(self.paths) < 2:
            got = f"only {self.paths[0]}" if self.paths else "none"
            raise UsageError(f"CHECKPOINT: got {got}, but an ensemble has at least two members")
        if not self.average:
            refuse_samples(self.scope, "no weights are averaged (--no-average)")

    @property
    def files(self) -> tuple[str, ...]:
        """Files that are read."""
        return tuple(path.path for path in self.paths)

    def config(self, config: RunConfig) -> RunConfig:
        """Return the configuration of the first member."""
        return self.scope.config(config, self.paths[0])

    def begin(self) -> tuple[Ensemble, Weights]:
        """Return a record without tables, and the members' hashes."""
        weights = [CheckpointFacts.of(path).as_mapping() for path in self.paths]
        return Ensemble(labels(self.paths), BINS), weights

    def compared(self) -> dict[str, Any]:
        """Return what all tables of a file have in common."""
        return {**self.scope.compared(), "average": self.average}

    def keys(self, splits: Sequence[str]) -> list[Key]:
        """Return the splits."""
        return [(split, None) for split in self.scope.splits or splits]

    def check(self, executor: Executor, problem: Problem) -> None:
        """Refuse objectives without predictions, and members of other networks."""
        executor.together(lambda: predictions_of(problem.objective))
        executor.lead(lambda: _check_members(self.paths, problem))
        if not batch_norms(problem.model):
            executor.together(lambda: refuse_samples(self.scope, NO_NORM))
        elif self.average:
            executor.together(lambda: self._training_samples(problem, CPU))

    def passes(self, keys: Sequence[Key]) -> list[str]:
        """Return each split once for every member and the average."""
        return [split for split, _ in keys for _ in range(len(self.paths) + self.average)]

    def tables(
        self, shared: SharedScores, problem: Problem, keys: Sequence[Key]
    ) -> Iterator[tuple[ScoreTable, ...]]:
        """Yield the table of each split."""
        evaluator = shared.evaluator
        recalibration = None
        if self.average and batch_norms(problem.model):
            samples = self._training_samples(problem, evaluator.device)
            recalibration = Recalibration(problem.model, samples, problem.objective)
        networks = Networks(self.paths, shared.executor, evaluator, self.average, recalibration)
        shared.before = networks.restore
        for split, _ in keys:
            yield self._scored(shared, networks, split)

    def _training_samples(self, problem: Problem, device: torch.device) -> SplitData:
        samples = self.scope.batch_norm_samples
        key = "--batch-norm-samples"
        if samples is None:
            key = "batch norm of averaged weights (--no-average leaves them out)"
        return training_samples(problem, device, samples, key)

    def _scored(
        self, shared: SharedScores, networks: Networks, split: str
    ) -> tuple[ScoreTable, ...]:
        averaged = AveragedPredictions(split, len(shared.share(split)), shared.room())
        scores: list[SplitScores] = []
        ensemble: SplitScores | None = None
        for number in range(len(self.paths)):
            networks.load(number)
            found = shared.score(split, _join(averaged, number == len(self.paths) - 1))
            if found is not None:
                scores.append(found[0])
                ensemble = found[1]
        average: SplitScores | None = None
        if self.average:
            networks.load_average()
            found = shared.score(split, lambda number, batch: None)
            average = None if found is None else found[0]
        if ensemble is None:
            return ()
        return (member_table(split, labels(self.paths), scores, ensemble, average),)


def _join(averaged: AveragedPredictions, last: bool) -> Join:
    def join(number: int, found: BatchPredictions) -> Tensor | None:
        averaged.add(number, found)
        return averaged.mean(number) if last else None

    return join


def _check_members(paths: Sequence[CheckpointPath], problem: Problem) -> None:
    """Refuse checkpoints of other networks, and tell which are the same."""
    known: dict[str, CheckpointPath] = {}
    for path in paths:
        read_fitting(path, problem.model)
        sha256 = str(CheckpointFacts.of(path).as_mapping() | {"path": ""})
        first = known.setdefault(sha256, path)
        if first is not path:
            tell(f"{path} holds the same weights as {first}; both count as members")
