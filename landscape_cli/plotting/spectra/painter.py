"""The interface of a kind of plot of a curvature file, and what kinds share."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.spectra import SPECTRUM_KINDS
from landscape_cli.records.curvature import Curvature

MATRICES = {
    "hessian": "Hessian",
    "ggn": "Gauss-Newton matrix",
    "fisher": "empirical Fisher matrix",
}
"""Names of the matrices."""


@dataclass(frozen=True)
class SpectrumPainter:
    """The functions of a kind.

    Args:
        paint: draws a record on axes.
        lacks: says what the record lacks for this kind, with the option that computes it; empty
            if it lacks nothing.
        describe: returns sentences for a caption.
    """

    paint: Callable[[Any, Curvature], None]
    lacks: Callable[[Curvature], str]
    describe: Callable[[Curvature], str]


def load(kind: str) -> SpectrumPainter:
    """Import the painter of a kind in ``SPECTRUM_KINDS``."""
    module, attribute = SPECTRUM_KINDS[kind].target.split(":")
    painter: SpectrumPainter = getattr(importlib.import_module(module), attribute)
    return painter


def default_kind(record: Curvature) -> str:
    """Return the kind that shows most of a record."""
    if record.done.sum() > 1:
        return "training"
    return "eigenvalues" if record.density is None else "density"


def last_done(record: Curvature) -> int:
    """Return the place of the last checkpoint that has values."""
    return int(np.flatnonzero(record.done)[-1])


def numbers(record: Curvature) -> list[int]:
    """Return the number of each eigenvalue: 1, 2, ... from the top, -1, -2, ... from the bottom."""
    bottom = record.eigenvalues.shape[1] - record.top
    return [*range(1, record.top + 1), *range(-bottom, 0)]


def extremes_text(record: Curvature, place: int) -> str:
    """State the ends of a checkpoint's spectrum and the largest residual."""
    values: NDArray[np.float64] = record.eigenvalues[place]
    if not len(values):
        return ""
    text = f"the largest is {values[0]:.4g}"
    if record.top < len(values):
        text += f", the smallest {values[-1]:.4g}"
    return f"{text}; residuals are at most {record.residuals[place].max():.2g}"
