"""The axis of heights beside a rendered surface."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.camera import Eye, Frame
from landscape_cli.plotting.scene3d.terrain import BOX_HEIGHT, Terrain
from landscape_cli.plotting.style import ink, pt, ticks
from landscape_cli.plotting.text import labels

Floats = NDArray[np.float64]

MAX_TICKS = 6
"""Maximum number of ticks."""

SHORTEST = 0.15
"""Length, as a fraction of the picture's height, below which the axis is left out."""

TICK_SIZE, NAME_SIZE = 7.5, 8.5
"""Font sizes of tick labels and of the name in points."""

LINE = 1.6
"""Minimum distance of tick labels in units of their font size."""

LETTER = 0.62
"""Approximate width of a letter in units of the font size."""

MIN_SIDE = 0.2
"""Width of a labelled side of the floor, as a fraction of the picture's, beside which is room."""

PANEL = 0.75
"""Approximate part of its share of the figure's width that a panel takes."""

PLAIN = re.compile(r"[${}^\\]|math[a-z]+")
"""The parts of a tick label that have no width."""

MINUS = "\N{MINUS SIGN}"


def draw_height_axis(
    axes: Any, panel: Panel, terrain: Terrain, scale: Scale, eye: Eye, frame: Frame
) -> None:
    """Draw an axis with a few ticks along the rightmost edge of the box, if there is room.

    Where labels of the floor would be in its way, it is along the leftmost edge.

    In a figure of a single panel it has the quantity's name.

    Args:
        axes: flat axes in units of the frame.
        panel: the panel.
        terrain: its surface.
        scale: its scale.
        eye: the camera.
        frame: the edges of the picture.
    """
    rows, columns = axes.get_subplotspec().get_gridspec().get_geometry()
    points = 72 * PANEL * float(axes.figure.get_figwidth()) / columns / frame.width
    corner, side = _corner(terrain, eye, MIN_SIDE * frame.width)
    low, high = (_seen(eye, corner, height) for height in (0.0, BOX_HEIGHT))
    if np.linalg.norm(high - low) < SHORTEST * frame.height:
        return
    room = int(points * np.linalg.norm(high - low) / pt(LINE * TICK_SIZE))
    places, texts = _ticks(scale, min(MAX_TICKS, room))
    if len(places) < 2:
        return
    look: dict[str, Any] = {"color": ink(0.1), "zorder": 3}
    line = {"linewidth": pt(0.8), "clip_on": False, "gid": "height", **look}
    axes.plot(*np.stack([low, high]).T, **line)
    end = side * 0.015 * frame.width
    beside: dict[str, Any] = {"textcoords": "offset points", "va": "center", **look}
    beside["ha"] = "left" if side > 0 else "right"
    beside["annotation_clip"] = False
    for height, text in zip(terrain.height_of(places).tolist(), texts, strict=True):
        x, y = _seen(eye, corner, height)
        axes.plot([x, x + end], [y, y], **line)
        size = {"fontsize": pt(TICK_SIZE), "gid": "height-tick"}
        axes.annotate(text, (x + end, y), xytext=(side * pt(2), 0), **size, **beside)
    if rows * columns == 1:
        letters = max(len(PLAIN.sub("", text)) for text in texts)
        beyond = pt(6 + LETTER * TICK_SIZE * letters)
        size = {"fontsize": pt(NAME_SIZE), "gid": "height-name"}
        outer = max if side > 0 else min
        at = outer(low[0], high[0]) + end, (low[1] + high[1]) / 2
        name = labels.plain(labels.quantity([panel]))
        axes.annotate(name, at, xytext=(side * beyond, 0), rotation=90, **size, **beside)


def _corner(terrain: Terrain, eye: Eye, least: float) -> tuple[Floats, int]:
    """Return x and y of the axis's edge of the box, and 1 if it is at the right, -1 if at the left.

    Labels stand along the two sides of the floor nearest to the eye. Beside one that is seen nearly
    end-on, within ``least``, there is no room.
    """
    a, b = terrain.half
    corners = np.array([[i * a, j * b] for i in (-1, 1) for j in (-1, 1)])
    x, _, depth = eye.project(np.column_stack([corners, np.zeros(4)])).T
    found = []
    for side, number in ((1, int(x.argmax())), (-1, int(x.argmin()))):
        widths = [
            np.ptp(x[on])
            for axis in (0, 1)
            for on in [corners[:, axis] == corners[number, axis]]
            if depth[on].mean() < depth.mean()
        ]
        found.append((min(widths, default=np.inf), side, corners[number]))
    _, side, corner = found[0] if found[0][0] >= least else max(found, key=lambda one: one[0])
    return corner, side


def _seen(eye: Eye, corner: Floats, height: float) -> Floats:
    return eye.project(np.array([*corner, height]))[:2]


def _ticks(scale: Scale, most: int) -> tuple[Floats, list[str]]:
    """Return at most ``most`` ticks within the limits, as drawn, and their labels."""
    if most < 2:
        return np.empty(0), []
    low, high = scale.ends
    if own := scale.ticks():
        stride = -(-len(own[1]) // most)
        return own[0][::stride], own[1][::stride]
    places = np.asarray(ticks(most - 1).tick_values(low, high))
    places = places[(places >= low) & (places <= high)]
    return places, [labels.number(place).replace("-", MINUS) for place in places]
