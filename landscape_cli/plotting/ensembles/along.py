"""Errors along a curve, of each network alone and together with the first one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.ensembles.painter import EnsemblePainter
from landscape_cli.plotting.style import pt, series, ticks
from landscape_cli.plotting.text.labels import plain
from landscape_cli.records.ensemble import ENSEMBLE, MEMBER, Ensemble, Scores

LABELS = {MEMBER: r"$\phi(t)$", ENSEMBLE: r"ensemble of $\phi(0)$ and $\phi(t)$"}


def paint(axes: Any, record: Ensemble, split: str) -> None:
    """Draw both errors with bands of one standard error, as in Garipov et al. 2018, figure 4."""
    tables = record.along(split)
    at = np.array([table.place for table in tables], dtype=np.float64)
    for (role, label), (color, dashes) in zip(LABELS.items(), series(), strict=False):
        error, spread = _errors([table.row(role) for table in tables])
        axes.plot(at, error, dashes, color=color, marker="o", markersize=pt(2.5), label=label)
        axes.fill_between(at, error - spread, error + spread, color=color, alpha=0.2, linewidth=0)
    axes.set_xlabel("$t$")
    axes.set_ylabel(f"{plain(split)} error, %")
    axes.xaxis.set_major_locator(ticks(6))


def _errors(rows: Sequence[Scores]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return errors in percent and their standard errors, of shape (places,)."""
    error = np.array([100 * (1 - row.accuracy) for row in rows])
    return error, np.array([100 * row.accuracy_stderr for row in rows])


def describe(record: Ensemble, split: str) -> str:
    """State the errors at both ends, and the smallest one of an ensemble."""
    tables = record.along(split)
    own, _ = _errors([table.row(MEMBER) for table in tables])
    joint, spread = _errors([table.row(ENSEMBLE) for table in tables])
    text = f"Error of {split} along the curve, {own[0]:.3g} % at t = 0 and {own[-1]:.3g} % at t = 1"
    if np.isfinite(joint).any():
        best = int(np.nanargmin(joint))
        text += (
            f"; the predictions at t = 0 and at t = {tables[best].place:.3g}, averaged, have the "
            f"smallest one, {joint[best]:.3g} ± {spread[best]:.2g} %"
        )
    return f"{text}. Bands: one standard error over {tables[0].samples:,} samples."


PAINTER = EnsemblePainter(paint, True, describe)
