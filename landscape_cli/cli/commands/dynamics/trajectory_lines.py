"""Lines that describe the plane of trainings, and what to put into a configuration for it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.records.trajectory import Trajectory
    from landscape_cli.tracing import Trace

POINTS = 51
"""Number of points proposed for an axis that the configuration has no range for."""


def plane_lines(result: Trace, run: RunConfig, path: Path) -> list[str]:
    """Describe a plane, and what to put into the configuration."""
    plane, residuals, labels = result.plane, result.residuals, result.labels
    farthest = int(residuals.argmax())
    residual, distance = residuals[farthest], result.distances[farthest]
    fraction = (
        f", {residual / distance:.1%} of its distance from the centre" if distance > 0 else ""
    )
    names = [path.name for path in result.trajectories if path.name]
    of = f" of {', '.join(names)}" if names else ""
    lines = [
        f"{result.network}: {len(labels)} checkpoints{of}, {result.parameters:,} parameters"
        if names
        else f"{result.network}: {len(labels)} checkpoints of {result.parameters:,} parameters",
        f"centre:    {plane.checkpoint}",
    ]
    if (explained := result.trajectories[0].explained) is not None:
        x, y = explained
        about = "centre" if plane.settings["center"] == "final" else "mean"
        lines.append(
            f"explained: {x + y:.1%} of the variance about the {about}; x {x:.1%}, y {y:.1%}"
        )
    return [
        *lines,
        f"residual:  at most {residual:.4g} ({labels[farthest]}){fraction}",
        *_config_lines(run, result, path),
    ]


def _config_lines(run: RunConfig, result: Trace, path: Path) -> list[str]:
    """Return the lines of a configuration that computes the plane."""
    plane, origin = result.plane, result.origin
    lines = ["to compute the plane, put into the configuration:"]
    if run.checkpoint is None:
        lines.append(f"  checkpoint: {json.dumps(origin.at(os.path.abspath(origin)).as_plain())}")
    file = plane.settings["onto"] or path
    lines.append("  directions:")
    lines += [f"    {axis}: {{kind: file, path: {json.dumps(str(file))}}}" for axis in plane.ranges]
    lines.append("  grid:")
    for axis, (low, high) in plane.ranges.items():
        points = run.grid[axis].points if axis in run.grid else POINTS
        lines.append(f"    {axis}: [{low:g}, {high:g}, {points}]")
    return lines


def path_lines(paths: Sequence[Trajectory]) -> list[str]:
    """Summarize the checkpoints' own values, a line for each training and quantity."""
    from landscape_cli.records.dynamics.path_summary import value_lines

    return [line for path in paths for line in value_lines(path)]
