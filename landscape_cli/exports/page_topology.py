"""Minima, saddles and basins of a plane for an interactive page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.presentation import PERCENT
from landscape_cli.topology.descent import NONE
from landscape_cli.topology.extrema import Extrema, find_extrema
from landscape_cli.topology.significance import PERSISTENCE

Floats = NDArray[np.float64]

NEIGHBOURS = 8
"""Neighbours of a point."""

MOST = 200
"""Maximum number of minima that a page has, so that their numbers fit into a byte."""

NO_BASIN = 255
"""Number in the array of basins that stands for none of the listed minima."""


def topology_of(
    values: Floats,
    stderr: Floats | None,
    quantity: str,
    axes: Mapping[str, Floats],
    fraction: float = PERSISTENCE,
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Find the minima of a plane; the maxima if more of the quantity is better.

    Args:
        values: as shown, of shape (ny, nx); NaN where missing.
        stderr: their standard errors; None if unknown.
        quantity: its name.
        axes: coordinates x and y.
        fraction: least persistence, as a fraction of the range.

    Returns:
        ``word``; ``fraction``; ``log``, whether persistence is compared on that scale; and ``list``
        with ``x``,
        ``y``, ``value``, ``share`` of the points, and ``saddle``, which is null or has ``x``, ``y``
        and ``value``. Then the place in that list of the minimum to whose basin each point belongs,
        of the values' shape.
    """
    sign = -1 if quantity in PERCENT else 1
    found = find_extrema(values, NEIGHBOURS, stderr, fraction, sign)
    numbers = found.order[:MOST].tolist()
    places = np.full(len(found.tree.minima) + 1, NO_BASIN)
    places[numbers] = np.arange(len(numbers))
    places[NONE] = NO_BASIN
    known = int(np.isfinite(values).sum())
    entries = [_entry(found, number, axes, known) for number in numbers]
    word = "minimum" if sign > 0 else "maximum"
    about = {"word": word, "log": found.threshold.log, "fraction": fraction, "list": entries}
    return about, places[found.basins].astype(np.uint8)


def _entry(found: Extrema, number: int, axes: Mapping[str, Floats], known: int) -> dict[str, Any]:
    saddle = None
    if not found.tree.endless[number]:
        value = float(found.ends[number])
        saddle = {**_place(found, int(found.tree.saddles[number]), axes), "value": value}
    return {
        **_place(found, int(found.tree.minima[number]), axes),
        "value": float(found.values[number]),
        "share": int((found.basins == number).sum()) / known,
        "saddle": saddle,
    }


def _place(found: Extrema, index: int, axes: Mapping[str, Floats]) -> dict[str, float]:
    row, column = np.unravel_index(index, found.basins.shape)
    return {"x": float(axes["x"][column]), "y": float(axes["y"][row])}
