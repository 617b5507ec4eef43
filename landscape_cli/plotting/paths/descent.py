"""Angles between steps and the steepest descent, in the full parameter space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_cli.plotting.paths.painter import PathPainter, PathPanel, reference
from landscape_cli.records.dynamics.path_summary import phase_means, random_cosine
from landscape_cli.records.trajectory import Trajectory


def panels(paths: Sequence[Trajectory]) -> list[PathPanel]:
    """Return one panel."""
    return [PathPanel("cosine of step and \N{MINUS SIGN}gradient", lambda p: p.descent, 1, _finish)]


def _finish(axes: Any, paths: Sequence[Trajectory]) -> None:
    axes.set_ylim(-1.02, 1.02)
    reference(axes, 0.0, "along a contour")
    chance = random_cosine(paths[0].parameters)
    if chance is not None:
        axes.axhspan(-chance, chance, color="0.5", alpha=0.15, linewidth=0, gid="random")


def lacks(path: Trajectory) -> str:
    """Say how to compute gradients."""
    if path.descent is None:
        return "has no gradients; compute them with landscape trajectory --gradients"
    return ""


def describe(path: Trajectory) -> str:
    """State the mean cosine of each phase."""
    parts = [
        f"{words}: mean cosine {mean:.3g} \N{PLUS-MINUS SIGN} {error:.1g}"
        for words, mean, error, _ in phase_means(path, path.descent)
    ]
    chance = random_cosine(path.parameters)
    end = "" if chance is None else f"; a random step has a mean |cosine| of {chance:.2g}"
    return f"{len(path.labels)} checkpoints; {', '.join(parts)}{end}"


PAINTER = PathPainter(panels, lacks, describe)
