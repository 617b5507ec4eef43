"""Eigenvalues of a diffusion operator, with the range of random walks'."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.plotting.diffusion.painter import DiffusionPainter, View
from landscape_cli.plotting.style import ink, pt, series, ticks
from landscape_cli.records.dynamics.diffusion import Diffusion, Null
from landscape_cli.records.dynamics.null_comparison import ordered_nulls, walk_words

BANDS = {"walk": "random walks", "permuted": "permuted steps"}
"""Names of the nulls' bands in a legend."""

FACTORS = {0.5: "ε/2", 2.0: "2ε"}
"""Names of other bandwidths."""

HALF = 0.3
"""Half the width of the bar that shows a null's range."""


def paint(axes: Any, record: Diffusion, colors: Coloring) -> None:
    """Draw the eigenvalues, the nulls' ranges as bars, and the spectra at other bandwidths."""
    assert record.eigenvalues is not None
    at = np.arange(len(record.eigenvalues))
    bands = series()[1:]
    for place, null in enumerate(ordered_nulls(record)):
        _draw_band(axes, null, bands[place % len(bands)][0], place, len(record.nulls))
    for spectrum, dashes in zip(record.spectra, (":", "--", "-."), strict=False):
        label = FACTORS.get(spectrum.factor, f"{spectrum.factor:g}ε")
        look = {"color": ink(0.5), "linewidth": pt(0.8), "linestyle": dashes}
        axes.plot(np.arange(len(spectrum.eigenvalues)), spectrum.eigenvalues, label=label, **look)
    label = "trainings" if len(record.names) > 1 else "training"
    look = {"color": series()[0][0], "marker": "o", "markersize": pt(3.5), "linewidth": pt(1)}
    axes.plot(at, record.eigenvalues, label=label, zorder=4, gid="eigenvalues", **look)
    axes.set_xlabel("number")
    axes.set_ylabel("eigenvalue")
    axes.xaxis.set_major_locator(ticks(min(8, max(1, len(at) - 1))))
    known = record.eigenvalues[np.isfinite(record.eigenvalues)]
    axes.set_ylim(min([0.0, *(1.05 * known)]), 1.05)


def _draw_band(axes: Any, null: Null, color: Any, place: int, count: int) -> None:
    """Draw the range of each eigenvalue over the walks of a null; bars of two lie side by side."""
    low, high = (end.reduce(null.eigenvalues[:, 1:]) for end in (np.fmin, np.fmax))
    width = 2 * HALF / count
    at = np.arange(1, len(low) + 1) - HALF + (place + 0.5) * width
    look = {"color": color, "alpha": 0.45, "linewidth": pt(0.8), "edgecolor": color}
    name = BANDS.get(null.kind, null.kind)
    axes.bar(at, high - low, width, low, label=name, zorder=1, gid=null.kind, **look)


def describe(record: Diffusion) -> str:
    """State the eigenvalues below 1, and which of them lie outside the nulls' ranges."""
    assert record.eigenvalues is not None
    listed = ", ".join(f"{value:.3g}" for value in record.eigenvalues[1:])
    text = f"Eigenvalues below the trivial one: {listed}."
    for null in ordered_nulls(record):
        low, high = null.eigenvalues.min(axis=0), null.eigenvalues.max(axis=0)
        count = min(len(low), len(record.eigenvalues))
        own = record.eigenvalues[:count]
        outside = np.flatnonzero((own < low[:count]) | (own > high[:count]))
        beyond = ", ".join(str(number) for number in outside if number)
        text += f" Bars: the range over {len(null.epsilons)} {walk_words(null.kind)}"
        text += f"; outside of it: numbers {beyond}." if beyond else "; all lie within it."
    others = [FACTORS.get(one.factor, f"{one.factor:g}ε") for one in record.spectra]
    return text + (f" Thin lines: bandwidths {' and '.join(others)}." if others else "")


VIEW = View("eigenvalues", paint)

PAINTER = DiffusionPainter(lambda record: (VIEW,), lambda record: "", describe)
