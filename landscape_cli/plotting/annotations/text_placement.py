"""Place small texts beside points of flat panels, clear of the points and of each other.

They are asked for when a panel is drawn, and placed when the size of its axes is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.contour_values import CONTOUR_VALUE
from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.style import outline, pt
from landscape_cli.plotting.text.labels import shorten

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, bottom, right and top in inches."""

FONT_SIZE = 7.0
"""Size of the texts in points at the base font size."""

GAP = 0.07
"""Distance from a point to its text in inches."""

SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Sides of a point to try, in order: right, left, above, below, and the diagonals."""

REACHES = (1.0, 2.2)
"""Distances to try, in gaps."""


BETWEEN, AROUND = 0.02, 0.045
"""Least distance between texts, and between a text and the middle of another mark, in inches."""

MARK = 8
"""Number of points of a line that a text would rather cover than a mark."""

SHORTENED = (16, 10, 6)
"""Maximum numbers of characters to which a name is shortened where it has no room otherwise."""


@dataclass(frozen=True)
class Label:
    """A text to be placed beside a point.

    Args:
        point: the point, in the panel's coordinates.
        text: one line.
        gid: the text's gid in the figure.
        apart: minimum distance in inches to other labelled points; 0 for a name, which may cover
            points, be on two lines, and be shortened.
    """

    point: tuple[float, float]
    text: str
    gid: str
    apart: float = 0.0

    def forms(self) -> Iterator[tuple[str, bool]]:
        """Yield ways to write the text, the best first, and whether it may cover points."""
        if self.apart:
            yield self.text, False
            return
        whole = [self.text]
        breaks = [place for place, letter in enumerate(self.text) if letter == " "]
        if breaks:
            middle = min(breaks, key=lambda place: abs(place - len(self.text) / 2))
            whole.append(f"{self.text[:middle]}\n{self.text[middle + 1 :]}")
        for covering in (False, True):
            yield from ((text, covering) for text in whole)
        if "$" not in self.text:
            lengths = (longest for longest in SHORTENED if longest < len(self.text))
            yield from ((shorten(self.text, longest), True) for longest in lengths)


class LabelWriter:
    """Collects the texts to be placed on one axes, the most important first.

    Args:
        axes: the axes to write on, with their final limits.
        marks: points with marks to keep clear, in the panel's coordinates.
        points: points of lines to keep clear.
    """

    def __init__(
        self,
        axes: Any,
        marks: Iterable[Sequence[float]],
        points: Iterable[Sequence[float]] = (),
    ) -> None:
        self.marks = [tuple(point[:2]) for point in marks]
        self.points = [tuple(point[:2]) for point in points]
        self.labels: list[Label] = []
        axes.label_writers = [*getattr(axes, "label_writers", ()), self]

    def write(self, point: Sequence[float], text: str, gid: str, apart: float = 0.0) -> None:
        """Ask for a text beside a point; see ``Label``."""
        self.labels.append(Label((point[0], point[1]), text, gid, apart))


def place_labels(axes: Any, ruler: Ruler) -> None:
    """Place the texts that were asked for, if their points are in view and there is room.

    Args:
        axes: axes of their final size.
        ruler: measures texts.
    """
    writers: list[LabelWriter] = getattr(axes, "label_writers", [])
    if not writers:
        return
    size = axes.bbox.size / axes.figure.dpi
    marks = _in_inches(axes, [point for writer in writers for point in writer.marks])
    points = _in_inches(axes, [point for writer in writers for point in writer.points])
    space = FreeSpace(tuple(size), points, marks, _boxes_of_texts(axes, ruler))
    for label in (each for writer in writers for each in writer.labels):
        (point,) = _in_inches(axes, [label.point])
        if (point < 0).any() or (point > size).any():
            continue
        for text, covering in label.forms():
            extent = ruler.size(text, pt(FONT_SIZE))
            offset = space.find(point, extent, label.apart, covering)
            if offset is not None:
                _annotate(axes, label, text, offset)
                break


def _annotate(axes: Any, label: Label, text: str, offset: tuple[float, float]) -> None:
    axes.annotate(
        text,
        xy=label.point,
        xytext=(72 * offset[0], 72 * offset[1]),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=pt(FONT_SIZE),
        zorder=7,
        path_effects=outline(1.8),
        gid=label.gid,
    )


def _in_inches(axes: Any, points: Sequence[tuple[float, ...]]) -> Floats:
    """Return the positions of points in inches from the axes' lower left corner, (n, 2)."""
    pixels = axes.transData.transform(np.reshape(points, (-1, 2)).astype(float))
    return np.asarray((pixels - axes.bbox.p0) / axes.figure.dpi)


def _boxes_of_texts(axes: Any, ruler: Ruler) -> list[Box]:
    """Return the boxes of texts on the axes, except for contours' values, which give way."""
    found = []
    for text in axes.texts:
        if text.get_gid() != CONTOUR_VALUE and text.get_visible() and text.get_text():
            extent = text.get_window_extent(ruler.renderer)
            corners = (extent.get_points() - axes.bbox.p0) / axes.figure.dpi
            found.append(tuple(corners.ravel().tolist()))
    return found


@dataclass
class FreeSpace:
    """Space on one axes that texts can still take.

    Args:
        size: width and height of the axes in inches.
        points: points to keep clear, of shape (n, 2), in inches.
        marks: points with marks to keep clear, of shape (m, 2).
        occupied: boxes of the texts placed already.
        labelled: points with a text that keeps its distance from others.
    """

    size: tuple[float, float]
    points: Floats
    marks: Floats = field(default_factory=lambda: np.empty((0, 2)))
    occupied: list[Box] = field(default_factory=list)
    labelled: list[Floats] = field(default_factory=list)

    def find(
        self, point: Floats, extent: tuple[float, float], apart: float = 0.0, covering: bool = False
    ) -> tuple[float, float] | None:
        """Find space for a text and take it.

        Args:
            point: the point it labels, in inches, of shape (2,).
            extent: width and height of the text in inches.
            apart: minimum distance to other points labelled with such a distance.
            covering: whether the text may cover points if it would do so on every side.

        Returns:
            The offset of the text's middle from the point in inches, or None if there is no space.
        """
        if apart and any(np.hypot(*(point - other)) < apart for other in self.labelled):
            return None
        best, fewest, offset = None, np.inf, (0.0, 0.0)
        width, height = extent
        for reach in REACHES:
            for right, up in SIDES:
                gap = reach * GAP
                shift = (right * (gap + width / 2), up * (gap + height / 2))
                x, y = (point + shift).tolist()
                box = x - width / 2, y - height / 2, x + width / 2, y + height / 2
                covered = _within(self.points, box) + MARK * _within(self.marks, box, AROUND)
                if covered < fewest and self._is_free(box):
                    best, fewest, offset = box, covered, shift
        if best is None or (fewest > 0 and not covering):
            return None
        self.occupied.append(best)
        if apart:
            self.labelled.append(point)
        return offset

    def _is_free(self, box: Box) -> bool:
        left, bottom, right, top = box
        if left < 0 or bottom < 0 or right > self.size[0] or top > self.size[1]:
            return False
        return all(
            max(left - other[2], other[0] - right, bottom - other[3], other[1] - top) >= BETWEEN
            for other in self.occupied
        )


def _within(points: Floats, box: Box, around: float = 0.0) -> int:
    """Return the number of points within a distance of a box."""
    low, high = np.array(box).reshape(2, 2)
    return int(np.count_nonzero(((points > low - around) & (points < high + around)).all(axis=1)))
