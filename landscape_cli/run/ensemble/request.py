"""The request to `landscape ensemble`, and its comparison with a file's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from landscape_cli.config.checks import refuse_quantized
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import identity
from landscape_cli.records.ensemble import Ensemble, Key, ScoreTable
from landscape_cli.records.grid import Axis
from landscape_cli.run.curvature import request as curvature
from landscape_cli.run.ensemble.shared_scores import SharedScores

Weights = Sequence[Mapping[str, str]]
"""Facts that identify each of several files of weights."""


NO_NORM = "the model has no batch norm"
"""Why there is nothing to re-estimate."""


@dataclass(frozen=True)
class Scope:
    """The samples to score, and those for batch norm.

    Args:
        splits: the splits; all of the problem if None.
        samples: number of samples of each split; all if None.
        batch_norm_samples: number of training samples from which batch norm's statistics are
            re-estimated; all if None.
    """

    splits: tuple[str, ...] | None = None
    samples: int | None = None
    batch_norm_samples: int | None = None

    def compared(self) -> dict[str, Any]:
        """Return what all tables of a file have in common, as plain values."""
        return {"samples": self.samples, "batch_norm_samples": self.batch_norm_samples}

    def config(self, config: RunConfig, checkpoint: Any) -> RunConfig:
        """Return the configuration of a network, without grid and directions.

        Raises:
            UsageError: if it asks for a reduced precision.
        """
        refuse_quantized(config, "ensembles are scored in full precision")
        if config.precision not in ("fp32", "auto"):
            raise UsageError(
                f"precision: got {config.precision!r}, but ensembles are scored in fp32 (it would "
                "round differences between members); leave it out, or --set precision=fp32"
            )
        frozen = config.model_copy(update={"batch_norm": "frozen", "batch_norm_samples": None})
        wanted = curvature.Request(samples=self.samples)
        plain = curvature.run_config(frozen, wanted, checkpoint)
        splits = None if self.splits is None else list(self.splits)
        grid = {"x": Axis(-1.0, 1.0, 3)}  # steps that narrow weights resolve
        return plain.model_copy(update={"splits": splits, "grid": grid})


def refuse_samples(scope: Scope, why: str) -> None:
    """Refuse a number of samples for batch norm where nothing is re-estimated.

    Raises:
        UsageError: if there is one.
    """
    if scope.batch_norm_samples is not None:
        raise UsageError(f"--batch-norm-samples {scope.batch_norm_samples}: {why}; leave it out")


class Plan(Protocol):
    """Tables to compute."""

    @property
    def files(self) -> tuple[str, ...]:
        """Files that are read."""

    def config(self, config: RunConfig) -> RunConfig:
        """Return the configuration of the network to begin with."""

    def begin(self) -> tuple[Ensemble, Weights]:
        """Return a record without tables, and what identifies the files; called on rank 0."""

    def compared(self) -> dict[str, Any]:
        """Return what all tables of a file have in common, as plain values."""

    def keys(self, splits: Sequence[str]) -> list[Key]:
        """Return the keys of all tables, given the problem's splits."""

    def check(self, executor: Executor, problem: Problem) -> None:
        """Refuse what can't be computed, before any data is loaded."""

    def passes(self, keys: Sequence[Key]) -> list[str]:
        """Return the split of each pass over data."""

    def tables(
        self, shared: SharedScores, problem: Problem, keys: Sequence[Key]
    ) -> Iterator[tuple[ScoreTable, ...]]:
        """Yield tables as they are complete, on rank 0; empty tuples on others."""


def changes(
    stored: Ensemble, compared: Mapping[str, Any], config: RunConfig, weights: Weights
) -> list[str]:
    """List the differences between a request and a file's that affect the values.

    Args:
        stored: the file's record.
        compared: what is asked for now.
        config: the configuration now.
        weights: the files of weights now.
    """
    facts = stored.provenance
    lines = curvature.request_changes(facts, stored.config, compared, config)
    before = facts.get("weights") or []
    if [identity(one) for one in before] != [identity(one) for one in weights]:
        names = ", ".join(str(one.get("path")) for one in before)
        lines.append(f"members: {names or 'none'} in the file, others or changed ones now")
    return lines
