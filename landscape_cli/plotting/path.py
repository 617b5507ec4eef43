"""Trajectories over a plane, and checkpoints that a plane or line is laid through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.plotting.labels import shorten
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.placing import Places
from landscape_cli.trajectory import Marker, Trajectory, markers_of, trajectory_of

Floats = NDArray[np.float64]
Found = TypeVar("Found")

WIDTH = 2.9
"""About the width of a flat panel's axes, in inches."""

ENDS, DROP, MARKER = "#d55e00", "#f0e442", "white"
"""The colours of a path's ends, of falls of the learning rate, and of checkpoints."""

FALL = 2 / 3
"""A learning rate falls if it is at most this part of the one before."""

MOST_DROPS = 6
"""Rates that fall more often follow a schedule without steps, whose falls are not marked."""

MOST_LABELS = 12
LONGEST_LABEL = 24

OUTLINE = [withStroke(linewidth=2.8, foreground="white")]
THIN_OUTLINE = [withStroke(linewidth=1.8, foreground="white")]


def draw_path(axes: Any, panel: Panel) -> None:
    """Draw what a flat panel's surface has of paths and checkpoints; the limits stay."""
    limits = {"xlim": axes.get_xlim(), "ylim": axes.get_ylim()}
    trajectory, markers = path_of(panel), _markers(panel)
    places = _places(axes, panel, trajectory, markers)
    for marker in markers:
        axes.plot(*marker.coordinates[:2], zorder=6, **_look("D", MARKER, 4.5))
        _write(axes, places, marker.coordinates, _short(marker.label), insist=True)
    if trajectory is not None:
        _draw_line(axes, trajectory)
        _draw_marks(axes, trajectory)
        for number in epochs_to_write(trajectory):
            where, text = trajectory.coordinates[number], str((trajectory.epochs or ())[number])
            _write(axes, places, where, text)
    axes.set(**limits)


def draw_checkpoints(axes: Any, panel: Panel) -> None:
    """Draw the checkpoints that a line goes through: an upright line and a name for each."""
    low, high = axes.get_xlim()
    upright = axes.get_xaxis_transform()
    for marker in _markers(panel):
        x = marker.coordinates[0]
        if not low <= x <= high:
            continue
        axes.axvline(x, color="0.35", linewidth=0.8, linestyle=(0, (4, 2)), zorder=0.9)
        right = x - low < 0.1 * (high - low)
        axes.text(
            x,
            0.98,
            f" {_short(marker.label)} ",
            transform=upright,
            rotation=90,
            ha="left" if right else "right",
            va="top",
            fontsize=7,
            color="0.2",
            path_effects=THIN_OUTLINE,
            gid="checkpoint",
        )


def path_of(panel: Panel) -> Trajectory | None:
    """The path of a panel's surface, None if it has none or one without checkpoints.

    Raises:
        StoreError: naming the surface's file, if it is damaged.
    """
    found = _read(panel, trajectory_of)
    return found if found is not None and len(found.coordinates) else None


def path_notes(panels: Sequence[Panel]) -> list[str]:
    """Say how many checkpoints of each surface's path lie outside its grid."""
    found = []
    for panel in {id(panel.surface): panel for panel in panels}.values():
        axes = list(panel.surface.grid.axes.values())
        groups = [("checkpoints", np.array([marker.coordinates for marker in _markers(panel)]))]
        path = path_of(panel)
        if path is not None and panel.dimension == 2:
            groups.append(("checkpoints of the trajectory", path.coordinates))
        for what, places in groups:
            beyond = [
                (column < axis.low) | (column > axis.high)
                for column, axis in zip(places.T, axes, strict=False)
            ]
            if outside := int(np.count_nonzero(np.any(beyond, axis=0))):
                found.append(
                    f"{outside} of {len(places)} {what} lie outside the grid of {panel.source}"
                )
    return found


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
    chosen = [0, len(epochs) - 1, *drops(trajectory)]
    width = max(1, int(np.ptp(epochs)))
    steps = [m * 10**k for k in range(len(str(width)), -1, -1) for m in (5, 2, 1)]
    step = next((s for s in reversed(steps) if width / s <= MOST_LABELS), steps[0])
    for coarse in (10 * step, 5 * step, 2 * step, step):
        chosen += np.flatnonzero(epochs % coarse == 0).tolist()
    return list(dict.fromkeys(chosen))


def _draw_line(axes: Any, trajectory: Trajectory) -> None:
    count = len(trajectory.coordinates)
    what = ", numbers are epochs" if trajectory.epochs else ""
    axes.plot(
        *trajectory.coordinates.T,
        "-o",
        color="black",
        linewidth=1.0,
        markersize=float(np.clip(60 / count, 0.9, 2.4)),
        path_effects=OUTLINE,
        solid_joinstyle="round",
        zorder=5.5,
        label=f"trajectory, {count} checkpoints{what}",
        gid="trajectory",
    )


def _draw_marks(axes: Any, trajectory: Trajectory) -> None:
    """The first and the last checkpoint, and where the learning rate fell."""
    places = trajectory.coordinates
    if falls := drops(trajectory):
        look = _look("v", DROP, 5.5)
        axes.plot(*places[falls].T, zorder=6.2, **{**look, "label": "learning rate falls"})
    look = _look("s", ENDS, 4.5)
    axes.plot(*places[:1].T, zorder=6, **{**look, "label": "first checkpoint"})
    look = _look("*", ENDS, 9)
    axes.plot(*places[-1:].T, zorder=6.4, **{**look, "label": "last checkpoint"})


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


def _places(
    axes: Any, panel: Panel, trajectory: Trajectory | None, markers: Sequence[Marker]
) -> Places:
    size = (WIDTH, WIDTH * panel.aspect)
    points = [marker.coordinates for marker in markers]
    if trajectory is not None:
        points += trajectory.coordinates.tolist()
    return Places(size, np.reshape([_inches(axes, size, point) for point in points], (-1, 2)))


def _inches(axes: Any, size: tuple[float, float], point: Sequence[float]) -> Floats:
    """A point of an axes of this size, about, in inches from its lower left corner."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = point[:2]
    return np.array(
        [(x - left) / (right - left) * size[0], (y - bottom) / (top - bottom) * size[1]]
    )


def _write(
    axes: Any, places: Places, point: Sequence[float], text: str, insist: bool = False
) -> None:
    """Write a text beside a point, if there is room."""
    inches = _inches(axes, places.size, point)
    if (inches < 0).any() or (inches > places.size).any():
        return
    way = places.find(inches, text, insist)
    if way is None:
        return
    axes.annotate(
        text,
        xy=(point[0], point[1]),
        xytext=(72 * way[0], 72 * way[1]),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=7,
        zorder=7,
        path_effects=THIN_OUTLINE,
        gid="epoch",
    )


def _markers(panel: Panel) -> list[Marker]:
    """A panel's checkpoints that have a coordinate for each of its axes."""
    found = _read(panel, markers_of)
    return [marker for marker in found if len(marker.coordinates) >= panel.dimension]


def _read(panel: Panel, read: Callable[[Any], Found]) -> Found:
    try:
        return read(panel.surface.provenance)
    except StoreError as error:
        raise StoreError(f"{panel.source}: {error}") from None


def _short(label: str) -> str:
    return shorten(label, LONGEST_LABEL)
