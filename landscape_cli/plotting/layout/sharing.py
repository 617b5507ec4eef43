"""Axes of a grid of panels that share their labels, which are written at the outer edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from landscape_cli.plotting.layout.cell import Cell


def share_labels(cells: Sequence[Cell], places: Sequence[tuple[int, int]]) -> None:
    """Hide the labels of inner panels that those at the left and lower edges have too.

    Labels of ticks are hidden where the limits are the same as well.

    Args:
        cells: the panels.
        places: the row and column of each.
    """
    flat = [cell for cell in cells if not cell.spatial and cell.axes.axison]
    texts = [{getattr(cell, f"{name}label") for cell in flat} for name in "xy"]
    rows: dict[int, int] = {}
    for row, column in places:
        rows[column] = max(row, rows.get(column, 0))
    ends = {row: max(c for r, c in places if r == row) for row, _ in places}
    for cell, (row, column) in zip(cells, places, strict=True):
        if cell not in flat:
            continue
        outer = row == rows[column], column == 0
        for name, edge, words in zip("xy", outer, texts, strict=True):
            shown = edge or len(words) > 1
            axis = getattr(cell.axes, f"{name}axis")
            axis.label.set_visible(shown)
            ticked = shown or not _same_limits(flat, name)
            axis.set_tick_params(**{("labelbottom" if name == "x" else "labelleft"): ticked})
            axis.offsetText.set_visible(ticked)
        for twin in cell.twins:
            last = column == ends[row]
            twin.yaxis.label.set_visible(last)
            twin.yaxis.set_tick_params(labelright=last)


def same_intervals(cells: Sequence[Cell]) -> None:
    """Give the axes of panels as many intervals between ticks as those with the fewest."""
    for along in (0, 1):
        locators = [cell.intervals[along] for cell in cells if not cell.spatial]
        counted = [one for one in locators if isinstance(one, MaxNLocator)]
        numbers = [one._nbins for one in counted]  # type: ignore[attr-defined]
        known = [number for number in numbers if isinstance(number, int)]
        for locator in counted:
            if known:
                locator.set_params(nbins=min(known))


def _same_limits(cells: Sequence[Cell], name: str) -> bool:
    """Return whether panels have the same limits and scale along an axis."""
    first: Any = None
    for cell in cells:
        found = getattr(cell.axes, f"get_{name}lim")(), getattr(cell.axes, f"get_{name}scale")()
        if first is None:
            first = found
        if found[1] != first[1] or not np.allclose(found[0], first[0], rtol=1e-9, atol=0):
            return False
    return True
