"""Place small texts beside points of a flat panel, clear of the points and of each other.

The size of the axes and of letters is known exactly only when the figure is drawn, so lengths in
inches are estimates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import outline, pt

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, bottom, right and top in inches."""

AXES_WIDTH = 2.9
"""Approximate width of a flat panel's axes in inches."""

LETTER_WIDTH, LINE_HEIGHT = 0.056, 0.10
"""Approximate width of a letter and height of a line of 7-point text, in inches."""

GAP = 0.055
"""Distance from a point to its text in inches."""

SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Sides of a point to try, in order: right, left, above, below, and the diagonals."""

REACHES = (1.0, 2.2)
"""Distances to try, in gaps."""


class LabelWriter:
    """Writes texts where they cover neither points, nor each other, nor contour values.

    Args:
        axes: the axes to write on, with their final limits.
        panel: the panel drawn on them.
        points: points to keep clear, in the panel's coordinates.
    """

    def __init__(self, axes: Any, panel: Panel, points: Iterable[Sequence[float]]) -> None:
        self._axes, self._size = axes, np.array([AXES_WIDTH, AXES_WIDTH * panel.aspect])
        to_avoid = np.reshape([self._inches(point) for point in points], (-1, 2))
        self._space = FreeSpace((AXES_WIDTH, AXES_WIDTH * panel.aspect), to_avoid)
        for text in axes.texts:
            if text.get_gid() is None:  # a contour's value
                self._space.occupy(self._inches(text.get_position()), text.get_text())

    def write(self, point: Sequence[float], text: str, gid: str, apart: float = 0.0) -> None:
        """Write a text beside a point if the point is in view and there is room.

        Args:
            point: the point, in the panel's coordinates.
            text: one line.
            gid: the text's gid in the figure.
            apart: minimum distance in inches to other labelled points; with 0 the text may cover
                points.
        """
        inches = self._inches(point)
        if (inches < 0).any() or (inches > self._size).any():
            return
        offset = self._space.find(inches, text, apart)
        if offset is None:
            return
        self._axes.annotate(
            text,
            xy=(point[0], point[1]),
            xytext=(72 * offset[0], 72 * offset[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=pt(7),
            zorder=7,
            path_effects=outline(1.8),
            gid=gid,
        )

    def _inches(self, point: Sequence[float]) -> Floats:
        """Return a point's estimated position in inches from the lower left corner."""
        (left, right), (bottom, top) = self._axes.get_xlim(), self._axes.get_ylim()
        x, y = point[:2]
        width, height = self._size.tolist()
        across, up = (x - left) / (right - left), (y - bottom) / (top - bottom)
        return np.array([across * width, up * height])


@dataclass
class FreeSpace:
    """Space on one axes that texts can still take.

    Args:
        size: estimated width and height of the axes in inches.
        points: points to keep clear, of shape (n, 2), in inches.
        occupied: boxes of the texts placed already.
        labelled: points that have a text.
    """

    size: tuple[float, float]
    points: Floats
    occupied: list[Box] = field(default_factory=list)
    labelled: list[Floats] = field(default_factory=list)

    def occupy(self, middle: Floats, text: str) -> None:
        """Mark the space of an existing text as taken."""
        self.occupied.append(_box_around(middle, LETTER_WIDTH * len(text)))

    def find(self, point: Floats, text: str, apart: float = 0.0) -> tuple[float, float] | None:
        """Find space for a text and take it.

        Args:
            point: the point it labels, in inches, of shape (2,).
            text: one line.
            apart: minimum distance to other labelled points. With 0 there is no minimum, and the
                text covers points if it would do so on every side.

        Returns:
            The offset of the text's middle from the point in inches, or None if there is no space.
        """
        if any(np.hypot(*(point - other)) < apart for other in self.labelled):
            return None
        best, fewest, offset = None, np.inf, (0.0, 0.0)
        width = LETTER_WIDTH * len(text)
        for reach in REACHES:
            for right, up in SIDES:
                gap = reach * GAP
                shift = (right * (gap + width / 2), up * (gap + LINE_HEIGHT / 2))
                box = _box_around(point + shift, width)
                covered = self._points_in(box)
                if covered < fewest and self._is_free(box):
                    best, fewest, offset = box, covered, shift
        if best is None or (fewest > 0 and apart > 0):
            return None
        self.occupied.append(best)
        self.labelled.append(point)
        return offset

    def _is_free(self, box: Box) -> bool:
        left, bottom, right, top = box
        if left < 0 or bottom < 0 or right > self.size[0] or top > self.size[1]:
            return False
        return all(
            right < other[0] or left > other[2] or top < other[1] or bottom > other[3]
            for other in self.occupied
        )

    def _points_in(self, box: Box) -> int:
        left, bottom, right, top = box
        x, y = self.points.T
        return int(np.count_nonzero((x > left) & (x < right) & (y > bottom) & (y < top)))


def _box_around(middle: Floats, width: float) -> Box:
    x, y = middle.tolist()
    return x - width / 2, y - LINE_HEIGHT / 2, x + width / 2, y + LINE_HEIGHT / 2
