"""Roughness: the deviation of a surface from a smooth one at the scale of its grid."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.analysis.field import Field, Options, UnknownError
from landscape_cli.analysis.local_polynomials import combine, fit_rows

Values = NDArray[np.float64]

SIZE, DEGREE = 5, 2
"""Points along each axis of the window of the smooth fit, and the degree of its polynomials."""


READING = (
    "The residual is what a smooth fit leaves over, and the total variation how far values go up "
    "and down along a line: 1 if they only rise or only fall over the whole range, 2 for a single "
    "valley as deep as the range. Large values mean structure between neighbouring points, which "
    "may turn out to be smooth on a finer grid."
)
"""Explanation of the numbers to a reader of a report."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute the residual of a smooth fit, and the total variation, on a suitable scale.

    The smooth fit at a point follows Savitzky & Golay 1964: least-squares quadratics along each
    axis in the 5, 5x5 or 5x5x5 points around, all of which must have been computed. Residuals are
    rescaled to make up for the noise that the fit follows, so that for white noise their root mean
    square is its standard deviation. The scale is that of ``Field.on_suitable_scale``.

    Raises:
        UnknownError: if an axis has fewer than 5 points, or no window was computed completely.
    """
    if min(field.values.shape) < SIZE:
        raise UnknownError(f"each axis must have at least {SIZE} points")
    values, scale = field.on_suitable_scale(field.values)
    residuals = _residuals(field, np.where(field.computed, values, np.nan))
    known = residuals[np.isfinite(residuals)]
    if not known.size:
        raise UnknownError("no window of neighbouring points was computed completely")
    residual = math.sqrt(np.mean(known**2))
    finite = values[np.isfinite(values)]
    extent = float(finite.max() - finite.min())
    variations = {
        name: _variation(values, values.ndim - 1 - number, extent)
        for number, name in enumerate(field.names)
    }
    return {
        "scale": scale,
        "residual": residual,
        "relative": residual / extent if extent > 0 else 0.0,
        "points": len(known),
        "left_out": residuals.size - len(known),
        "total_variation": variations,
    }


def text(numbers: dict[str, Any]) -> list[str]:
    """Format the residual, and the total variation along each axis."""
    log = " of ln" if numbers["scale"] == "log" else ""
    out = f", {numbers['left_out']:g} left out" if numbers["left_out"] else ""
    variations = []
    for name, along in numbers["total_variation"].items():
        if along["mean"] is not None:
            left_out = f" ({along['left_out']:g} lines left out)" * (along["left_out"] > 0)
            variations.append(f"{name} {along['mean']:.3f}{left_out}")
    return [
        f"residual {numbers['residual']:.3g}{log}, {100 * numbers['relative']:.3g} % of the range "
        f"({numbers['points']:g} points{out})",
        f"total variation / range: {', '.join(variations) or 'no line is complete'}",
    ]


def _residuals(field: Field, values: Values) -> Values:
    """Return values minus the smooth fit at each inner point, rescaled as in ``compute``."""
    axes = tuple(field.axes.values())[::-1]
    rows = [fit_rows(axis, SIZE, DEGREE)[:, 0] for axis in axes]
    own = reduce(np.multiply.outer, [row[:, SIZE // 2] for row in rows])
    edge = SIZE // 2
    inner = values[(slice(edge, -edge),) * values.ndim]
    return (inner - combine(values, rows)) / np.sqrt(1 - own)


def _variation(values: Values, dimension: int, extent: float) -> dict[str, Any]:
    """Average sum |L_i+1 - L_i| over the complete lines along a dimension, divided by the range."""
    lines = np.abs(np.diff(values, axis=dimension)).sum(axis=dimension).ravel()
    known = lines[np.isfinite(lines)]
    mean = None
    if known.size:
        mean = float(known.mean()) / extent if extent > 0 else 0.0
    return {"mean": mean, "lines": len(known), "left_out": lines.size - len(known)}
