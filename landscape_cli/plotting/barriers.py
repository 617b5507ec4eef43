"""Matrices of the barriers between networks, one for each way from network to network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.style import colormap, missing_look, pt, style, text_scale
from landscape_cli.plotting.text.labels import plain, shorten
from landscape_cli.records.curves.barriers import ALIGNED, CURVE, STRAIGHT, Barriers, Quantity

TITLES = {STRAIGHT: "straight line", ALIGNED: "aligned, straight line", CURVE: "trained curve"}

CELL, LEAST = 0.62, 2.2
"""Width of a cell in inches at the base font size, and the least width of a matrix."""

DARK = 0.55
"""Above this fraction of the range, colours are so light that numbers on them are dark."""


def draw_barriers(
    barriers: Barriers, quantity: Quantity | None = None, look: str = "paper"
) -> ShownFigure:
    """Draw the matrices of one quantity side by side, on one scale of colours.

    Args:
        barriers: of at least two networks.
        quantity: split and name; the first one if None.
        look: a name in ``STYLES``.

    Raises:
        UsageError: if nothing is known of the quantity.
    """
    known = barriers.quantities
    if not known:
        raise UsageError("barriers: none are known")
    chosen = known[0] if quantity is None else quantity
    if chosen not in known:
        words = ", ".join(" ".join(one) for one in known)
        raise UsageError(f"barriers: there are none of {' '.join(chosen)}, but of {words}")
    ways = [way for way in barriers.ways if chosen in barriers.heights.get(way, {})]
    tables = [barriers.heights[way][chosen] for way in ways]
    with style(look):
        side = max(LEAST, CELL * len(barriers.names)) * text_scale()
        size = (side * len(ways) + 1.6 * text_scale(), side + 0.6 * text_scale())
        figure = ShownFigure(figsize=size, layout="constrained")
        high = max(np.nanmax(np.where(np.isfinite(table), table, np.nan)) for table in tables)
        panels: Any = figure.subplots(1, len(ways), squeeze=False)
        for axes, way, table in zip(panels[0], ways, tables, strict=True):
            image = _paint(axes, table, barriers.names, max(float(high), 1e-12))
            axes.set_title(TITLES.get(way, way))
            if axes is not panels[0][0]:
                axes.set_yticklabels([])
        figure.colorbar(
            image, ax=list(panels[0]), label=f"{chosen[0]} {chosen[1]} barrier", pad=0.02
        )
        return figure


def _paint(axes: Any, table: NDArray[np.float64], names: Sequence[str], high: float) -> Any:
    shown = np.where(np.eye(len(names), dtype=bool), np.nan, table)
    colors = colormap().with_extremes(bad=missing_look()["facecolor"])
    image = axes.imshow(shown, cmap=colors, vmin=0.0, vmax=high)
    for (row, column), value in np.ndenumerate(shown):
        if np.isfinite(value):
            dark = value > DARK * high
            axes.text(
                column,
                row,
                f"{value:.2g}",
                ha="center",
                va="center",
                fontsize=pt(8),
                color="black" if dark else "white",
            )
    texts = [plain(shorten(name, 16)) for name in names]
    axes.set_xticks(range(len(names)), texts, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), texts)
    axes.tick_params(length=0)
    return image
