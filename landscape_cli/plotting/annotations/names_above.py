"""The checkpoints that lines pass through: upright lines, with names above the frame.

Names are arranged when the axes are measured or drawn, since only then their sizes are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, IdentityTransform

from landscape_cli.plotting.annotations.overlay import checkpoints_of
from landscape_cli.plotting.annotations.path import checkpoint_name
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import ink, pt

SPACE = 3.0
"""Space in points above the frame, between names in a row, and between rows."""


class Name(NamedTuple):
    """A name to place above the frame.

    Args:
        at: its line's distance from the left, in pixels.
        width: its width in pixels.
    """

    at: float
    width: float


def draw_checkpoints(axes: Any, panels: Sequence[Panel]) -> None:
    """Draw an upright line at each checkpoint that lines pass through, and its name above it.

    Args:
        axes: the axes, with their final limits.
        panels: a panel of each surface drawn there.
    """
    low, high = axes.get_xlim()
    names: dict[float, list[str]] = {}
    for panel in panels:
        for marker in checkpoints_of(panel):
            (x,) = panel.drawn_at(np.array(marker.coordinates[:1])).tolist()
            at = names.setdefault(x, [])
            at += [name for name in [checkpoint_name(marker)] if name not in at]
    inside = {x: ", ".join(known) for x, known in sorted(names.items()) if low <= x <= high}
    for x in inside:
        look: dict[str, Any] = {"color": ink(0.35), "linewidth": 0.8, "zorder": 0.9}
        axes.axvline(x, linestyle=(0, (4, 2)), gid="upright", **look)
    if inside:
        axes.add_artist(_NamesAbove(axes, inside))


def rows_of(
    names: Sequence[Name], ends: tuple[float, float], space: float
) -> list[tuple[int, float]]:
    """Place names in rows above a frame, so that neither they nor the lines to them meet.

    Args:
        names: the names, in the order of their lines.
        ends: the frame's ends, which names stay between if they can.
        space: least space between names.

    Returns:
        The row of each name, counted from 0 at the frame, and its middle.
    """
    placed: list[tuple[int, float, float, float]] = []
    found = []
    before = [-np.inf, *(name.at for name in names)]
    for (at, width), previous in reversed(list(zip(names, before, strict=False))):
        centred = max(ends[0], min(at - width / 2, ends[1] - width))
        lefts = [centred] if centred > previous + space else []
        row, left = _row_of(at, width, placed, [*lefts, at - space], space)
        placed.append((row, left, left + width, at))
        found.append((row, left + width / 2))
    return found[::-1]


def _row_of(
    at: float,
    width: float,
    placed: Sequence[tuple[int, float, float, float]],
    lefts: Sequence[float],
    space: float,
) -> tuple[int, float]:
    """Return the lowest row that is free, and which of the left ends the name has there."""
    for row in range(len(placed)):
        for left in lefts:
            meets = any(
                left < other_right + space and other_left < left + width + space
                for other, other_left, other_right, _ in placed
                if other == row
            )
            # The line to a name passes the names in the rows below it.
            crossed = any(
                (other > row and left < line + space and line < left + width + space)
                or (other < row and other_left <= at < other_right + space)
                for other, other_left, other_right, line in placed
            )
            if not (meets or crossed):
                return row, left
    return len(placed), lefts[-1] if placed else lefts[0]


class _NamesAbove(Artist):
    """Names above the frame of an axes, with short lines down to it."""

    def __init__(self, axes: Any, names: dict[float, str]) -> None:
        super().__init__()
        self._on, self._places = axes, list(names)
        look: dict[str, Any] = {"ha": "center", "va": "baseline", "fontsize": pt(7)}
        look |= {"color": ink(0.2), "gid": "checkpoint", "transform": IdentityTransform()}
        self._texts = [axes.text(0, 0, name, **look) for name in names.values()]
        self._lines = [
            axes.add_artist(
                Line2D([], [], color=ink(0.5), linewidth=0.6, transform=IdentityTransform())
            )
            for _ in names
        ]
        for text in self._texts:
            text.set_in_layout(False)
        for line in self._lines:
            line.set_in_layout(False)
            line.set_clip_on(False)
        self.set_zorder(0.1)
        self.set_clip_on(False)  # else the layout would ignore them

    def draw(self, renderer: Any) -> None:
        """Place the names, which are drawn after this."""
        self._arrange(renderer)

    def get_window_extent(self, renderer: Any = None) -> Bbox:
        """Return the extent of the names."""
        self._arrange(renderer)
        return Bbox.union([text.get_window_extent(renderer) for text in self._texts])

    def get_tightbbox(self, renderer: Any = None) -> Bbox:
        """Return the extent of the names."""
        return self.get_window_extent(renderer)

    def _arrange(self, renderer: Any) -> None:
        frame = self._on.bbox
        space = pt(SPACE) * self._on.figure.dpi / 72
        places = self._on.transData.transform([(x, 0.5) for x in self._places])[:, 0].tolist()
        sizes = [text.get_window_extent(renderer) for text in self._texts]
        high = max(size.height for size in sizes)
        names = [Name(at, size.width) for at, size in zip(places, sizes, strict=True)]
        found = rows_of(names, (frame.x0, frame.x1), space)
        for text, line, at, (row, middle) in zip(
            self._texts, self._lines, places, found, strict=True
        ):
            bottom = frame.y1 + space + row * (high + space)
            text.set_position((middle, bottom))
            line.set_data([at, at], [frame.y1, bottom - space / 3])
