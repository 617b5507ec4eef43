"""Matrices of second-order information: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.evaluation.derivatives.matrices.base import Matrix

MATRICES: dict[str, str | type[Matrix]] = {
    "hessian": "landscape_cli.evaluation.derivatives.matrices.hessian:Hessian",
    "ggn": "landscape_cli.evaluation.derivatives.matrices.gauss_newton:GaussNewton",
    "fisher": "landscape_cli.evaluation.derivatives.matrices.fisher:EmpiricalFisher",
}
"""Every matrix and its class, by its name on the command line."""


def matrix_class(name: str) -> type[Matrix]:
    """Return the class of a matrix.

    Raises:
        UsageError: if there is none of this name.
    """
    from landscape_cli.util.class_paths import loaded

    if name not in MATRICES:
        raise UsageError(f"matrix: got {name!r}, expected one of {', '.join(MATRICES)}")
    return loaded(MATRICES[name])
