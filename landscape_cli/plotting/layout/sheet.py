"""The content of a figure: panels, colour bars, the legend, and the texts around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.artist import Artist

from landscape_cli.plotting.layout.bar import Bar
from landscape_cli.plotting.layout.cell import SMALL, Cell
from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.layout.spatial import SUBTITLE
from landscape_cli.plotting.style import ink, pt, text_scale

MARGIN, SPACE = 0.06, 0.12
"""Margin of a figure, and space between panels and texts, in inches."""

LONGER = 0.3
"""Length in inches by which the label of a single panel may exceed its axis."""

NOTE_SIZE = 7.0
"""Size of note and caption in points at the base font size; it grows with the root of others."""

HINTING = 0.945
"""Part of their room that titles, note and caption fill: texts are up to 6 % wider at other dpi."""

FOOTNOTE, CAPTION = "footnote", "caption"
"""The gids of the texts below all panels."""


@dataclass
class Block:
    """Panels that share a colour bar.

    Args:
        cells: the panels.
        bar: their colour bar.
    """

    cells: list[Cell]
    bar: Bar | None = None


@dataclass
class Sheet:
    """The content of a figure.

    Args:
        figure: the figure.
        blocks: its panels; blocks of one panel each are side by side, others below another.
        shape: height over width of axes that have no shape of their own.
        least_height: least height of axes in inches.
        title: a title above all panels.
        lines: smaller lines below the title.
        meanings: what the axes of a single panel mean, by name.
        moved: the note, and the smaller lines below a panel's title, if meanings are too long for
            labels.
        note: a note below all panels.
        caption: a caption below the note.
        entries: entries of the legend.
    """

    figure: Any
    blocks: list[Block]
    shape: float = 0.6
    least_height: float = 0.0
    title: str = ""
    lines: str = ""
    meanings: dict[str, str] = field(default_factory=dict)
    moved: tuple[str, str] = ("", "")
    note: str = ""
    caption: str = ""
    entries: Sequence[Artist] = ()

    def __post_init__(self) -> None:
        """Create the texts that do not belong to a panel."""
        self.ruler = Ruler(self.figure)
        self.last: tuple[Any, ...] = ()
        self._legend: Any = None
        self._written: tuple[float, str] | None = None
        self._heights = 0.0, 0.0
        look: dict[str, Any] = {"ha": "left", "va": "top"}
        self._title = self.figure.suptitle("", x=0.5, y=1, va="top", ha="center", fontsize=pt(11))
        self._lines = self.figure.text(
            0.5, 1, "", ha="center", va="top", fontsize=pt(SMALL), color=ink(0.3), gid=SUBTITLE
        )
        look["fontsize"] = NOTE_SIZE * text_scale() ** 0.5
        self._note = self.figure.text(0, 0, "", color=ink(0.3), gid=FOOTNOTE, **look)
        self._caption = self.figure.supxlabel("", x=0, y=0, **look)
        self._caption.set_gid(CAPTION)

    @property
    def cells(self) -> list[Cell]:
        """The panels of all blocks."""
        return [cell for block in self.blocks for cell in block.cells]

    @property
    def caption_height(self) -> float:
        """Height of the caption in inches, as it was written last."""
        return _high(self._height(self._caption))

    @property
    def abreast(self) -> bool:
        """True if each of several panels has a colour bar of its own."""
        return len(self.blocks) > 1 and len(self.cells) == len(self.blocks)

    def places(self, columns: int) -> list[tuple[int, int]]:
        """Return the row and column of each panel."""
        if self.abreast:
            return [divmod(number, columns) for number in range(len(self.cells))]
        found, row = [], 0
        for block in self.blocks:
            found += [(row + i // columns, i % columns) for i in range(len(block.cells))]
            row += math.ceil(len(block.cells) / columns)
        return found

    def shorten_labels(self, width: float, height: float, most: int) -> None:
        """Move what the axes of a single panel mean to the note if it takes too many lines.

        Args:
            width: width of the axes in inches.
            height: their height.
            most: largest number of lines.
        """
        if not self.meanings or not self.cells[0].axes.axison:
            return
        (cell,), sizes = self.cells, {"x": width + LONGER, "y": height + LONGER}
        points = cell.axes.xaxis.label.get_fontsize()
        lines = [
            1 + self.ruler.wrap(text, points, sizes[name]).count("\n")
            for name, text in self.meanings.items()
        ]
        if max(lines) > most:
            words, cell.second = self.moved
            self.note = "; ".join(filter(None, [words, self.note]))
            for name in self.meanings:
                setattr(cell, f"{name}label", name)
            self.meanings = {}

    def write_texts(self, width: float) -> tuple[float, float]:
        """Wrap the texts to a width; return the heights of those above and below the panels."""
        ruler, inner = self.ruler, width - 2 * MARGIN
        room = HINTING * inner
        if self._written == (width, self.note):
            return self._heights
        self._title.set_text(ruler.wrap(self.title, self._title.get_fontsize(), room))
        self._lines.set_text(ruler.wrap(self.lines, pt(SMALL), room))
        for artist, text in ((self._note, self.note), (self._caption, self.caption)):
            wrapped = ruler.wrap(text, artist.get_fontsize(), room, False)
            artist.set_text(wrapped)
        self._make_legend(inner)
        above = sum(_high(self._height(text)) for text in (self._title, self._lines))
        below = sum(_high(self._height(text)) for text in (self._note, self._caption))
        self._written = width, self.note
        self._heights = above, below + _high(self._legend_size()[1])
        return self._heights

    def place_texts(self, middle: float) -> None:
        """Set the places of texts and legend, given the middle of the panels in inches."""
        width, height = self.figure.get_size_inches()
        top = height - MARGIN
        for text in (self._title, self._lines):
            text.set_position((0.5, top / height))
            top -= _high(self._height(text))
        bottom = MARGIN
        for text in (self._caption, self._note):
            text.set_position((MARGIN / width, (bottom + self._height(text)) / height))
            bottom += _high(self._height(text))
        if self._legend is not None:
            across, up = self._legend_size()
            left = min(max(middle - across / 2, MARGIN), max(MARGIN, width - MARGIN - across))
            place = left / width, (bottom + up) / height
            self._legend.set_bbox_to_anchor(place, self.figure.transFigure)

    def _height(self, text: Any) -> float:
        return self.ruler.size(text.get_text(), text.get_fontsize())[1]

    def _make_legend(self, width: float) -> None:
        """Make a legend of as many columns as fit a width."""
        if not self.entries:
            return
        texts = [str(entry.get_label()) for entry in self.entries]
        for columns in range(len(texts), 0, -1):
            if columns == 1:
                texts = [self.ruler.wrap(text, pt(SMALL), width - pt(32) / 72) for text in texts]
            elif self._least_width(texts, columns) > width:
                continue
            self._show_legend(texts, columns)
            if self._legend_size()[0] <= width:
                return

    def _least_width(self, texts: list[str], columns: int) -> float:
        """Return the width in inches of the texts of a legend, without symbols."""
        parts = np.array_split(np.array([self.ruler.size(t, pt(SMALL))[0] for t in texts]), columns)
        return float(sum(part.max() for part in parts if part.size))

    def _show_legend(self, texts: list[str], columns: int) -> None:
        if self._legend is not None:
            self._legend.remove()
        self._legend = self.figure.legend(
            list(self.entries),
            texts,
            loc="upper left",
            bbox_to_anchor=(0, 1),
            borderaxespad=0,
            borderpad=0,
            columnspacing=1.4,
            ncols=columns,
        )

    def _legend_size(self) -> tuple[float, float]:
        if self._legend is None:
            return 0.0, 0.0
        box = self._legend.get_window_extent(self.ruler.renderer)
        return box.width / self.figure.dpi, box.height / self.figure.dpi


def _high(height: float) -> float:
    """Return the room of a text with the space above it."""
    return height + 0.6 * SPACE if height else 0.0
