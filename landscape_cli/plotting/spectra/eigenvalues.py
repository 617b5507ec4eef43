"""Bars of the largest and smallest eigenvalues, with their residuals as error bars."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.plotting.spectra.painter import (
    SpectrumPainter,
    extremes_text,
    last_done,
    numbers,
)
from landscape_cli.plotting.style import ink, pt, series
from landscape_cli.records.curvature import Curvature

MAX_NUMBERS = 24
"""With more bars than this, only some are numbered."""


def paint(axes: Any, record: Curvature) -> None:
    """Draw a bar for each eigenvalue of the last checkpoint, with a gap between top and bottom."""
    place = last_done(record)
    values, errors = record.eigenvalues[place], record.residuals[place]
    bottom = len(values) > record.top > 0
    at = np.arange(len(values)) + np.where(np.arange(len(values)) < record.top, 0, int(bottom))
    colors = [series()[0][0] if value >= 0 else series()[1][0] for value in values]
    look = {"ecolor": ink(0.2), "capsize": pt(1.8), "error_kw": {"linewidth": pt(0.9)}}
    axes.bar(at, values, yerr=errors, color=colors, **look)
    axes.axhline(0, color=ink(0.3), linewidth=pt(0.6))
    if record.second_differences is not None and len(values):
        ends = {int(at[0]): 0, int(at[-1]): 1} if bottom else {int(at[0]): 0}
        mark = {"marker": "D", "markersize": pt(4), "markerfacecolor": "none", "linestyle": "none"}
        heights = [record.second_differences[place, side] for side in ends.values()]
        label = "second difference along the eigenvector"
        axes.plot(list(ends), heights, color=ink(0.1), label=label, **mark)
    stride = -(-len(values) // MAX_NUMBERS)
    shown = [i for i in range(len(values)) if i % stride == 0 or i in (record.top, len(values) - 1)]
    axes.set_xticks([int(at[i]) for i in shown], [str(numbers(record)[i]) for i in shown])
    axes.set_xlabel("number, from either end" if bottom else "number")
    axes.set_ylabel("eigenvalue")


def lacks(record: Curvature) -> str:
    """Say how to compute eigenvalues."""
    return "" if record.eigenvalues.shape[1] else "has no eigenvalues; compute some with --top 10"


def describe(record: Curvature) -> str:
    """State the ends and the meaning of the error bars."""
    place = last_done(record)
    where = f" at {record.labels[place]}" if len(record.labels) > 1 else ""
    text = f"Of the eigenvalues{where}, {extremes_text(record, place)}, and an eigenvalue lies "
    text += "within each error bar."
    if record.second_differences is None:
        return text
    return (
        f"{text} Diamonds: second differences of the loss along the eigenvectors, with a step of "
        f"{record.difference_step:g}; kinks, as of ReLUs, add to them."
    )


PAINTER = SpectrumPainter(paint, lacks, describe)
