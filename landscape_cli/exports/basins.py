"""Basins of a surface as an array of numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.presentation import PERCENT, fact
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.refinement.summary import largest_error
from landscape_cli.topology.descent import NONE
from landscape_cli.topology.extrema import find_extrema
from landscape_cli.topology.neighbours import NEIGHBOURS
from landscape_cli.topology.significance import PERSISTENCE


def basin_numbers(surface: Surface, key: Quantity) -> NDArray[np.int32]:
    """Return the place of each point's minimum among those that ``landscape describe`` lists.

    Basins are those of maxima for an accuracy, with as many neighbours as a point can have.

    Returns:
        Numbers from 0 on, of the grid's shape. ``NONE`` for points without a value, and for those
        that are not on the finest level that is complete in all repeats.
    """
    names, level = surface.grid.names, surface.level
    basins = np.full((surface.grid.repeats, *surface.status.shape[-len(names) :]), NONE, np.int32)
    if level is not None:
        values, status = surface.values[key], surface.status
        stderr = surface.stderr.get(key, np.full_like(values, np.nan))
        places = np.ix_(*(level[name] for name in names[::-1]))
        arrays = (array.reshape(basins.shape) for array in (values, status, stderr))
        error = largest_error(fact(surface.provenance, "adaptive"), *key)
        for own, value, state, errors in zip(basins, *arrays, strict=True):
            known = np.where(state == Status.FAILED, np.nan, value)[places]
            own[places] = _numbers(known, errors[places], key, max(PERSISTENCE, error))
    return basins.reshape(surface.status.shape)


def _numbers(
    values: NDArray[np.float64], stderr: NDArray[np.float64], key: Quantity, fraction: float
) -> NDArray[np.int64]:
    sign = -1 if key[1] in PERCENT else 1
    found = find_extrema(values, NEIGHBOURS[values.ndim][-1], stderr, fraction, sign)
    places = np.full(len(found.tree.minima) + 1, NONE)
    places[found.order] = np.arange(len(found.order))
    return np.asarray(places[found.basins])
