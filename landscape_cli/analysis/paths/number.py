"""Angles between a training's steps and the contours that they cross, and losses off the plane.

Li et al. 2018, section 7: with small batches and large learning rates, paths turn nearly parallel
to the contours until the learning rate drops.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from landscape_cli.analysis.field import (
    Field,
    MeaninglessError,
    Options,
    PathOver,
    UnknownError,
    Values,
)
from landscape_cli.records.dynamics.path_summary import mean_and_error
from landscape_cli.records.dynamics.phases import Phase, phases

READING = (
    "The angle between the training's steps and the gradient of the slice where they start: |cos| "
    "near 1 means steps straight up or down the slope, near 0 steps along the contours. In a "
    "plane of principal components the path looks smoother than it is, and what the training did "
    "off the plane is not seen."
)
"""Explanation of the numbers to a reader of a report."""

RANDOM = 2 / math.pi
"""Mean |cosine| between a fixed direction in a plane and one that is uniformly random."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute |cos| of the angle between steps and the contours' normals, by learning rate.

    A step leads from one checkpoint's projection to the next. The normal is the gradient of the
    values, from differences of neighbouring points, interpolated at the step's start. Both are
    vectors of the parameter space: directions need be neither orthogonal nor of equal length.

    Raises:
        MeaninglessError: if the surface has no path.
        UnknownError: if no step begins within the grid.
    """
    if not field.paths or len(field.axes) != 2:
        raise MeaninglessError("no path lies over the surface")
    if field.metric is None:
        raise UnknownError("the lengths of the plane's directions are not recorded")
    gradient = _gradient(field)
    found = [_of_path(field, over, gradient, field.metric) for over in field.paths]
    if not any(phase["steps"] for one in found for phase in one["phases"]):
        raise UnknownError("no step of a path begins where the surface has values")
    return {"random": RANDOM, "paths": found}


def text(numbers: dict[str, Any]) -> list[str]:
    """Format a line for each phase, one for random directions, and one for losses off the plane."""
    lines = []
    for one in numbers["paths"]:
        head = f"{one['name']}, " if one["name"] else ""
        lines += [f"{head}{_phase_text(phase)}" for phase in one["phases"]]
        if (off := one["off"]) is not None:
            lines.append(
                f"{head}own values minus the plane's: mean {off['mean']:.4g}, largest by size "
                f"{off['largest']:.4g} ({off['at']})"
            )
    return [*lines, f"|cos| of random directions in the plane: {numbers['random']:.3g}"]


def _phase_text(phase: dict[str, Any]) -> str:
    count = f"{phase['steps']:g} step{'s' * (phase['steps'] != 1)}"
    if phase["outside"]:
        count += f", {phase['outside']:g} more outside or at rest"
    if phase["mean"] is None:
        return f"{phase['phase']}: unknown ({count})"
    error = "" if phase["stderr"] is None else f" \N{PLUS-MINUS SIGN} {phase['stderr']:.1g}"
    return (
        f"{phase['phase']}: |cos| of steps and contour normals {phase['mean']:.3g}{error}, "
        f"downhill {phase['downhill']:.3g} ({count})"
    )


def _gradient(field: Field) -> RegularGridInterpolator:
    """Return the derivatives of the values by x and y, interpolated bilinearly."""
    x, y = field.axes.values()
    along = [
        np.gradient(field.values, axis, axis=place, edge_order=2 if len(axis) > 2 else 1)
        for place, axis in ((1, x), (0, y))
    ]
    return RegularGridInterpolator((y, x), np.stack(along, axis=-1), bounds_error=False)


def _of_path(
    field: Field, over: PathOver, gradient: RegularGridInterpolator, metric: Values
) -> dict[str, Any]:
    path = over.path
    places = path.coordinates - np.array([field.origin.get(axis, 0.0) for axis in field.axes])
    cosines = _cosines(places, gradient(places[:-1, ::-1]), metric)
    return {
        "name": path.name,
        "phases": [
            _of_phase(phase, cosines[phase.steps.start : phase.steps.stop])
            for phase in phases(len(places), path.learning_rates)
        ],
        "off": _off(field, over, places),
    }


def _cosines(places: Values, gradients: Values, metric: Values) -> Values:
    """Return cosines of steps and negative gradients in parameter space, of shape (n - 1,).

    Args:
        places: coordinates of shape (n, 2).
        gradients: derivatives by these, of shape (n - 1, 2), NaN where unknown.
        metric: inner products of the directions, of shape (2, 2).
    """
    steps = np.diff(places, axis=0)
    lengths = np.sqrt(np.einsum("ni,ij,nj->n", steps, metric, steps))
    norms = np.sqrt(np.einsum("ni,ij,nj->n", gradients, np.linalg.inv(metric), gradients))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines: Values = -(steps * gradients).sum(axis=1) / (lengths * norms)
    return cosines


def _of_phase(phase: Phase, cosines: Values) -> dict[str, Any]:
    mean, error, count = mean_and_error(np.abs(cosines))
    return {
        "phase": phase.words(),
        "learning_rates": None if phase.rates is None else list(phase.rates),
        "steps": count,
        "outside": len(cosines) - count,
        "mean": mean if count else None,
        "stderr": error if count > 1 else None,
        "downhill": mean_and_error(cosines)[0] if count else None,
    }


def _off(field: Field, over: PathOver, places: Values) -> dict[str, Any] | None:
    """Compare checkpoints' own values with those at their projections."""
    if over.own is None:
        return None
    x, y = field.axes.values()
    at = RegularGridInterpolator((y, x), field.values, bounds_error=False)
    with np.errstate(invalid="ignore"):
        off = over.own - at(places[:, ::-1])
    known = np.isfinite(off)
    if not known.any():
        return None
    place = int(np.nanargmax(np.abs(np.where(known, off, np.nan))))
    return {
        "mean": float(off[known].mean()),
        "largest": float(off[place]),
        "at": over.path.labels[place],
        "checkpoints": int(known.sum()),
    }
