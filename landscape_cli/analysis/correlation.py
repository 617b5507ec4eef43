"""Correlation of the axes: 0 for each pair if they are principal axes of the surface."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, MeaninglessError, Options, UnknownError
from landscape_cli.analysis.quadratic import Fit, fit_centre

READING = (
    "The tilt of the basin against the axes: 0 if these are its principal axes, close to 1 or -1 "
    "if a narrow valley runs between them. It describes the two directions, not the network, and "
    "is usually small between random ones."
)
"""Explanation of the numbers to a reader of a report."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute H_xy / sqrt(H_xx H_yy), with its standard error, for each pair of axes.

    H is the Hessian fitted around the centre.

    Raises:
        MeaninglessError: if there is only one axis.
        UnknownError: if there are too few points, or no pair has two positive curvatures.
    """
    if len(field.axes) < 2:
        raise MeaninglessError("there is only one axis")
    fit = fit_centre(field)
    pairs = {
        f"{first},{second}": {"value": None, "stderr": None} | _pair(fit, i, j)
        for (i, first), (j, second) in combinations(enumerate(field.names), 2)
    }
    if all(pair["value"] is None for pair in pairs.values()):
        raise UnknownError("the curvature along an axis is not positive")
    return pairs


def text(numbers: dict[str, Any]) -> list[str]:
    """Format a line for each pair."""
    lines = []
    for names, pair in numbers.items():
        if pair["value"] is None:
            lines.append(f"{names}: the curvature along one of the two is not positive")
        else:
            error = "" if pair["stderr"] is None else f" ± {pair['stderr']:.2g}"
            lines.append(f"{names}: {pair['value']:.4f}{error}")
    return lines


def _pair(fit: Fit, i: int, j: int) -> dict[str, Any]:
    """Return a pair's value and standard error; nothing if a curvature is not positive."""
    first, second, mixed = fit.hessian[i, i], fit.hessian[j, j], fit.hessian[i, j]
    if first <= 0 or second <= 0:
        return {}
    root = float(np.sqrt(first) * np.sqrt(second))
    value = float(mixed / root)
    derivatives = np.zeros_like(fit.hessian)  # of the value with respect to the Hessian's entries
    derivatives[i, i], derivatives[j, j] = -value / (2 * first), -value / (2 * second)
    derivatives[i, j] = derivatives[j, i] = 1 / (2 * root)
    return {"value": value, "stderr": fit.hessian_error(derivatives)}
