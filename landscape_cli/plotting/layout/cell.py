"""A panel's place in a figure, and the room that its texts take around its axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from matplotlib.transforms import Bbox

from landscape_cli.plotting.layout import spatial, ticks
from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.layout.spatial import SUBTITLE
from landscape_cli.plotting.style import ink, pt

SMALL = 8.0
"""Size of small text in points at the base font size."""

TITLE_SIZE, SMALLER_TITLE, NARROW = 10.0, 9.0, 1.8
"""Sizes of titles in points, and the width in inches below which the smaller one is used."""

ABOVE, BETWEEN = 4.0, 3.0
"""Space in points above an axes, and between the lines of its heading."""


class Edges(NamedTuple):
    """Room in inches on each side of an axes."""

    left: float
    right: float
    bottom: float
    top: float


@dataclass
class Cell:
    """A panel of a figure.

    Args:
        axes: its axes; further ones may share their x axis.
        title: its title.
        second: smaller lines below the title.
        shape: height over width of the axes, where it is the axes' own.
        xlabel: label of the x axis, before it is wrapped.
        ylabel: label of the y axis, before it is wrapped.
    """

    axes: Any
    title: str = ""
    second: str = ""
    shape: float | None = None
    xlabel: str = field(init=False)
    ylabel: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the labels as they are given."""
        self.xlabel, self.ylabel = self.axes.get_xlabel(), self.axes.get_ylabel()
        self.shape = own_shape(self.axes)
        self._note = self.axes.annotate(
            "",
            xy=(0.5, 1),
            xycoords="axes fraction",
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="baseline",
            fontsize=pt(SMALL),
            color=ink(0.3),
            gid=SUBTITLE,
            annotation_clip=False,
        )

    @property
    def spatial(self) -> bool:
        """True if the panel is drawn in three dimensions."""
        return bool(self.axes.name == "3d")

    @property
    def twins(self) -> list[Any]:
        """Axes on top of the panel's."""
        if self.spatial:
            return []
        siblings = self.axes.get_shared_x_axes().get_siblings(self.axes)
        return [other for other in siblings if other is not self.axes]

    def place(self, left: float, bottom: float, width: float, height: float) -> None:
        """Set the place of the axes in inches."""
        across, up = self.axes.figure.get_size_inches()
        for axes in (self.axes, *self.twins):
            axes.set_position((left / across, bottom / up, width / across, height / up))

    def write(self, ruler: Ruler, width: float, top: float) -> float:
        """Write the heading above the axes, and return the height of all that is above them.

        Args:
            ruler: measures texts.
            width: width of the heading in inches.
            top: room in inches that the axes of the row take above them without a heading.
        """
        size = pt(TITLE_SIZE if width > pt(NARROW) else SMALLER_TITLE)
        self.axes.title.set_fontsize(size)
        title = ruler.wrap(self.title, size, width)
        second = ruler.wrap(self.second, pt(SMALL), width)
        at = 72 * top + pt(ABOVE)
        self._note.set_text(second)
        self._note.xyann = (0, at)
        if second:
            at += 72 * ruler.size(second, pt(SMALL))[1] + pt(BETWEEN)
        self.axes.set_title(title, y=1.0, pad=at)
        self.axes.title.set_y(1.0)  # 3-D axes lower it
        if title:
            at += 72 * ruler.size(title, size)[1] + pt(BETWEEN)
        return at / 72 if title or second else top

    def wrap_labels(self, ruler: Ruler, width: float, height: float) -> None:
        """Wrap the labels of the axes to a width and a height in inches."""
        if self.spatial or not self.axes.axison:
            return
        size = self.axes.xaxis.label.get_fontsize()
        self.axes.set_xlabel(ruler.wrap(self.xlabel, size, width))
        self.axes.set_ylabel(ruler.wrap(self.ylabel, size, height))
        for twin in self.twins:
            words = twin.get_ylabel().replace("\n", " ")
            twin.set_ylabel(ruler.wrap(words, size, height))

    def measure(self, ruler: Ruler) -> Edges:
        """Return the room that ticks, labels and other texts take around the axes."""
        dpi = self.axes.figure.dpi
        own = self.axes.get_position(original=True).transformed(self.axes.figure.transFigure)
        if self.spatial:
            boxes = spatial.extent(self.axes, ruler.renderer)
        else:
            boxes = [own, *_beyond(self, ruler)]
            boxes += [
                Bbox(dpi * box.get_points() + own.p0)
                for axes in (self.axes, *self.twins)
                for axis in (axes.xaxis, axes.yaxis)
                if axes.axison
                for box in ticks.extent(axis, ruler)
            ]
        around = Bbox.union(boxes)
        return Edges(
            (own.x0 - around.x0) / dpi,
            (around.x1 - own.x1) / dpi,
            (own.y0 - around.y0) / dpi,
            (around.y1 - own.y1) / dpi,
        )

    def content(self) -> tuple[float, float]:
        """Return by how much the content grows with the width and height of the axes."""
        if not self.spatial:
            return 1.0, 1.0
        box = spatial.cube(self.axes)
        frame = self.axes.get_position(original=True).transformed(self.axes.figure.transFigure)
        return box.width / frame.width, box.height / frame.height

    def thin_ticks(self, ruler: Ruler) -> bool:
        """Leave out ticks until their labels do not overlap; return whether they don't."""
        if self.spatial or not self.axes.axison:
            return True
        axes = self.axes.xaxis, self.axes.yaxis, *(twin.yaxis for twin in self.twins)
        clear = [ticks.thin_ticks(axis, ruler) for axis in axes]
        return all(clear)

    @property
    def note(self) -> Any:
        """The small text below the title."""
        return self._note

    @property
    def intervals(self) -> tuple[Any, Any]:
        """The locators of both axes."""
        return self.axes.xaxis.get_major_locator(), self.axes.yaxis.get_major_locator()


def own_shape(axes: Any) -> float | None:
    """Return height over width of axes that have a shape of their own."""
    if axes.name == "3d":
        return 1.0
    if axes.get_box_aspect() is not None:
        return float(axes.get_box_aspect())
    if axes.get_aspect() != "auto":
        return float(axes.get_aspect()) * float(axes.get_data_ratio())
    return None


def _beyond(cell: Cell, ruler: Ruler) -> list[Bbox]:
    """Return the boxes in pixels of what is not clipped to the axes, other than the heading."""
    found = []
    for axes in (cell.axes, *cell.twins):
        others = {axes.patch, cell.note, *axes.spines.values()}
        for artist in axes.get_default_bbox_extra_artists():
            if artist in others:
                continue
            box = artist.get_tightbbox(ruler.renderer)
            if box is not None and np.isfinite(box.bounds).all() and (box.width or box.height):
                found.append(box)
    return found
