"""Draw trajectories, curves and checkpoints over planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.curve import draw_curve, lines_of
from landscape_cli.plotting.annotations.overlay import checkpoints_of, curve_of, paths_of
from landscape_cli.plotting.annotations.own_values import ROOM, draw_own_values
from landscape_cli.plotting.annotations.text_placement import LabelWriter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import ink, outline, pt
from landscape_cli.plotting.text.labels import legend_text, plain, shorten
from landscape_cli.records.dynamics.phases import drops
from landscape_cli.records.trajectory import Marker, Trajectory

Floats = NDArray[np.float64]

OTHERS = ("#cc79a7", "#e69f00", "#56b4e9", "#009e73")
"""Colours of the paths after the first (Okabe and Ito's); the first is in the colour of text."""

ENDS, DROP, MARKER = "#d55e00", "#f0e442", "white"
"""Colours of a path's ends, of learning-rate drops, and of checkpoints."""

SUBSTEPS = 16
"""Parts into which a step of a path is divided to follow a surface, and to keep texts off it."""

MAX_DOTS = 300
"""With more checkpoints than this, dots would hide the path."""

MAX_LABELS = 12
"""Approximate maximum number of epochs written along a path."""

APART = 0.24
"""Minimum distance in inches between points whose epochs are written."""

MAX_NAME_LENGTH = 24
"""Maximum number of characters of a checkpoint's name."""


def draw_path(axes: Any, panel: Panel, scale: Scale) -> None:
    """Draw path, curve and checkpoints of a flat panel's surface without changing the limits.

    Checkpoints whose own value of the panel's quantity is known have its colour.
    """
    paths, markers, curve = paths_of(panel), checkpoints_of(panel), curve_of(panel)
    if not paths and not markers and curve is None:
        return
    limits = {"xlim": axes.get_xlim(), "ylim": axes.get_ylim()}
    marks: list[Sequence[float]] = [marker.coordinates for marker in markers]
    points: list[Sequence[float]] = []
    for trajectory in paths:
        points += subdivided(trajectory).tolist()
        marks += trajectory.coordinates[[0, -1]].tolist()
    for line in () if curve is None else lines_of(curve):
        points += line.tolist()
    writer = LabelWriter(axes, marks, points)
    for marker in markers:
        look = mark_look("D", "none" if marker.off else MARKER, 4.5)
        axes.plot(*marker.coordinates[:2], zorder=6, **look)
        writer.write(marker.coordinates, checkpoint_name(marker), "checkpoint")
    if curve is not None:
        draw_curve(axes, curve)
    for place, trajectory in enumerate(paths):
        color = path_color(place)
        own = draw_own_values(axes, panel, trajectory, scale, color)
        _draw_line(axes, trajectory, color, own)
    for place, trajectory in enumerate(paths):
        _draw_marks(axes, trajectory, named=place == 0)
        for number in epochs_to_write(trajectory):
            point, text = trajectory.coordinates[number], str((trajectory.epochs or ())[number])
            writer.write(point, text, "epoch", APART)
    axes.set(**limits)


def path_color(place: int) -> Any:
    """Return the colour of a plane's path, counted from 0."""
    return OTHERS[(place - 1) % len(OTHERS)] if place else ink(0)


def path_label(trajectory: Trajectory) -> str:
    """Return a path's entry of the legend: its name beside others, and the checkpoints."""
    name = f"{shorten(trajectory.name, MAX_NAME_LENGTH)}: " if trajectory.name else ""
    return legend_text(f"{name}{len(trajectory.coordinates)} checkpoints")


def epochs_to_write(trajectory: Trajectory) -> list[int]:
    """Return the indices of checkpoints whose epoch is worth writing, most important first.

    Of several checkpoints in an epoch, besides the ends, it is the first.
    """
    if trajectory.epochs is None:
        return []
    epochs = np.array(trajectory.epochs)
    begins = np.append(True, np.diff(epochs) != 0)
    chosen = [len(epochs) - 1, 0, *drops(trajectory.learning_rates)]
    width = max(1, int(np.ptp(epochs)))
    steps = [m * 10**k for k in range(len(str(width)), -1, -1) for m in (5, 2, 1)]
    step = next((s for s in reversed(steps) if width / s <= MAX_LABELS), steps[0])
    for coarse in (10 * step, 5 * step, 2 * step, step):
        chosen += np.flatnonzero(begins & (epochs % coarse == 0)).tolist()
    return list(dict.fromkeys(chosen))


def subdivided(trajectory: Trajectory) -> Floats:
    """Return closely spaced points along a path, of shape (m, 2)."""
    numbers = np.arange(len(trajectory.coordinates))
    steps = np.linspace(0, numbers[-1], 1 + SUBSTEPS * int(numbers[-1]))
    columns = trajectory.coordinates.T
    return np.stack([np.interp(steps, numbers, column) for column in columns], axis=1)


def _draw_line(axes: Any, trajectory: Trajectory, color: Any, own: bool) -> None:
    count = len(trajectory.coordinates)
    suffix = " (by epoch)" if trajectory.epochs else ""
    suffix += ", coloured by own value" if own else ""
    width = 2.4 if own and count >= ROOM else 1.0  # so that the line surrounds the dots
    axes.plot(
        *trajectory.coordinates.T,
        "-o" if count <= MAX_DOTS and not own else "-",
        color=color,
        linewidth=pt(width),
        markersize=pt(float(np.clip(60 / count, 0.9, 2.4))),
        path_effects=outline(1.8 + width),
        solid_joinstyle="round",
        zorder=5.5,
        label=path_label(trajectory) + suffix,
        gid="trajectory",
    )


def _draw_marks(axes: Any, trajectory: Trajectory, named: bool) -> None:
    """Mark the first and last checkpoints, and the drops of the learning rate.

    Args:
        axes: the axes to draw on.
        trajectory: the path.
        named: whether the ends have entries in the legend.
    """
    hidden = "" if named else "_"
    places = trajectory.coordinates
    if numbers := drops(trajectory.learning_rates):
        name = f"{shorten(trajectory.name, MAX_NAME_LENGTH)}: " if trajectory.name else ""
        text = legend_text(name + _drops_text(trajectory, numbers))
        look = {**mark_look("v", DROP, 5.5), "label": text}
        axes.plot(*places[numbers].T, zorder=6.2, **look)
    look = mark_look("s", ENDS, 4.5)
    axes.plot(*places[:1].T, zorder=6, **{**look, "label": f"{hidden}first"})
    look = mark_look("*", ENDS, 8)
    axes.plot(*places[-1:].T, zorder=6.4, **{**look, "label": f"{hidden}last"})


def _drops_text(trajectory: Trajectory, numbers: Sequence[int]) -> str:
    epochs = trajectory.epochs or ()
    after = ", ".join(str(epochs[number]) for number in numbers) if epochs else ""
    return "lr falls" + (f" after {after}" if after else "")


def mark_look(marker: str, color: str, size: float) -> dict[str, Any]:
    """Return the properties of a mark with a black edge."""
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": size,
        "color": color,  # not the next of the cycle, as legends merge what looks the same
        "markerfacecolor": color,
        "markeredgecolor": "black",
        "markeredgewidth": 0.7,
        "label": "_mark",
    }


def checkpoint_name(marker: Marker) -> str:
    """Return a checkpoint's name, with its distance from the slice if it is off it."""
    name = plain(shorten(marker.label, MAX_NAME_LENGTH))
    return f"{name} ({marker.residual:.3g} off)" if marker.off else name
