"""Correlation: whether the axes are the principal ones of the surface around its centre."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, MeaninglessError, Options, UnknownError
from landscape_cli.analysis.quadratic import Fit, fit_centre


def compute(field: Field, options: Options) -> dict[str, Any]:
    """H_xy / sqrt(H_xx H_yy) of the fitted Hessian for each pair of axes, with its standard error.

    Raises:
        MeaninglessError: if there is one axis.
        UnknownError: if there are too few points, or no pair has two positive curvatures.
    """
    if len(field.axes) < 2:
        raise MeaninglessError("there is one axis")
    fit = fit_centre(field)
    found = {
        f"{first},{second}": {"value": None, "stderr": None} | _pair(fit, i, j)
        for (i, first), (j, second) in combinations(enumerate(field.names), 2)
    }
    if all(pair["value"] is None for pair in found.values()):
        raise UnknownError("the curvature along an axis is not positive")
    return found


def text(found: dict[str, Any]) -> list[str]:
    """A line for each pair."""
    lines = []
    for pair, one in found.items():
        if one["value"] is None:
            lines.append(f"{pair}: the curvature along one of the two is not positive")
        else:
            error = "" if one["stderr"] is None else f" ± {one['stderr']:.2g}"
            lines.append(f"{pair}: {one['value']:.4f}{error}")
    return lines


def _pair(fit: Fit, i: int, j: int) -> dict[str, Any]:
    first, second, mixed = fit.hessian[i, i], fit.hessian[j, j], fit.hessian[i, j]
    if first <= 0 or second <= 0:
        return {}
    root = float(np.sqrt(first) * np.sqrt(second))
    value = float(mixed / root)
    slopes = np.zeros_like(fit.hessian)  # of the value, by the entries of the Hessian
    slopes[i, i], slopes[j, j] = -value / (2 * first), -value / (2 * second)
    slopes[i, j] = slopes[j, i] = 1 / (2 * root)
    return {"value": value, "stderr": fit.hessian_error(slopes)}
