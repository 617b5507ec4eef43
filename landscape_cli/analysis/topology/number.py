"""Topology: minima, the saddles between them and their basins, pieces of {L <= c}, maxima."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.basin import level_of
from landscape_cli.analysis.field import Field, Options, UnknownError
from landscape_cli.topology.descent import NONE
from landscape_cli.topology.extrema import Extrema, find_extrema
from landscape_cli.topology.neighbours import NEIGHBOURS
from landscape_cli.topology.significance import ERRORS

Values = NDArray[np.float64]

MOST = 200
"""Maximum number of minima, and of maxima, that are listed."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute the merge trees of sublevel and superlevel sets, for each kind of neighbourhood.

    Points without a value separate their neighbours. An extremum is significant if its persistence
    is at least a fraction of the range, not below the error of interpolation, and four standard
    errors; see ``topology.significance``.

    Raises:
        UnknownError: if no value is finite, or their range is not.
    """
    known = np.isfinite(field.values)
    if not known.any():
        raise UnknownError("there is no finite value")
    if not np.isfinite(float(field.values[known].max()) - float(field.values[known].min())):
        raise UnknownError("the range of values is too large for a number")
    kinds = NEIGHBOURS[field.values.ndim][::-1]
    trees = {count: _minima_and_maxima(field, count, options) for count in kinds}
    threshold = trees[kinds[0]][0].threshold
    return {
        "scale": "log" if threshold.log else "linear",
        "fraction": threshold.fraction,
        "threshold": threshold.height,
        "errors": ERRORS if _has_errors(field) else None,
        "points": int(known.sum()),
        "left_out": int((~known).sum()),
        "neighbours": {
            str(count): _of_neighbourhood(field, options, *pair) for count, pair in trees.items()
        },
    }


def _has_errors(field: Field) -> bool:
    return field.stderr is not None and bool(np.isfinite(field.stderr).any())


def _minima_and_maxima(field: Field, neighbours: int, options: Options) -> tuple[Extrema, Extrema]:
    fraction = max(options.persistence, field.interpolation_error)
    lowest, highest = (
        find_extrema(field.values, neighbours, field.stderr, fraction, sign) for sign in (1, -1)
    )
    return lowest, highest


def _of_neighbourhood(
    field: Field, options: Options, minima: Extrema, maxima: Extrema
) -> dict[str, Any]:
    volumes = cell_volumes(field)
    extent = float(np.nanmax(field.values) - np.nanmin(field.values))
    smad = minima.smad()
    return {
        "minima": _list(field, minima, volumes),
        "maxima": _list(field, maxima, volumes),
        "sublevel": _sublevel(field, options, minima, volumes),
        "smad": smad,
        "smad_relative": smad / extent if extent > 0 else 0.0,
        "smad_weighted": minima.smad(volumes / volumes.sum()),
    }


def cell_volumes(field: Field) -> Values:
    """Return the length, area or volume of the cell around each point, cut off at the edges."""
    widths = []
    for axis in field.axes.values():
        edges = np.concatenate([axis[:1], (axis[:-1] + axis[1:]) / 2, axis[-1:]])
        widths.append(np.diff(edges))
    return np.asarray(reduce(np.multiply.outer, widths[::-1]))


def _sublevel(
    field: Field, options: Options, minima: Extrema, volumes: Values
) -> dict[str, Any] | None:
    """Count the pieces of {L <= c}; None if c follows from the centre, which has no value."""
    try:
        level = level_of(field, options)
    except UnknownError:
        return None
    pieces = minima.tree.pieces(level)
    inside = field.values <= level
    return {
        "level": level,
        "pieces": int(pieces.sum()),
        "significant": int((pieces & minima.significant).sum()),
        "share": float(volumes[inside].sum() / volumes.sum()),
    }


def _list(field: Field, found: Extrema, volumes: Values) -> dict[str, Any]:
    """Describe the significant extrema, those of the largest persistence first."""
    numbers = found.order
    ranks = {number: rank for rank, number in enumerate(numbers.tolist())}
    ended = numbers[~found.tree.endless[numbers]]
    return {
        "count": len(numbers),
        "all": len(found.tree.minima),
        "largest": float(found.tree.persistence[ended].max()) if len(ended) else None,
        "list": [_entry(field, found, ranks, number, volumes) for number in list(ranks)[:MOST]],
    }


def _entry(
    field: Field, found: Extrema, ranks: Mapping[int, int], number: int, volumes: Values
) -> dict[str, Any]:
    place, saddle = int(found.tree.minima[number]), int(found.tree.saddles[number])
    region = found.basins == number
    ended = saddle != NONE
    places = [place, saddle] if ended else [place]
    return {
        "at": _coordinates(field, place),
        "value": float(found.values[number]),
        "persistence": float(found.tree.persistence[number]) if ended else None,
        "saddle": _coordinates(field, saddle) if ended else None,
        "saddle_value": float(found.ends[number]) if ended else None,
        "into": ranks[int(found.tree.parents[number])] if ended else None,
        "points": int(region.sum()),
        "area": float(volumes[region].sum()),
        "share": float(volumes[region].sum() / volumes.sum()),
        "edge": _on_edge(field, place),
        "interpolated": not bool(field.computed.ravel()[places].all()),
    }


def _coordinates(field: Field, place: int) -> list[float]:
    index = np.unravel_index(place, field.values.shape)[::-1]
    pairs = zip(field.axes.items(), index, strict=True)
    return [float(axis[at]) + field.origin.get(name, 0.0) for (name, axis), at in pairs]


def _on_edge(field: Field, place: int) -> bool:
    """Return whether a point has less than all neighbours: at the grid's edge, or beside a gap."""
    shape = field.values.shape
    index = np.unravel_index(place, shape)
    if any(at in (0, size - 1) for at, size in zip(index, shape, strict=True)):
        return True
    window = tuple(slice(int(at) - 1, int(at) + 2) for at in index)
    return not bool(np.isfinite(field.values[window]).all())
