"""Measure texts as they are drawn, and wrap them to a width."""

from __future__ import annotations

import re
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

WORD = re.compile(r"(?:\\\$|\$[^$]*\$|(?<=\d) x (?=\d)|(?<=\d) (?=%)|[^\s$])+")
"""A word, in which mathematics and products such as 31 x 31 and percentages are not divided."""

BREAKS = re.compile(r"(?<=[_/.,;:=\-])(?=.)")
"""Places at which a word that is too long may be divided."""


class Ruler:
    """Measures texts of a figure in inches.

    Args:
        figure: the figure; its resolution must not change.
    """

    def __init__(self, figure: Any) -> None:
        self.figure = figure
        self._sizes: dict[tuple[str, float], tuple[float, float]] = {}
        self._boxes: dict[tuple[Any, ...], Bbox] = {}
        self._wraps: dict[tuple[Any, ...], str] = {}

    @property
    def renderer(self) -> Any:
        """The renderer of the figure's present size."""
        canvas: Any = self.figure.canvas
        if not isinstance(canvas, FigureCanvasAgg):
            canvas = FigureCanvasAgg(self.figure)
        return canvas.get_renderer()

    def size(self, text: str, points: float) -> tuple[float, float]:
        """Return width and height of a text, which may have several lines."""
        if not text:
            return 0.0, 0.0
        key = text, points
        if key not in self._sizes:
            box = self._extent(Text(0, 0, text, fontsize=points))
            self._sizes[key] = box.width, box.height
        return self._sizes[key]

    def box(self, text: str, like: Any) -> Bbox:
        """Return the box of a text around its anchor, if it had the properties of another."""
        look = {
            "fontsize": like.get_fontsize(),
            "ha": like.get_horizontalalignment(),
            "va": like.get_verticalalignment(),
            "rotation": like.get_rotation(),
            "rotation_mode": like.get_rotation_mode(),
        }
        key = text, *look.values()
        if key not in self._boxes:
            self._boxes[key] = self._extent(Text(0, 0, text, **look))
        return self._boxes[key]

    def _extent(self, artist: Text) -> Bbox:
        artist.set_figure(self.figure)
        box = artist.get_window_extent(self.renderer)
        return Bbox(box.get_points() / self.figure.dpi)

    def wrap(self, text: str, points: float, width: float, balanced: bool = True) -> str:
        """Wrap a text into as few lines as possible, of about equal length if ``balanced``.

        Words that are too long are divided, at punctuation if possible. Line breaks are kept.
        """
        key = text, points, round(width, 3), balanced
        if key not in self._wraps:
            lines = [self._wrapped(line, points, width, balanced) for line in text.split("\n")]
            self._wraps[key] = "\n".join(lines)
        return self._wraps[key]

    def _wrapped(self, line: str, points: float, width: float, balanced: bool) -> str:
        if self.size(line, points)[0] <= width:
            return line
        words = [(part, glued) for part, glued in self._parts(line, points, width)]
        lines = self._filled(words, points, width)
        low, high = max(self.size(word, points)[0] for word, _ in words), width
        for _ in range(6 if balanced else 0):  # the narrowest width that takes no more lines
            middle = (low + high) / 2
            narrower = self._filled(words, points, middle)
            if len(narrower) > len(lines):
                low = middle
            else:
                lines, high = narrower, middle
        return "\n".join(lines)

    def _parts(self, line: str, points: float, width: float) -> list[tuple[str, bool]]:
        """Return words, and whether each follows the one before without a space."""
        found: list[tuple[str, bool]] = []
        for word in WORD.findall(line):
            if self.size(word, points)[0] <= width or "$" in word:
                found.append((word, False))
                continue
            for number, piece in enumerate(BREAKS.split(word)):
                for place, part in enumerate(self._cut(piece, points, width)):
                    found.append((part, number + place > 0))
        return found

    def _cut(self, piece: str, points: float, width: float) -> list[str]:
        """Divide a piece of a word into parts that fit."""
        parts: list[str] = []
        while len(piece) > 1 and self.size(piece, points)[0] > width:
            end = len(piece) - 1
            while end > 1 and self.size(piece[:end], points)[0] > width:
                end -= 1
            parts.append(piece[:end])
            piece = piece[end:]
        return [*parts, piece]

    def _filled(self, words: list[tuple[str, bool]], points: float, width: float) -> list[str]:
        """Fill lines with words one after the other."""
        lines: list[str] = []
        for word, glued in words:
            if lines:
                longer = lines[-1] + ("" if glued else " ") + word
                if self.size(longer, points)[0] <= width:
                    lines[-1] = longer
                    continue
            lines.append(word)
        return lines
