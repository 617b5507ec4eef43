"""The choice of the number of samples for a target standard error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.checks.centre_check import check_centre
from landscape_cli.evaluation.checks.reach import trial_points
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.subsets import dataset_of, subset
from landscape_cli.evaluation.sample_size import PILOT, Target, find_targets
from landscape_cli.records.grid import Grid, coordinates_text
from landscape_cli.records.tiles import Tile

KEY = "target_stderr"

Sources = Mapping[str, Any]
"""The problem's data by split."""


@dataclass(frozen=True)
class Sampling:
    """The number of samples of each split that a target standard error needs.

    Args:
        target_stderr: requested standard error of the mean.
        points: the centre and the corners, where variances were measured.
        splits: measurement and choice for each split.
    """

    target_stderr: float
    points: tuple[tuple[float, ...], ...]
    splits: Mapping[str, Target]

    def as_mapping(self) -> dict[str, object]:
        """Return the choice as plain values, for a file."""
        return {
            KEY: self.target_stderr,
            "points": [list(point) for point in self.points],
            "splits": {name: asdict(target) for name, target in self.splits.items()},
        }

    @classmethod
    def from_mapping(cls, stored: Mapping[str, Any]) -> Sampling:
        """Return the choice stored in a file."""
        return cls(
            stored[KEY],
            tuple(tuple(point) for point in stored["points"]),
            {name: Target(**target) for name, target in stored["splits"].items()},
        )


def choose_samples(
    evaluator_on: Callable[[Sources], Evaluator],
    sources: Sources,
    config: RunConfig,
    room: Room,
) -> Sampling:
    """Evaluate a pilot sample of each split on rank 0, and choose its number of samples.

    Args:
        evaluator_on: builds an evaluator on data.
        sources: the splits to evaluate.
        config: the run, with ``target_stderr``, which must hold at the grid's ``trial_points``.
        room: memory for the pilot.

    Raises:
        UsageError: if samples of a split can't be chosen.
        ProblemError: if the objective fails or is random.
    """
    assert config.target_stderr is not None
    totals = {name: len(dataset_of(name, source, KEY)) for name, source in sources.items()}
    pilot = evaluator_on({name: subset(name, source, PILOT) for name, source in sources.items()})
    check_centre(pilot, Tile((0,), (pilot.slice.origin,)), Room(room.device), config.allow_random)
    points = trial_points(pilot, Grid(config.grid, config.repeats))
    targets = find_targets(pilot, points, config.target_stderr, totals)
    return Sampling(config.target_stderr, tuple(points), targets)


def take_samples(sources: Sources, samples: int | None, sampling: Sampling | None) -> Sources:
    """Return the subset of each split that is evaluated.

    Args:
        sources: the splits.
        samples: requested number of samples per split, or None for all.
        sampling: choice for a standard error, or None.
    """
    counts = dict.fromkeys(sources, samples)
    if sampling is not None:
        counts = {name: sampling.splits[name].samples for name in sources}
    return {
        name: source if (count := counts[name]) is None else subset(name, source, count)
        for name, source in sources.items()
    }


def sampling_lines(sampling: Sampling | None) -> list[str]:
    """Describe the choice, and warn of points where a variance is not finite."""
    if sampling is None:
        return []
    target = sampling.target_stderr
    names = ", ".join(dict.fromkeys(split.quantity for split in sampling.splits.values()))
    counts = ", ".join(_count(name, split, target) for name, split in sampling.splits.items())
    warnings = (_warning(name, split, sampling.points) for name, split in sampling.splits.items())
    line = f"samples for a standard error of {target:g} ({names}, centre and corners): {counts}"
    return [line, *(warning for warning in warnings if warning)]


def _count(name: str, split: Target, target: float) -> str:
    if split.samples < split.total:
        return f"{split.samples} of {split.total} {name}"
    missed = split.stderr is not None and split.stderr > target
    reached = f" (standard error {split.stderr:.2g})" if missed else ""
    return f"all {split.total} {name}{reached}"


def _warning(name: str, split: Target, points: Sequence[Sequence[float]]) -> str:
    """Warn of points where the variance of a split is not finite; empty if there are none."""
    skipped = [
        coordinates_text(point)
        for point, variance in zip(points, split.variances, strict=True)
        if variance is None
    ]
    if not skipped:
        return ""
    line = f"warning: {name} {split.quantity} has no finite variance at {', '.join(skipped)}"
    return f"{line}; the choice of samples ignores this"
