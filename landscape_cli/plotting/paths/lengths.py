"""Distances, steps and turning angles of paths in the full parameter space, in four panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from landscape_cli.plotting.paths.painter import (
    Floats,
    PathPainter,
    PathPanel,
    from_zero,
    reference,
)
from landscape_cli.plotting.style import ticks
from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.trajectory import Trajectory

RIGHT = 90.0
"""Turning angle in degrees of independent steps in many dimensions."""


def _of(take: Callable[[PathLengths], Floats]) -> Callable[[Trajectory], Floats | None]:
    return lambda path: None if path.lengths is None else take(path.lengths)


def panels(paths: Sequence[Trajectory]) -> list[PathPanel]:
    """Return the four panels."""
    return [
        PathPanel("distance from the first", _of(lambda own: own.from_start), 0, from_zero),
        PathPanel("distance to the last", _of(lambda own: own.to_end), 0, from_zero),
        PathPanel("length of a step", _of(lambda own: own.steps), 1, from_zero),
        PathPanel("turning angle (degrees)", _of(lambda own: own.angles), 1, _angles),
    ]


def _angles(axes: Any, paths: Sequence[Trajectory]) -> None:
    axes.set_ylim(0, 180)
    axes.yaxis.set_major_locator(ticks("auto"))
    axes.set_yticks([0, 45, 90, 135, 180])
    reference(axes, RIGHT, "independent steps")


def lacks(path: Trajectory) -> str:
    """Say how to measure lengths."""
    if path.lengths is None:
        return "has no lengths, as files of earlier versions; run landscape trajectory again"
    return "" if len(path.labels) > 1 else "has one checkpoint, and so no path"


def describe(path: Trajectory) -> str:
    """State the length of a path, and how far apart its ends are."""
    assert path.lengths is not None
    own = path.lengths
    return (
        f"{len(path.labels)} checkpoints, {own.total:.4g} along the path, its ends "
        f"{own.from_start[-1]:.4g} apart"
    )


PAINTER = PathPainter(panels, lacks, describe)
