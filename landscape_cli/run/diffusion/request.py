"""A request to `landscape diffusion`, and its comparison with a file's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.diffusion.study import Choices
from landscape_cli.errors import UsageError
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.run.curvature.request import request_changes, weights_changes

FEWEST = 3
"""Least number of checkpoints of which a map says anything."""

MATRICES = 6
"""Number of n x n matrices in float64 that are in memory at the same time, at most."""

DISTANCE_KEYS = ("problem", "problem_args", "perturb", "batch_norm")
"""Keys of the configuration that decide the distances, besides the checkpoints."""

Dates = tuple["Sequence[float] | None", "Sequence[float] | None"]
"""Epochs and learning rates of checkpoints, each None if unknown."""

Dating = Callable[[Sequence[CheckpointPath], Sequence[object]], Dates]
"""``(paths, stored epochs) -> dates``."""


def undated(paths: Sequence[CheckpointPath], stored: Sequence[object]) -> Dates:
    """Return nothing."""
    return None, None


@dataclass(frozen=True)
class TrainingPath:
    """The checkpoints of one training.

    Args:
        name: what to call the training; empty for the only one.
        checkpoints: its checkpoints, in order.
        dating: finds their epochs and learning rates.
        log: the file with the learning rates; None without one.
    """

    name: str
    checkpoints: tuple[CheckpointPath, ...]
    dating: Dating = undated
    log: str | None = None


@dataclass(frozen=True)
class Request:
    """A map, and further checkpoints to place in it.

    Args:
        paths: the trainings of the map.
        choices: settings of the map.
        onto: further trainings.
    """

    paths: tuple[TrainingPath, ...]
    choices: Choices = field(default_factory=Choices)
    onto: tuple[TrainingPath, ...] = ()

    @property
    def checkpoints(self) -> list[CheckpointPath]:
        """The map's checkpoints."""
        return [one for path in self.paths for one in path.checkpoints]

    @property
    def further(self) -> list[CheckpointPath]:
        """The further checkpoints."""
        return [one for path in self.onto for one in path.checkpoints]

    def check(self) -> None:
        """Refuse settings that are out of range.

        Raises:
            UsageError: naming the option, the value and the remedy.
        """
        count = len(self.checkpoints)
        if count < FEWEST:
            raise UsageError(
                f"--checkpoints: got {count}, but a diffusion map needs at least {FEWEST}; name "
                "more checkpoints of the training"
            )
        try:
            self.choices.check(count)
        except ValueError as error:
            raise UsageError(f"--{error}") from None

    def check_memory(self, free: int) -> None:
        """Refuse more checkpoints than there is memory for.

        Args:
            free: bytes for a rank; 0 if unknown.

        Raises:
            UsageError: saying how many fit.
        """
        count = len(self.checkpoints)
        needed = 8 * MATRICES * count**2
        if 0 < free < needed:
            fitting = math.isqrt(free // (8 * MATRICES))
            raise UsageError(
                f"--checkpoints: matrices of {count:,} checkpoints take {needed / 2**30:.3g} GiB, "
                f"more than the {free / 2**30:.3g} GiB that are free for each rank; take one "
                f"in {-(-count // max(1, fitting))}, or use fewer ranks on a host"
            )

    def as_mapping(self) -> dict[str, Any]:
        """Return what the map was made with, as plain values for a file."""
        choices = asdict(self.choices)
        return {
            **{**choices, "nulls": list(self.choices.nulls)},
            "trainings": [_facts(one) for one in self.paths],
            "onto": [_facts(one) for one in self.onto],
        }


def _facts(path: TrainingPath) -> dict[str, Any]:
    return {"name": path.name, "checkpoints": len(path.checkpoints), "log": path.log}


def distance_changes(
    stored: Diffusion, config: RunConfig, weights: Sequence[Mapping[str, str]]
) -> list[str]:
    """List the differences between a request and a file that affect its distances.

    Args:
        stored: the file's record.
        config: the configuration now.
        weights: the checkpoints of the map now.
    """
    facts = {"weights": stored.provenance.get("weights")}
    lines = request_changes(facts, stored.config, {}, config, DISTANCE_KEYS)
    return lines + weights_changes(facts, weights)


def same_weights(before: object, after: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether further checkpoints are those of a file."""
    known = before if isinstance(before, list) else []
    return [identity(one) for one in known] == [identity(one) for one in after]
