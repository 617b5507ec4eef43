"""Surfaces of several repeats: one of them alone, their mean, and how far they are apart."""

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

Values = NDArray[np.float64]

WORST_FIRST = (Status.TODO, Status.FAILED, Status.NOT_FINITE, Status.INTERPOLATED, Status.OK)
"""What a mean's point is if it is so in any repeat; the first that applies."""

PLACES = ("checkpoints", "trajectory")
"""What a provenance says of places on the first repeat's slice."""


def key_of(repeat: int, axis: str) -> str:
    """What a direction of a repeat is called, ``x`` in the first and ``repeat1/x`` in the second.

    Hashes, labels and the groups of the directions file go by this name.
    """
    return axis if repeat == 0 else f"repeat{repeat}/{axis}"


def one_repeat(surface: Surface, number: int) -> Surface:
    """One repeat as a surface of its own, whose arrays are parts of the whole one's.

    Its provenance says of each axis what is known of that repeat's direction.

    Args:
        surface: any surface; one without repeats has repeat 0 alone, itself.
        number: which repeat, from 0 on.

    Raises:
        UsageError: if there is no such repeat.
    """
    repeats = surface.grid.repeats
    if not 0 <= number < repeats:
        raise UsageError(f"repeat {number}: there are {repeats}, numbered from 0 on")
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
    )


def mean_surface(surface: Surface) -> Surface:
    """The mean over the repeats, without standard errors.

    A point is computed where it is in every repeat, and finite where it is in every one.
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
    )


def mean_over_repeats(values: Values) -> Values:
    """The mean over the first dimension; not finite where one of the values is not."""
    with np.errstate(invalid="ignore", over="ignore"):
        mean: Values = values.mean(axis=0)
    return mean


def deviation_over_repeats(values: Values) -> Values:
    """The standard deviation over the first dimension, of n - 1 degrees of freedom.

    It is NaN where less than two values are finite; those that are not finite are left out.
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # points with no or one finite value
        deviation: Values = np.nanstd(finite, axis=0, ddof=1)
    return deviation


def spread(surface: Surface, key: Quantity) -> dict[str, Any]:
    """How far a quantity's repeats are apart, in its own unit.

    Returns:
        The ``mean`` over the points, and the ``largest``, of the standard deviation over repeats,
        and where that is largest, ``largest_at``; over the points that are finite in all repeats,
        ``points`` in number, and None where there is none.
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
    """The provenance without what is placed by coordinates, which are those of the first repeat."""
    return {key: fact for key, fact in surface.provenance.items() if key not in PLACES}


def _facts_of(surface: Surface, number: int) -> dict[str, Any]:
    """The provenance, with the directions of one repeat under the axes' plain names."""
    facts = dict(surface.provenance) if number == 0 else _without_places(surface)
    directions = facts.get("directions")
    if isinstance(directions, Mapping):
        known = {axis: directions.get(key_of(number, axis)) for axis in surface.grid.names}
        facts["directions"] = {axis: fact for axis, fact in known.items() if fact is not None}
    return facts
