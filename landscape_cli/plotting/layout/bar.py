"""Colour bars beside or below panels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.cm import ScalarMappable
from matplotlib.transforms import Bbox

from landscape_cli.plotting.layout import ticks
from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.layout.tick_labels import write_plainly
from landscape_cli.plotting.style import pt, text_scale

BAR_LENGTH = 0.8
"""Length of a colour bar below the panels, or beside 3-D boxes, as a part of theirs."""

THICKNESS, SPACE = 0.13, 0.1
"""Thickness of a colour bar, and its distance from the panels, in inches."""


class Bar:
    """A colour bar of panels.

    Args:
        figure: the figure.
        mappable: what the bar explains.
        label: its label.
        tick: sets the ticks of a bar, which may be horizontal.
        options: of ``Figure.colorbar``.
    """

    def __init__(
        self,
        figure: Any,
        mappable: ScalarMappable,
        label: str,
        tick: Callable[[Any, bool], None],
        **options: Any,
    ) -> None:
        self._figure, self._mappable, self._label = figure, mappable, label
        self._tick, self._options = tick, options
        self._axes: dict[bool, Any] = {}
        self._bars: dict[bool, Any] = {}

    def show(self, below: bool) -> Any:
        """Return the axes of the horizontal or the vertical bar, and hide the other."""
        if below not in self._axes:
            axes = self._figure.add_axes((0.1, 0.1, 0.5, 0.05) if below else (0.9, 0.1, 0.05, 0.8))
            where = "horizontal" if below else "vertical"
            bar = self._figure.colorbar(
                self._mappable, cax=axes, orientation=where, label=self._label, **self._options
            )
            self._tick(bar, below)
            write_plainly(axes)
            self._axes[below], self._bars[below] = axes, bar
        for side, axes in self._axes.items():
            axes.set_visible(side == below)
        return self._axes[below]

    def drop_hidden(self) -> None:
        """Remove the bar that is not shown."""
        for side in [side for side, axes in self._axes.items() if not axes.get_visible()]:
            self._figure.delaxes(self._axes.pop(side))

    def breadth(self, below: bool, length: float, ruler: Ruler) -> float:
        """Return the room that a bar of some length takes, without the space beside it."""
        axes, (across, up) = self.show(below), self._figure.get_size_inches()
        thick = THICKNESS * text_scale()
        size = (length / across, thick / up) if below else (thick / across, length / up)
        axes.set_position((0.1, 0.1, *size))
        label = axes.xaxis.label if below else axes.yaxis.label
        label.set_text(ruler.wrap(self._label, label.get_fontsize(), length + 0.1))
        axis = axes.xaxis if below else axes.yaxis
        ticks.thin_ticks(axis, ruler)
        around = Bbox.union(ticks.extent(axis, ruler))
        return float(thick - around.y0 if below else around.x1)

    def place(self, below: bool, left: float, bottom: float, length: float) -> None:
        """Set the place of the bar in inches."""
        axes, (across, up) = self.show(below), self._figure.get_size_inches()
        thick = THICKNESS * text_scale()
        size = (length / across, thick / up) if below else (thick / across, length / up)
        axes.set_position((left / across, bottom / up, *size))


def gap() -> float:
    """Return the distance of a bar from the panels in inches."""
    return SPACE * pt(1)
