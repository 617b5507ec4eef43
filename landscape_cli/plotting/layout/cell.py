"""A panel's place in a figure, and the room that its texts take around its axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.style import ink, pt

SUBTITLE = "subtitle"
"""The gid of the small text below a title."""

SMALL = 8.0
"""Size of small text in points at the base font size."""

TITLE_SIZE, SMALLER_TITLE, NARROW = 10.0, 9.0, 1.8
"""Sizes of titles in points, and the width in inches below which the smaller one is used."""

ABOVE, BETWEEN = 4.0, 3.0
"""Space in points above an axes, and between the lines of its heading."""

TICK_SPACE = 2.5
"""Least space between the labels of two ticks in points."""

MOST_TICKS = 6
"""Maximum number of intervals between the ticks of an axis."""


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

    def wrap_labels(self, ruler: Ruler, box: Bbox, longer: float) -> None:
        """Wrap the labels of the axes to a place in inches, which they may exceed a little."""
        if self.spatial or not self.axes.axison:
            return
        size = self.axes.xaxis.label.get_fontsize()
        self.axes.set_xlabel(ruler.wrap(self.xlabel, size, box.width + longer))
        self.axes.set_ylabel(ruler.wrap(self.ylabel, size, box.height + longer))
        for twin in self.twins:
            words = twin.get_ylabel().replace("\n", " ")
            twin.set_ylabel(ruler.wrap(words, size, box.height + longer))

    def measure(self, ruler: Ruler) -> Edges:
        """Return the room that ticks, labels and other texts take around the axes."""
        renderer, dpi = ruler.renderer, self.axes.figure.dpi
        self._show_heading(False)
        if self.spatial:
            boxes = [*_shown_in_space(self.axes, renderer), _cube(self.axes)]
        else:
            boxes = [axes.get_tightbbox(renderer) for axes in (self.axes, *self.twins)]
        self._show_heading(True)
        around = Bbox.union(boxes)
        own = self.axes.get_position(original=True).transformed(self.axes.figure.transFigure)
        return Edges(
            (own.x0 - around.x0) / dpi,
            (around.x1 - own.x1) / dpi,
            (own.y0 - around.y0) / dpi,
            (around.y1 - own.y1) / dpi,
        )

    def thin_ticks(self, ruler: Ruler) -> bool:
        """Leave out ticks until their labels do not overlap; return whether they don't."""
        if self.spatial or not self.axes.axison:
            return True
        sides = [(self.axes.xaxis, 0), *((one.yaxis, 1) for one in (self.axes, *self.twins))]
        clear = [_thinned(axis, along, ruler) for axis, along in sides]
        return all(clear)

    @property
    def intervals(self) -> tuple[Any, Any]:
        """The locators of both axes."""
        return self.axes.xaxis.get_major_locator(), self.axes.yaxis.get_major_locator()

    def _show_heading(self, shown: bool) -> None:
        self.axes.title.set_visible(shown)
        self._note.set_visible(shown and bool(self._note.get_text()))


def own_shape(axes: Any) -> float | None:
    """Return height over width of axes that have a shape of their own."""
    if axes.name == "3d":
        return 1.0
    if axes.get_box_aspect() is not None:
        return float(axes.get_box_aspect())
    if axes.get_aspect() != "auto":
        return float(axes.get_aspect()) * float(axes.get_data_ratio())
    return None


def _cube(axes: Any) -> Bbox:
    """Return the extent of a 3-D box on the screen."""
    from mpl_toolkits.mplot3d import proj3d

    ends = np.array([axes.get_xlim3d(), axes.get_ylim3d(), axes.get_zlim3d()])
    corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
    x, y, _ = proj3d.proj_transform(*corners, axes.get_proj())
    places = axes.transData.transform(np.column_stack([x, y]))
    return Bbox([places.min(axis=0), places.max(axis=0)])


def _shown_in_space(axes: Any, renderer: Any) -> list[Bbox]:
    """Return the extents of the texts of 3-D axes, where they were drawn last."""
    found = [axis.get_tightbbox(renderer) for axis in (axes.xaxis, axes.yaxis, axes.zaxis)]
    found += [_text_box(axes, text, renderer) for text in axes.texts if text.get_visible()]
    return [box for box in found if box is not None and np.isfinite(box.bounds).all()]


def _text_box(axes: Any, text: Any, renderer: Any) -> Bbox:
    """Return the extent of a text of 3-D axes, of which matplotlib disregards the projection."""
    from mpl_toolkits.mplot3d import proj3d

    box: Bbox = text.get_window_extent(renderer)
    if not hasattr(text, "get_position_3d"):
        return box
    place = proj3d.proj_transform(*text.get_position_3d(), axes.get_proj())[:2]
    shift = axes.transData.transform(place) - axes.transData.transform(text.get_position())
    return box.translated(*shift)


def _thinned(axis: Any, along: int, ruler: Ruler) -> bool:
    """Take fewer intervals, or fewer of given ticks, until no labels overlap."""
    locator = axis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        most = _kept(axis, "most", locator._nbins)  # type: ignore[attr-defined]
        for intervals in range(most if isinstance(most, int) else MOST_TICKS, 0, -1):
            locator.set_params(nbins=intervals)
            if not _overlap(axis, along, ruler):
                return True
        return False
    if isinstance(locator, FixedLocator):
        places, texts = _kept(axis, "given", _given(axis))
        for stride in (1, 2, 3, 4, 6, 8):
            axis.set_ticks(places[::stride], texts[::stride])
            if not _overlap(axis, along, ruler):
                return True
        return False
    axis.set_minor_formatter(_kept(axis, "minor", axis.get_minor_formatter()))
    if _overlap(axis, along, ruler):
        axis.set_minor_formatter(NullFormatter())
    return not _overlap(axis, along, ruler)


def _kept(axis: Any, name: str, value: Any) -> Any:
    """Return what an axis had when it was first asked for under a name, which is this value."""
    return axis.__dict__.setdefault(f"first_{name}", value)


def _given(axis: Any) -> tuple[list[float], list[str]]:
    """Return the places of ticks, and their labels, within the limits."""
    axis.axes.figure.draw_without_rendering()
    low, high = sorted(axis.get_view_interval())
    pairs = [
        (float(tick.get_loc()), tick.label1.get_text() or tick.label2.get_text())
        for tick in axis.get_major_ticks()
        if low <= tick.get_loc() <= high
    ]
    return [place for place, _ in pairs], [text for _, text in pairs]


def _overlap(axis: Any, along: int, ruler: Ruler) -> bool:
    shown = axis.get_tick_params()
    if not any(shown.get(f"label{side}") for side in ("bottom", "top", "left", "right")):
        return False
    renderer = ruler.renderer
    axis.get_tightbbox(renderer)  # updates the ticks
    low, high = sorted(axis.get_view_interval())
    boxes = [
        label.get_window_extent(renderer)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if label.get_visible() and label.get_text() and low <= tick.get_loc() <= high
    ]
    ends = sorted((box.intervalx if along == 0 else box.intervaly).tolist() for box in boxes)
    space = pt(TICK_SPACE) * axis.axes.figure.dpi / 72 * (along == 0)
    return any(second[0] < first[1] + space for first, second in pairwise(ends))
