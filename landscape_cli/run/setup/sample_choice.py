"""The choice of how many samples are evaluated, for a target standard error; on rank 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.subsets import dataset_of, subset
from landscape_cli.evaluation.sample_size import PILOT, Target, find_targets
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.tiles import Tile

KEY = "target_stderr"

Sources = Mapping[str, Any]
"""The data by split, as the problem gives it."""


@dataclass(frozen=True)
class Sampling:
    """The samples of each split that a target standard error takes.

    Args:
        target_stderr: the standard error of the mean that was asked for.
        points: the centre and the corners, where variances were measured.
        splits: what was measured and chosen for each split.
    """

    target_stderr: float
    points: tuple[tuple[float, ...], ...]
    splits: Mapping[str, Target]

    def as_mapping(self) -> dict[str, object]:
        """Return the choice as plain values, as a file has it."""
        return {
            KEY: self.target_stderr,
            "points": [list(point) for point in self.points],
            "splits": {name: asdict(target) for name, target in self.splits.items()},
        }

    @classmethod
    def from_mapping(cls, stored: Mapping[str, Any]) -> Sampling:
        """Return the choice that a file has."""
        return cls(
            stored[KEY],
            tuple(tuple(point) for point in stored["points"]),
            {name: Target(**target) for name, target in stored["splits"].items()},
        )


def choose_samples(
    evaluator_on: Callable[[Sources], Evaluator],
    sources: Sources,
    points: Sequence[tuple[float, ...]],
    config: RunConfig,
    room: Room,
) -> Sampling:
    """Measure a pilot of each split, and choose how many of its samples are evaluated.

    Args:
        evaluator_on: makes an evaluator on some data.
        sources: the splits that are evaluated.
        points: where the standard error must hold: the centre, and then the corners.
        config: the run's, with ``target_stderr``.
        room: where the pilot may be held.

    Raises:
        UsageError: if samples of a split can't be chosen.
        ProblemError: if the objective fails or is random.
    """
    assert config.target_stderr is not None
    points = list(dict.fromkeys(points))
    totals = {name: len(dataset_of(name, source, KEY)) for name, source in sources.items()}
    pilot = evaluator_on({name: subset(name, one, PILOT) for name, one in sources.items()})
    pilot.check_centre(Tile((0,), (points[0],)), Room(room.device), config.allow_random)
    targets = find_targets(pilot, points, config.target_stderr, totals)
    return Sampling(config.target_stderr, tuple(points), targets)


def take_samples(sources: Sources, samples: int | None, sampling: Sampling | None) -> Sources:
    """Return the part of each split that is evaluated.

    Args:
        sources: the splits.
        samples: the number of samples of each that the user asks for, or None for all.
        sampling: the choice for a standard error, or None.
    """
    counts = dict.fromkeys(sources, samples)
    if sampling is not None:
        counts = {name: sampling.splits[name].samples for name in sources}
    return {
        name: source if (count := counts[name]) is None else subset(name, source, count)
        for name, source in sources.items()
    }


def sampling_lines(sampling: Sampling | None) -> list[str]:
    """Say what was chosen, and which splits have no finite variance somewhere."""
    if sampling is None:
        return []
    target = sampling.target_stderr
    names = ", ".join(dict.fromkeys(one.quantity for one in sampling.splits.values()))
    counts = ", ".join(_count(name, one, target) for name, one in sampling.splits.items())
    warnings = (_warning(name, one, sampling.points) for name, one in sampling.splits.items())
    line = f"samples for a standard error of {target:g} ({names}, centre and corners): {counts}"
    return [line, *(warning for warning in warnings if warning)]


def _count(split: str, one: Target, target: float) -> str:
    if one.samples < one.total:
        return f"{one.samples} of {one.total} {split}"
    missed = one.stderr is not None and one.stderr > target
    return f"all {one.total} {split}" + (f" (standard error {one.stderr:.2g})" if missed else "")


def _warning(split: str, one: Target, points: Sequence[Sequence[float]]) -> str:
    """Warn of points where the variance of a split is not finite; empty if there are none."""
    skipped = [
        coordinates_text(point)
        for point, variance in zip(points, one.variances, strict=True)
        if variance is None
    ]
    if not skipped:
        return ""
    what = f"warning: {split} {one.quantity} has no finite variance at {', '.join(skipped)}"
    return f"{what}; its samples are chosen without"
