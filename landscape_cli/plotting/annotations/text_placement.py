"""Where small texts beside points go, so that they cover neither each other nor the points."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in inches."""

LETTER, HEIGHT = 0.056, 0.10
"""About the width of a letter and the height of a line of text of 7 points, in inches."""

GAP = 0.055
"""From a point to its text, in inches."""

SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Where a text can be: right of its point, left, above, below, and between these."""

REACHES = (1.0, 2.2)
"""How many gaps away a text can be."""


@dataclass
class Places:
    """Free places for texts on one axes.

    Args:
        size: width and height of the axes in inches, about.
        points: what texts should not cover, of shape (n, 2), in inches.
    """

    size: tuple[float, float]
    points: Floats
    taken: list[Box] = field(default_factory=list)
    named: list[Floats] = field(default_factory=list)

    def take(self, middle: Floats, text: str) -> None:
        """Take the place of a text that is there already."""
        self.taken.append(_around(middle, LETTER * len(text)))

    def find(self, point: Floats, text: str, apart: float = 0.0) -> tuple[float, float] | None:
        """Where the middle of a text goes, in inches from its point, and take that place.

        Args:
            point: the point it belongs to, in inches, of shape (2,).
            text: one line.
            apart: how far the point has to be from others that have a text. With 0 it may be
                anywhere, and the text covers points if every place does.

        Returns:
            The way from the point, or None if there is no place.
        """
        if any(np.hypot(*(point - other)) < apart for other in self.named):
            return None
        best, fewest, way = None, np.inf, (0.0, 0.0)
        width = LETTER * len(text)
        for reach in REACHES:
            for right, up in SIDES:
                gap = reach * GAP
                shift = (right * (gap + width / 2), up * (gap + HEIGHT / 2))
                box = _around(point + shift, width)
                covered = self._covered(box)
                if covered < fewest and self._free(box):
                    best, fewest, way = box, covered, shift
        if best is None or (fewest > 0 and apart > 0):
            return None
        self.taken.append(best)
        self.named.append(point)
        return way

    def _free(self, box: Box) -> bool:
        left, bottom, right, top = box
        if left < 0 or bottom < 0 or right > self.size[0] or top > self.size[1]:
            return False
        return all(
            right < other[0] or left > other[2] or top < other[1] or bottom > other[3]
            for other in self.taken
        )

    def _covered(self, box: Box) -> int:
        left, bottom, right, top = box
        x, y = self.points.T
        return int(np.count_nonzero((x > left) & (x < right) & (y > bottom) & (y < top)))


def _around(middle: Floats, width: float) -> Box:
    x, y = middle.tolist()
    return x - width / 2, y - HEIGHT / 2, x + width / 2, y + HEIGHT / 2
