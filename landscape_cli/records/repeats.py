"""Surfaces with repeats: extract one, average them, quantify their spread."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Grid
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.records.trajectory import OTHERS

Values = NDArray[np.float64]

WORST_FIRST = (Status.TODO, Status.FAILED, Status.NOT_FINITE, Status.INTERPOLATED, Status.OK)
"""Status precedence when averaging repeats, worst first."""

PLACES = ("checkpoints", "trajectory", OTHERS)
"""Provenance keys with coordinates on the first repeat's slice."""


def key_of(repeat: int, axis: str) -> str:
    """Return the name of a repeat's direction: ``x`` in the first, ``repeat1/x`` in the second.

    Hashes, labels and the groups of the directions file use these names.
    """
    return axis if repeat == 0 else f"repeat{repeat}/{axis}"


def one_repeat(surface: Surface, number: int) -> Surface:
    """Extract one repeat as a surface of its own, whose arrays are views of the original's.

    Its provenance lists that repeat's directions under the plain names of the axes.

    Args:
        surface: any surface; without repeats it is its own repeat 0.
        number: the repeat's number, starting at 0.

    Raises:
        UsageError: if there is no such repeat.
    """
    repeats = surface.grid.repeats
    if not 0 <= number < repeats:
        raise UsageError(f"repeat {number}: there are {repeats}, numbered from 0")
    if not surface.grid.repeated:
        return surface
    return replace(
        surface,
        grid=Grid(surface.grid.axes),
        values={key: array[number] for key, array in surface.values.items()},
        stderr={key: array[number] for key, array in surface.stderr.items()},
        status=surface.status[number],
        seconds=surface.seconds[number],
        rank=surface.rank[number],
        provenance=_facts_of(surface, number),
        samples={split: array[number] for split, array in surface.samples.items()},
    )


def mean_surface(surface: Surface) -> Surface:
    """Average a surface over its repeats, without standard errors.

    A point counts as computed, and as finite, only if it is so in every repeat.
    """
    if not surface.grid.repeated:
        return surface
    status = np.full(surface.status.shape[1:], Status.OK, np.uint8)
    for kind in WORST_FIRST[::-1]:
        status[(surface.status == kind).any(axis=0)] = kind
    return replace(
        surface,
        grid=Grid(surface.grid.axes),
        values={key: mean_over_repeats(array) for key, array in surface.values.items()},
        stderr={},
        status=status,
        seconds=surface.seconds.sum(axis=0),
        rank=np.full(status.shape, -1, np.int32),
        provenance=_without_places(surface),
        samples={},
    )


def mean_over_repeats(values: Values) -> Values:
    """Return the mean over the first dimension; not finite where any of the values is not."""
    with np.errstate(invalid="ignore", over="ignore"):
        mean: Values = values.mean(axis=0)
    return mean


def deviation_over_repeats(values: Values) -> Values:
    """Return the standard deviation over the first dimension, with n - 1 degrees of freedom.

    Values that are not finite are left out; the result is NaN where fewer than two are finite.
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # fewer than two finite values
        deviation: Values = np.nanstd(finite, axis=0, ddof=1)
    return deviation


def spread(surface: Surface, key: Quantity) -> dict[str, Any]:
    """Quantify how much a quantity differs between repeats, in the quantity's unit.

    Returns:
        ``mean`` and ``largest``, the mean and maximum over the grid of the standard deviation
        between repeats; ``largest_at``, the coordinates of that maximum; ``points``, the number of
        points that are finite in all repeats, which alone are used. The first three are None if
        there are no such points.
    """
    values = surface.values[key]
    deviation = deviation_over_repeats(values).ravel()
    known = np.isfinite(values).all(axis=0).ravel() & np.isfinite(deviation)
    points = np.flatnonzero(known)
    if not len(points):
        return {"mean": None, "largest": None, "largest_at": None, "points": 0}
    worst = int(points[deviation[points].argmax()])
    return {
        "mean": float(deviation[points].mean()),
        "largest": float(deviation[worst]),
        "largest_at": list(Grid(surface.grid.axes).coordinates([worst])[0]),
        "points": len(points),
    }


def _without_places(surface: Surface) -> dict[str, Any]:
    """Return the provenance without the coordinates on the first repeat's slice."""
    return {key: fact for key, fact in surface.provenance.items() if key not in PLACES}


def _facts_of(surface: Surface, number: int) -> dict[str, Any]:
    """Return the provenance with one repeat's directions under the plain names of the axes."""
    facts = dict(surface.provenance) if number == 0 else _without_places(surface)
    directions = facts.get("directions")
    if isinstance(directions, Mapping):
        known = {axis: directions.get(key_of(number, axis)) for axis in surface.grid.names}
        facts["directions"] = {axis: fact for axis, fact in known.items() if fact is not None}
    return facts
