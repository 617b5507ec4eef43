"""How many samples are evaluated: chosen on rank 0 for a standard error, and said in a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.subsets import dataset_of, subset
from landscape_cli.evaluation.sample_size import PILOT, find_targets
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.tiles import Tile

KEY = "target_stderr"

Sources = Mapping[str, Any]
"""The data by split, as the problem gives it."""


def choose_samples(
    evaluator_on: Callable[[Sources], Evaluator],
    sources: Sources,
    points: Sequence[tuple[float, ...]],
    config: RunConfig,
    room: Room,
) -> dict[str, Any]:
    """Measure a pilot of each split, and choose how many samples are to be evaluated.

    Args:
        evaluator_on: makes an evaluator on some data.
        sources: the splits that are evaluated.
        points: where the standard error is wished for: the centre, and then the corners.
        config: the run's, with ``target_stderr``.
        room: where the pilot may be held.

    Returns:
        What a file says of the choice; ``chosen`` reads it.

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
    return {
        KEY: config.target_stderr,
        "points": [list(point) for point in points],
        "splits": {name: asdict(target) for name, target in targets.items()},
    }


def chosen(
    sources: Sources, samples: int | None, sampling: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The part of each split that is to be evaluated.

    Args:
        sources: the splits.
        samples: how many samples of each the user wishes, or None.
        sampling: what ``choose_samples`` chose, or None.
    """
    counts = dict.fromkeys(sources, samples)
    if sampling is not None:
        counts = {name: sampling["splits"][name]["samples"] for name in sources}
    return {
        name: source if (count := counts[name]) is None else subset(name, source, count)
        for name, source in sources.items()
    }


def sampling_lines(sampling: Mapping[str, Any] | None) -> list[str]:
    """What was chosen in a line, and another one for each split that is not finite somewhere."""
    if sampling is None:
        return []
    splits = sampling["splits"]
    wish = sampling[KEY]
    names = ", ".join(dict.fromkeys(one["quantity"] for one in splits.values()))
    chosen = ", ".join(_chosen(name, one, wish) for name, one in splits.items())
    warnings = (_warning(name, one, sampling["points"]) for name, one in splits.items())
    line = f"samples for a standard error of {wish:g} ({names}, centre and corners): {chosen}"
    return [line, *(warning for warning in warnings if warning)]


def _chosen(split: str, one: Mapping[str, Any], wish: float) -> str:
    if one["samples"] < one["total"]:
        return f"{one['samples']} of {one['total']} {split}"
    missed = one["stderr"] is not None and one["stderr"] > wish
    return f"all {one['total']} {split}" + (
        f" (standard error {one['stderr']:.2g})" if missed else ""
    )


def _warning(split: str, one: Mapping[str, Any], points: Sequence[Sequence[float]]) -> str:
    """Where the variance of a split is not known; empty if it is known everywhere."""
    skipped = [
        coordinates_text(point)
        for point, variance in zip(points, one["variances"], strict=True)
        if variance is None
    ]
    if not skipped:
        return ""
    what = f"warning: {split} {one['quantity']} has no finite variance at {', '.join(skipped)}"
    return f"{what}; its samples are chosen without"
