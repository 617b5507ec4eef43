"""Reliability diagrams: accuracy against confidence, of members and averages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.ensembles.painter import EnsemblePainter
from landscape_cli.plotting.style import ink, pt, series
from landscape_cli.plotting.text.labels import legend_text
from landscape_cli.records.ensemble import AVERAGE, ENSEMBLE, MEMBER, Ensemble, Scores

LEAST = 5
"""Bins of fewer predictions are not drawn."""


def paint(axes: Any, record: Ensemble, split: str) -> None:
    """Draw each row's accuracy over its mean confidence in each bin, and the diagonal."""
    axes.plot([0, 1], [0, 1], color=ink(0.6), linewidth=pt(0.6), zorder=0.8, label="_diagonal")
    table = record.table((split, None))
    assert table is not None
    (member, _), (average, _), (joint, _), *_ = series()
    looks: dict[str, dict[str, Any]] = {
        MEMBER: {"color": member, "alpha": 0.5, "linewidth": pt(0.8)},
        AVERAGE: {"color": average, "linestyle": "--"},
        ENSEMBLE: {"color": joint, "marker": "o", "markersize": pt(2.5)},
    }
    named = 0
    for row in table.rows:
        if row.role not in looks or not row.bins:
            continue
        confidence, accuracy = points(row)
        label = legend_text(row.name)
        if row.role == MEMBER:
            label, named = ("_member" if named else "members"), named + 1
        axes.plot(confidence, accuracy, label=label, **looks[row.role])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")


def points(row: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean confidence and accuracy of each bin with enough predictions."""
    number, confidence, right = np.array(row.bins, dtype=np.float64).T
    drawn = number >= LEAST
    return confidence[drawn] / number[drawn], right[drawn] / number[drawn]


def describe(record: Ensemble, split: str) -> str:
    """State the calibration errors."""
    table = record.table((split, None))
    assert table is not None
    found = [f"{row.name} {row.calibration_error:.3g}" for row in table.rows if row.bins]
    return (
        f"Reliability on {table.predictions:,} predictions of {split}: accuracy against mean "
        f"confidence in {record.bins} bins, those of fewer than {LEAST} left out. Expected "
        f"calibration error: {', '.join(found)}."
    )


PAINTER = EnsemblePainter(paint, False, describe)
