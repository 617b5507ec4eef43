"""Extremes and means along a curve between two networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, MeaninglessError, Options, UnknownError, Values

READING = (
    "The extremes and means of the loss along the curve: a maximum close to the values at its "
    "ends means that they are connected by low loss. It holds for the computed points and this "
    "split, and says nothing about networks beside the curve."
)
"""Explanation of the numbers to a reader of a report."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute the extremes along a curve, its means over t and over its length, and its lengths.

    The means are integrals by the trapezoidal rule between the grid's points: over t, the loss that
    `landscape connect` minimizes (Garipov et al. 2018, eq. 2); over the length, their eq. 1.

    Raises:
        MeaninglessError: if the surface is not along a curve.
        UnknownError: if fewer than two points of the curve have a value.
    """
    if field.curve is None:
        raise MeaninglessError("the surface is not along a curve")
    t = field.axes["x"] + field.start
    known = np.isfinite(field.values) & (t >= 0) & (t <= 1)
    if known.sum() < 2:
        raise UnknownError("fewer than two points of the curve have a value")
    t, values = t[known], field.values[known]
    lengths = field.curve.lengths(t)
    return {
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "at": float(t[values.argmax()]),
        "mean": _mean(t, values),
        "mean_over_length": _mean(lengths, values),
        "length": field.curve.length,
        "straight": field.curve.straight,
        "points": int(known.size),
        "left_out": int((~known).sum()),
    }


def text(numbers: dict[str, Any]) -> list[str]:
    """Format two lines."""
    out = f" ({numbers['left_out']:g} of {numbers['points']:g} points left out)"
    return [
        f"from {numbers['minimum']:.6g} to {numbers['maximum']:.6g} at t = {numbers['at']:.3g}; "
        f"mean {numbers['mean']:.6g}, over its length {numbers['mean_over_length']:.6g}"
        f"{out if numbers['left_out'] > 0 else ''}",
        f"length {numbers['length']:.6g}, its ends {numbers['straight']:.6g} apart",
    ]


def _mean(places: Values, values: Values) -> float:
    """Return the mean of values at ascending places, between which they are linear.

    If all are one place, as on a curve without length, it is the mean of the values.
    """
    if not places[-1] > places[0]:
        return float(values.mean())
    areas = (values[1:] + values[:-1]) / 2 * np.diff(places)
    return float(areas.sum() / (places[-1] - places[0]))
