"""Small texts beside points of a flat panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.text_placement import Places
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import outline, pt

WIDTH = 2.9
"""About the width of a flat panel's axes, in inches; it is known only when the figure is drawn."""


class Writer:
    """Writes texts where they cover neither points, nor each other, nor a contour's value.

    Args:
        axes: where to write; its limits are those of the picture.
        panel: the panel drawn there.
        points: what texts should not cover, in the panel's coordinates.
    """

    def __init__(self, axes: Any, panel: Panel, points: Iterable[Sequence[float]]) -> None:
        self._axes, self._size = axes, np.array([WIDTH, WIDTH * panel.aspect])
        covered = np.reshape([self._inches(point) for point in points], (-1, 2))
        self._places = Places((WIDTH, WIDTH * panel.aspect), covered)
        for text in axes.texts:
            if text.get_gid() is None:  # a contour's value
                self._places.take(self._inches(text.get_position()), text.get_text())

    def write(self, point: Sequence[float], text: str, gid: str, apart: float = 0.0) -> None:
        """Write a text beside a point, if that is seen and there is room.

        Args:
            point: the point, in the panel's coordinates.
            text: one line.
            gid: what the text is called in the figure.
            apart: how far the point has to be from others with a text, in inches; with 0 the text
                may cover points.
        """
        inches = self._inches(point)
        if (inches < 0).any() or (inches > self._size).any():
            return
        way = self._places.find(inches, text, apart)
        if way is None:
            return
        self._axes.annotate(
            text,
            xy=(point[0], point[1]),
            xytext=(72 * way[0], 72 * way[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=pt(7),
            zorder=7,
            path_effects=outline(1.8),
            gid=gid,
        )

    def _inches(self, point: Sequence[float]) -> NDArray[np.float64]:
        """A point in inches from the lower left corner, about."""
        (left, right), (bottom, top) = self._axes.get_xlim(), self._axes.get_ylim()
        x, y = point[:2]
        width, height = self._size.tolist()
        across, up = (x - left) / (right - left), (y - bottom) / (top - bottom)
        return np.array([across * width, up * height])
