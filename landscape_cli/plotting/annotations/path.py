"""Trajectories over a plane, and checkpoints that a plane or line is laid through."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from landscape_cli.plotting.annotations.overlay import checkpoints_of, path_of
from landscape_cli.plotting.annotations.text_placement import LabelWriter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import ink, outline, pt
from landscape_cli.plotting.text.labels import shorten
from landscape_cli.records.trajectory import Marker, Trajectory

Floats = NDArray[np.float64]

ENDS, DROP, MARKER = "#d55e00", "#f0e442", "white"
"""The colours of a path's ends, of falls of the learning rate, and of checkpoints."""

FALL = 2 / 3
"""A learning rate falls if it is at most this part of the one before."""

MOST_DROPS = 6
"""Rates that fall more often follow a schedule without steps, whose falls are not marked."""

FINE = 16
"""Into how many parts a step of a path is divided, to lie on a surface, or to be seen by texts."""

MOST_LABELS = 12
APART = 0.24
"""The least distance between points whose epochs are written, in inches."""

LONGEST_LABEL = 24


def draw_path(axes: Any, panel: Panel) -> None:
    """Draw what a flat panel's surface has of paths and checkpoints; the limits stay."""
    trajectory, markers = path_of(panel), checkpoints_of(panel)
    if trajectory is None and not markers:
        return
    limits = {"xlim": axes.get_xlim(), "ylim": axes.get_ylim()}
    points: list[Sequence[float]] = [marker.coordinates for marker in markers]
    if trajectory is not None:
        points += _fine(trajectory).tolist()
    writer = LabelWriter(axes, panel, points)
    for marker in markers:
        look = _look("D", "none" if marker.off else MARKER, 4.5)
        axes.plot(*marker.coordinates[:2], zorder=6, **look)
        writer.write(marker.coordinates, _name(marker), "checkpoint")
    if trajectory is not None:
        _draw_line(axes, trajectory)
        _draw_marks(axes, trajectory)
        for number in epochs_to_write(trajectory):
            where, text = trajectory.coordinates[number], str((trajectory.epochs or ())[number])
            writer.write(where, text, "epoch", APART)
    axes.set(**limits)


def draw_checkpoints(axes: Any, panel: Panel) -> None:
    """Draw the checkpoints that a line goes through: an upright line and a name for each."""
    low, high = axes.get_xlim()
    upright = axes.get_xaxis_transform()
    for marker in checkpoints_of(panel):
        x = marker.coordinates[0]
        if not low <= x <= high:
            continue
        axes.axvline(x, color=ink(0.35), linewidth=0.8, linestyle=(0, (4, 2)), zorder=0.9)
        right = x - low < 0.1 * (high - low)
        axes.text(
            x,
            0.98,
            f" {_name(marker)} ",
            transform=upright,
            rotation=90,
            ha="left" if right else "right",
            va="top",
            fontsize=pt(7),
            color=ink(0.2),
            path_effects=outline(1.8),
            gid="checkpoint",
        )


def draw_path_above(axes: Any, panel: Panel, heights: Floats) -> None:
    """Draw the path of a surface in 3-D on it, where it lies above the grid.

    Args:
        axes: the 3-D axes.
        panel: the panel drawn there.
        heights: its values as drawn, of shape (ny, nx), NaN where there are none.
    """
    path = path_above(panel, heights)
    if path is None:
        return
    fine, places = path
    label = f"{len(places)} checkpoints"
    look: dict[str, Any] = {"color": ink(0), "linewidth": pt(1), "path_effects": outline(2.8)}
    axes.plot(*fine.T, zorder=5.5, gid="trajectory", label=label, **look)
    ends = ((places[:1], "s", 4.5, "first"), (places[-1:], "*", 9, "last"))
    for end, marker, size, name in ends:
        axes.plot(*end.T, zorder=6, **{**_look(marker, ENDS, size), "label": name})


def path_above(panel: Panel, heights: Floats) -> tuple[Floats, Floats] | None:
    """A panel's path on its surface, None if it has none.

    Args:
        panel: a plane's.
        heights: its values as drawn, of shape (ny, nx), NaN where there are none.

    Returns:
        Points close to each other along the path, (m, 3), and its checkpoints, (n, 3); heights are
        NaN outside the grid.
    """
    trajectory = path_of(panel)
    if trajectory is None:
        return None
    above = RegularGridInterpolator((panel.y, panel.x), heights, bounds_error=False)
    fine, places = (
        np.column_stack([points, above(points[:, ::-1])])
        for points in (_fine(trajectory), trajectory.coordinates)
    )
    return fine, places


def drops(trajectory: Trajectory) -> list[int]:
    """The numbers of the last checkpoints before the learning rate fell, if it did in steps."""
    rates = trajectory.learning_rates or ()
    falls = [
        number
        for number, (rate, following) in enumerate(pairwise(rates))
        if following <= FALL * rate
    ]
    return falls if len(falls) <= MOST_DROPS else []


def epochs_to_write(trajectory: Trajectory) -> list[int]:
    """The numbers of the checkpoints whose epoch is worth writing, the most important first."""
    if trajectory.epochs is None:
        return []
    epochs = np.array(trajectory.epochs)
    chosen = [len(epochs) - 1, 0, *drops(trajectory)]
    width = max(1, int(np.ptp(epochs)))
    steps = [m * 10**k for k in range(len(str(width)), -1, -1) for m in (5, 2, 1)]
    step = next((s for s in reversed(steps) if width / s <= MOST_LABELS), steps[0])
    for coarse in (10 * step, 5 * step, 2 * step, step):
        chosen += np.flatnonzero(epochs % coarse == 0).tolist()
    return list(dict.fromkeys(chosen))


def _fine(trajectory: Trajectory) -> Floats:
    """Points close to each other along a path, of shape (m, 2)."""
    numbers = np.arange(len(trajectory.coordinates))
    steps = np.linspace(0, numbers[-1], 1 + FINE * int(numbers[-1]))
    columns = trajectory.coordinates.T
    return np.stack([np.interp(steps, numbers, column) for column in columns], axis=1)


def _draw_line(axes: Any, trajectory: Trajectory) -> None:
    count = len(trajectory.coordinates)
    what = " (by epoch)" if trajectory.epochs else ""
    axes.plot(
        *trajectory.coordinates.T,
        "-o",
        color=ink(0),
        linewidth=pt(1),
        markersize=pt(float(np.clip(60 / count, 0.9, 2.4))),
        path_effects=outline(2.8),
        solid_joinstyle="round",
        zorder=5.5,
        label=f"{count} checkpoints{what}",
        gid="trajectory",
    )


def _draw_marks(axes: Any, trajectory: Trajectory) -> None:
    """The first and the last checkpoint, and where the learning rate fell."""
    places = trajectory.coordinates
    if falls := drops(trajectory):
        look = _look("v", DROP, 5.5)
        axes.plot(*places[falls].T, zorder=6.2, **{**look, "label": _falls(trajectory, falls)})
    look = _look("s", ENDS, 4.5)
    axes.plot(*places[:1].T, zorder=6, **{**look, "label": "first"})
    look = _look("*", ENDS, 8)
    axes.plot(*places[-1:].T, zorder=6.4, **{**look, "label": "last"})


def _falls(trajectory: Trajectory, numbers: Sequence[int]) -> str:
    epochs = trajectory.epochs or ()
    after = ", ".join(str(epochs[number]) for number in numbers) if epochs else ""
    return "lr falls" + (f" after {after}" if after else "")


def _look(marker: str, color: str, size: float) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": size,
        "markerfacecolor": color,
        "markeredgecolor": "black",
        "markeredgewidth": 0.7,
        "label": "_mark",
    }


def _name(marker: Marker) -> str:
    """A checkpoint's name, and how far beside the slice it lies if it does."""
    name = shorten(marker.label, LONGEST_LABEL)
    return f"{name} ({marker.residual:.3g} off)" if marker.off else name
