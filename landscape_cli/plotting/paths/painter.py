"""The interface of a kind of plot of trainings' paths, and what kinds share."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.path import path_color
from landscape_cli.plotting.paths import PATH_KINDS
from landscape_cli.plotting.style import ink, pt
from landscape_cli.records.dynamics.phases import drops
from landscape_cli.records.trajectory import Trajectory

Floats = NDArray[np.float64]

MAX_DOTS = 60
"""With up to this many checkpoints, each is marked by a dot."""

NAMED = "named"
"""The gid of lines other than curves that the legend names, by their labels without the first _."""

BEGIN, END = 0, 1
"""The place of a step's number in a picture: the checkpoint before the step, or after it."""


@dataclass(frozen=True)
class PathPanel:
    """One number of each checkpoint or step, for all trainings.

    Args:
        label: what it is, for the vertical axis.
        values: returns it for a path, with NaN where undefined; None if the path lacks it.
        first: number of the checkpoint to which the first value belongs.
        finish: adds what helps to read the axes, given all paths.
    """

    label: str
    values: Callable[[Trajectory], Floats | None]
    first: int = 0
    finish: Callable[[Any, Sequence[Trajectory]], None] = lambda axes, paths: None


@dataclass(frozen=True)
class PathPainter:
    """The functions of a kind.

    Args:
        panels: returns the panels for some paths.
        lacks: says what a path lacks for this kind, with the option that computes it; empty if it
            lacks nothing.
        describe: returns a sentence on a path for a caption.
    """

    panels: Callable[[Sequence[Trajectory]], list[PathPanel]]
    lacks: Callable[[Trajectory], str]
    describe: Callable[[Trajectory], str]


def load(kind: str) -> PathPainter:
    """Import the painter of a kind in ``PATH_KINDS``."""
    module, attribute = PATH_KINDS[kind].target.split(":")
    painter: PathPainter = getattr(importlib.import_module(module), attribute)
    return painter


def in_epochs(path: Trajectory) -> bool:
    """Return whether a path's epochs tell its checkpoints apart, at most one for each."""
    return path.epochs is not None and all(a < b for a, b in pairwise(path.epochs))


def places_of(path: Trajectory, by_epoch: bool) -> Floats:
    """Return the horizontal place of each checkpoint: its epoch, or its number from 0."""
    if by_epoch and path.epochs is not None:
        return np.array(path.epochs, dtype=np.float64)
    return np.arange(float(len(path.labels)))


def paint(axes: Any, panel: PathPanel, paths: Sequence[Trajectory], by_epoch: bool) -> None:
    """Draw a panel's curves, with a dotted line at each drop of a learning rate."""
    for number, path in enumerate(paths):
        values = panel.values(path)
        if values is None:
            continue
        at = places_of(path, by_epoch)[panel.first :][: len(values)]
        dots = "o" if len(values) <= MAX_DOTS else None
        look = {"color": path_color(number), "linewidth": pt(0.9), "marker": dots}
        axes.plot(at, values, markersize=pt(1.8), label=path.name or "_path", **look)
        _mark_infinite(axes, at, values, look["color"])
        for place in drops(path.learning_rates):
            line = {"linestyle": (0, (1, 2)), "linewidth": pt(0.7), "zorder": 0.8, "gid": NAMED}
            at = places_of(path, by_epoch)[place]
            axes.axvline(at, color=look["color"], label="_learning rate falls", **line)
    ends = np.concatenate([places_of(path, by_epoch)[[0, -1]] for path in paths])
    room = 0.04 * max(1.0, float(np.ptp(ends)))
    axes.set(ylabel=panel.label, xlim=(ends.min() - room, ends.max() + room))
    panel.finish(axes, paths)


def _mark_infinite(axes: Any, at: Floats, values: Floats, color: Any) -> None:
    """Mark values that are not finite on the upper edge of the axes."""
    odd = ~np.isfinite(values) & ~np.isnan(values)
    if odd.any():
        above = axes.get_xaxis_transform()
        look = {"linestyle": "none", "marker": "x", "color": color, "clip_on": False}
        axes.plot(at[odd], np.ones(int(odd.sum())), transform=above, label="_not finite", **look)


def reference(axes: Any, height: float, label: str) -> None:
    """Draw a faint horizontal line, which the legend names."""
    look = {"color": ink(0.55), "linewidth": pt(0.7), "linestyle": (0, (4, 2)), "zorder": 0.9}
    axes.axhline(height, label=f"_{label}", gid=NAMED, **look)


def from_zero(axes: Any, paths: Sequence[Trajectory]) -> None:
    """Begin the vertical axis at 0."""
    axes.set_ylim(bottom=0)
