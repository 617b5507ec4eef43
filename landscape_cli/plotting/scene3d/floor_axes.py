"""Axes along the two nearest sides of a rendered surface's floor, with ticks at round numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.scene3d.box import GAP, separate
from landscape_cli.plotting.scene3d.camera import Eye, Frame
from landscape_cli.plotting.scene3d.terrain import FLOOR, Terrain
from landscape_cli.plotting.style import ink, pt, ticks
from landscape_cli.plotting.text import labels

Floats = NDArray[np.float64]

MAX_INTERVALS = 5
"""Maximum number of intervals between the ticks of an axis."""

TICK_SIZE, NAME_SIZE = 7.5, 9.0
"""Font sizes of tick labels and of names in points."""

TICK_LENGTH = 0.012
"""Length of a tick, as a fraction of the picture's smaller side."""

PAD = 2.0
"""Distance in points of a label from its tick, and of a name from the labels."""

CORNER_GAP = 18.0
"""Minimum distance in points between labels of different axes."""

MINUS = "\N{MINUS SIGN}"


def draw_floor_axes(axes: Any, terrain: Terrain, eye: Eye, frame: Frame) -> None:
    """Draw ticks at round numbers, and the name, along the nearest sides of the floor.

    Labels that would overlap others when they are drawn are left out.

    Args:
        axes: flat axes in units of the frame.
        terrain: the surface.
        eye: the camera.
        frame: the edges of the picture.
    """
    ruler = Ruler(axes.figure)
    rows = []
    for along in (0, 1):
        side, outward = _nearest_side(terrain, eye, along)
        places = _round_places(*terrain.limits[along])
        points = np.tile(side, (len(places), 1))
        points[:, along] = terrain.place(*([places] * 2))[:, along]
        tick = TICK_LENGTH * min(frame.width, frame.height) * outward
        starts = eye.project(points)[:, :2]
        line = {"color": ink(0.1), "linewidth": pt(0.6), "zorder": 3, "clip_on": False}
        line["gid"] = "side-tick"
        marks = [axes.plot(*np.stack([at, at + tick]).T, **line)[0] for at in starts]
        texts = [labels.number(place).replace("-", MINUS) for place in places.tolist()]
        reaches = [_reach(ruler, text, TICK_SIZE, outward) for text in texts]
        row = zip(starts + tick, texts, reaches, strict=True)
        written = [_write(axes, *each, outward, TICK_SIZE) for each in row]
        rows.append(list(zip(written, marks, strict=True)))
        beyond = 2 * max(reaches, default=0.0) + _reach(ruler, "xy"[along], NAME_SIZE, outward)
        middle = eye.project(side)[:2] + tick
        _write(axes, middle, "xy"[along], beyond, outward, NAME_SIZE)
    axes.add_artist(_Separation(axes, rows))


def _nearest_side(terrain: Terrain, eye: Eye, along: int) -> tuple[Floats, Floats]:
    """Return the middle of the side nearest to the eye, and the direction away from the floor.

    Args:
        terrain: the surface.
        eye: the camera.
        along: 0 for the sides along x, 1 for those along y.
    """
    across = 1 - along
    sides = np.zeros((2, 3))
    sides[:, across], sides[:, 2] = [-terrain.half[across], terrain.half[across]], FLOOR
    middle = eye.project(np.array([0.0, 0.0, FLOOR]))[:2]
    seen = eye.project(sides)
    nearest = int(seen[:, 2].argmin())
    outward = seen[nearest, :2] - middle
    return sides[nearest], outward / (np.linalg.norm(outward) or 1)


def _round_places(low: float, high: float) -> Floats:
    """Return round numbers from ``low`` to ``high``."""
    places = np.asarray(ticks(MAX_INTERVALS).tick_values(low, high)) + 0.0
    sliver = 1e-9 * (high - low)
    return places[(places >= low - sliver) & (places <= high + sliver)]


def _reach(ruler: Ruler, text: str, size: float, outward: Floats) -> float:
    """Return the distance in points from a tick to the middle of its label."""
    half = 36 * np.array(ruler.size(text, pt(size)))
    return float(np.abs(outward) @ half) + pt(PAD)


def _write(axes: Any, place: Floats, text: str, reach: float, outward: Floats, size: float) -> Any:
    """Write a text whose middle is ``reach`` points away from a place."""
    look: dict[str, Any] = {"ha": "center", "va": "center", "color": ink(0.1), "zorder": 3}
    look |= {"fontsize": pt(size), "gid": "side", "annotation_clip": False}
    offset = tuple((reach * outward).tolist())
    return axes.annotate(text, tuple(place), xytext=offset, textcoords="offset points", **look)


class _Separation(Artist):
    """Hides tick labels that would overlap others, with their ticks, just before they are drawn.

    Args:
        axes: the axes with the texts.
        rows: the labels of each axis with their ticks.
    """

    zorder = -1.0

    def __init__(self, axes: Any, rows: Sequence[Sequence[tuple[Any, Any]]]) -> None:
        super().__init__()
        self._on, self._rows = axes, rows
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        """Choose the labels to show."""
        own = [text for row in self._rows for text, _ in row]
        for text in own:
            text.set_visible(True)  # else it has no extent
        others = [text for text in self._on.texts if text not in own and text.get_text()]
        taken = [text.get_window_extent(renderer) for text in others]
        gap, corner_gap = (renderer.points_to_pixels(pt(one)) for one in (GAP, CORNER_GAP))
        texts = [[text for text, _ in row] for row in self._rows]
        chosen = separate(texts, taken, gap, corner_gap - gap, renderer)
        for row, kept in zip(self._rows, chosen, strict=True):
            for number, artists in enumerate(row):
                for artist in artists:
                    artist.set_visible(number in kept)
