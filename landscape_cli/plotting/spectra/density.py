"""Spectral densities on a logarithmic scale, above ticks at the extreme eigenvalues."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.spectra.painter import SpectrumPainter, extremes_text
from landscape_cli.plotting.style import colormap, ink, pt, series
from landscape_cli.plotting.text.labels import legend_text
from landscape_cli.records.curvature import Curvature, Density
from landscape_cli.records.spectra.density import smoothed_density, smoothing_width

Floats = NDArray[np.float64]

PLACES = 1200
"""Number of places at which a density is drawn."""

MAX_CURVES = 5
"""Maximum number of checkpoints drawn, from the first to the last."""

FLOOR = 0.2
"""Lowest density shown, as a fraction of the peak of a single eigenvalue."""

BAND = 1.96
"""Half-width of the band, in standard errors."""


def paint(axes: Any, record: Curvature) -> None:
    """Draw the density at each checkpoint, or at some of them."""
    chosen = _chosen(record)
    floor, highest = math.inf, 0.0
    for number, place in enumerate(chosen):
        color: Any = series()[0][0]
        if len(chosen) > 1:
            low, high = (0.0, 0.85) if sum(ink(1)) > 1.5 else (0.35, 1.0)
            color = colormap()(low + (high - low) * number / (len(chosen) - 1))
        name = legend_text(record.labels[place]) if len(chosen) > 1 else "_density"
        width, at, density, error = _curve(record, place)
        single = 1 / (record.parameters * width * math.sqrt(2 * math.pi))
        floor, highest = min(floor, FLOOR * single), max(highest, density.max())
        axes.plot(at, density, color=color, label=name)
        below = np.maximum(density - BAND * error, 1e-300)
        axes.fill_between(
            at, below, density + BAND * error, color=color, alpha=0.2, linewidth=0, label="_band"
        )
        _tick_eigenvalues(axes, record.eigenvalues[place], color, len(chosen) - 1 - number)
    axes.set_yscale("log")
    axes.set_ylim(floor, 3 * highest)
    axes.set_xlabel("eigenvalue")
    axes.set_ylabel("density")
    if record.eigenvalues.shape[1]:
        look = {"linestyle": "none", "marker": "|", "markersize": pt(7), "color": ink(0.2)}
        axes.plot([], [], label="extreme eigenvalues", **look)


def _chosen(record: Curvature) -> list[int]:
    done = np.flatnonzero(record.done)
    picks = np.linspace(0, len(done) - 1, min(MAX_CURVES, len(done))).round().astype(int)
    return [int(place) for place in done[picks]]


def _curve(record: Curvature, place: int) -> tuple[float, Floats, Floats, Floats]:
    """Return the smoothing width, and places, densities and standard errors of shape (n,)."""
    density = _density(record)
    nodes, weights = density.nodes[place], density.weights[place]
    known = np.where(weights > 0, nodes, np.nan)
    nodes = np.where(weights > 0, nodes, np.nanmean(known))
    width = smoothing_width(nodes) or 1e-3 * max(1e-12, float(np.abs(nodes).max()))
    low, high = float(nodes.min()) - 5 * width, float(nodes.max()) + 5 * width
    at = np.linspace(low, high, PLACES)
    return width, at, *smoothed_density(nodes, weights, at, width, record.parameters)


def _tick_eigenvalues(axes: Any, values: Floats, color: Any, row: int) -> None:
    height = np.full(len(values), 0.03 + 0.035 * row)
    axes.plot(
        values,
        height,
        linestyle="none",
        marker="|",
        markersize=pt(7),
        color=color,
        transform=axes.get_xaxis_transform(),
        label="_eigenvalues",
        gid="eigenvalues",
    )


def lacks(record: Curvature) -> str:
    """Say how to compute a density."""
    return "" if record.density is not None else "has no density; compute one with --density 4x80"


def describe(record: Curvature) -> str:
    """State the quadrature, the smoothing and the extreme eigenvalues."""
    chosen = _chosen(record)
    draws, steps = _density(record).nodes.shape[1:]
    widths = [_curve(record, place)[0] for place in chosen]
    vectors = "1 random vector" if draws == 1 else f"{draws} random vectors"
    text = f"Stochastic Lanczos quadrature with {vectors} of {steps} steps, smoothed by Gaussians "
    between = f"{min(widths):.2g}" + (f" to {max(widths):.2g}" if len(widths) > 1 else "")
    text += f"of standard deviation {between}; band: {BAND} standard errors over random vectors."
    if ends := extremes_text(record, chosen[-1]):
        text += f" Of the eigenvalues{_at(record, chosen)}, {ends}."
    return text + _trace(record, chosen[-1])


def _density(record: Curvature) -> Density:
    assert record.density is not None
    return record.density


def _at(record: Curvature, chosen: list[int]) -> str:
    return f" at {record.labels[chosen[-1]]}" if len(chosen) > 1 else ""


def _trace(record: Curvature, place: int) -> str:
    if record.trace is None:
        return ""
    mean, error = record.trace.mean[place], record.trace.stderr[place]
    return f" The trace is {mean:.4g} ± {error:.2g} (standard error)."


PAINTER = SpectrumPainter(paint, lacks, describe)
