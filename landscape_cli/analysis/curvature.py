"""Curvature: gradient and Hessian of a quadratic fit around the surface's centre."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.analysis.field import Field, Options
from landscape_cli.analysis.quadratic import fit_centre

READING = (
    "The eigenvalues of a quadratic fitted around the centre of the slice: a large one means a "
    "narrow valley in its direction, a negative one that the centre is no minimum of the slice. "
    "They are not the largest eigenvalues of the network's Hessian, which a random slice hardly "
    "meets; landscape curvature computes those."
)
"""Explanation of the numbers to a reader of a report."""


def compute(field: Field, options: Options) -> dict[str, Any]:
    """Compute gradient, Hessian and its eigenvalues, largest first, each with its standard error.

    The errors come from the residuals of the fit, so they include both noise and deviations from a
    quadratic. The error of an eigenvalue is, to first order, the error of v.H.v with its unit
    eigenvector v.

    Raises:
        UnknownError: if there are too few points.
    """
    fit = fit_centre(field)
    size = len(field.axes)
    values, vectors = np.linalg.eigh(fit.hessian)
    unit = np.eye(size)
    entry_errors = [
        [
            fit.hessian_error((np.outer(unit[i], unit[j]) + np.outer(unit[j], unit[i])) / 2)
            for j in range(size)
        ]
        for i in range(size)
    ]
    return {
        "gradient": fit.gradient.tolist(),
        "gradient_stderr": [fit.gradient_error(axis) for axis in range(size)],
        "hessian": fit.hessian.tolist(),
        "hessian_stderr": entry_errors,
        "eigenvalues": values[::-1].tolist(),
        "eigenvalues_stderr": [
            fit.hessian_error(np.outer(vector, vector)) for vector in vectors.T[::-1]
        ],
        "points": fit.points,
        "reach": dict(zip(field.names, fit.reach.tolist(), strict=True)),
    }


def text(numbers: dict[str, Any]) -> list[str]:
    """Format the eigenvalues; for a line, the second derivative."""
    pairs = zip(numbers["eigenvalues"], numbers["eigenvalues_stderr"], strict=True)
    values = ", ".join(
        f"{value:.6g}" + ("" if error is None else f" ± {error:.2g}") for value, error in pairs
    )
    name = "eigenvalues" if len(numbers["eigenvalues"]) > 1 else "second derivative"
    reach = " x ".join(f"{reach:.3g}" for reach in numbers["reach"].values())
    return [f"{name} {values} (fit to {numbers['points']:g} points within {reach})"]
