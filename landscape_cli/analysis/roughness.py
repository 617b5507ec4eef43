"""Roughness: how far a surface is from smooth at the scale of its grid."""

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


def compute(field: Field, options: Options) -> dict[str, Any]:
    """The residual of a smooth fit, and the total variation, on a log scale where that is due.

    The smooth fit at a point is that of Savitzky & Golay 1964: least squares by quadratics along
    each axis in the 5, 5x5 or 5x5x5 points around, all of which must have been computed. Residuals
    are divided by what the fit takes of them on average, so that their root mean square is the
    standard deviation of white noise.

    Raises:
        UnknownError: if an axis has fewer than 5 points, or no window was computed wholly.
    """
    if min(field.values.shape) < SIZE:
        raise UnknownError(f"each axis must have {SIZE} points")
    values, scale = field.on_due_scale(field.values)
    residuals = _residuals(field, np.where(field.computed, values, np.nan))
    known = residuals[np.isfinite(residuals)]
    if not known.size:
        raise UnknownError("no window of neighbouring points was computed wholly")
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


def text(found: dict[str, Any]) -> list[str]:
    """Residual, and total variation along each axis."""
    log = " of ln" if found["scale"] == "log" else ""
    out = f", {found['left_out']:g} left out" if found["left_out"] else ""
    words = ", ".join(
        f"{name} {one['mean']:.3f}" + (f" ({one['left_out']:g} lines left out)" * (left > 0))
        for name, one in found["total_variation"].items()
        if one["mean"] is not None and (left := one["left_out"]) >= 0
    )
    return [
        f"residual {found['residual']:.3g}{log}, {100 * found['relative']:.3g} % of the range "
        f"({found['points']:g} points{out})",
        f"total variation / range: {words or 'no line is known wholly'}",
    ]


def _residuals(field: Field, values: Values) -> Values:
    """Values less the smooth fit at each inner point, scaled to the deviation of the values."""
    axes = tuple(field.axes.values())[::-1]
    rows = [fit_rows(axis, SIZE, DEGREE)[:, 0] for axis in axes]
    own = reduce(np.multiply.outer, [row[:, SIZE // 2] for row in rows])
    edge = SIZE // 2
    inner = values[(slice(edge, -edge),) * values.ndim]
    return (inner - combine(values, rows)) / np.sqrt(1 - own)


def _variation(values: Values, dimension: int, extent: float) -> dict[str, Any]:
    """The mean over the lines along a dimension of sum |L_i+1 - L_i|, over the range."""
    lines = np.abs(np.diff(values, axis=dimension)).sum(axis=dimension).ravel()
    known = lines[np.isfinite(lines)]
    mean = None
    if known.size:
        mean = float(known.mean()) / extent if extent > 0 else 0.0
    return {"mean": mean, "lines": len(known), "left_out": lines.size - len(known)}
