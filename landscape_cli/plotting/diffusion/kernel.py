"""Sums of the kernel by bandwidth, whose slope shows the dimension and chooses the bandwidth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.plotting.diffusion.painter import DiffusionPainter, View
from landscape_cli.plotting.style import ink, pt, series
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.dynamics.diffusion_summary import CHOSEN


def paint(axes: Any, record: Diffusion, colors: Coloring) -> None:
    """Draw the sum and its slope against the bandwidth, and mark the map's."""
    assert record.kernel is not None
    (first, _), (second, _), *_ = series()
    epsilons = record.kernel.epsilons
    axes.loglog(epsilons, record.kernel.sums, color=first, gid="sums", label="_sums")
    axes.set_xlabel(r"bandwidth $\epsilon$")
    axes.set_ylabel("sum of the kernel", color=first)
    axes.tick_params(axis="y", which="both", colors=first)
    right = axes.twinx()
    slope = slopes(record)
    right.plot(epsilons, slope, "--", color=second, gid="slope", label="_slope")
    right.set_ylabel("slope = dimension / 2", color=second)
    right.tick_params(axis="y", colors=second)
    right.set_ylim(bottom=0)
    if np.isfinite(record.dimension) and np.isfinite(slope).all():
        mark: dict[str, Any] = {"marker": "o", "markersize": pt(4), "color": second}
        right.plot(_steepest(record, slope), record.dimension / 2, label="_steepest", **mark)
        text = f"dimension {record.dimension:.3g}"
        axes.plot([], [], linestyle="none", label=text, **mark)
    if np.isfinite(record.epsilon):
        look = {"color": ink(0.3), "linewidth": pt(0.8), "linestyle": ":"}
        text = rf"$\epsilon$ = {record.epsilon:.3g} ({record.chosen})"
        axes.axvline(record.epsilon, label=text, **look)


def _steepest(record: Diffusion, slope: NDArray[np.float64]) -> float:
    """Return the bandwidth whose slope is the dimension's: the map's, if the slope chose it.

    Otherwise it is that of the maximum whose slope is nearest to the dimension's.
    """
    assert record.kernel is not None
    if record.chosen == "auto" and np.isfinite(record.epsilon):
        return record.epsilon
    inner = np.r_[-np.inf, slope, -np.inf]
    maxima = np.flatnonzero((inner[1:-1] >= inner[:-2]) & (inner[1:-1] >= inner[2:]))
    nearest = maxima[np.abs(slope[maxima] - record.dimension / 2).argmin()]
    return float(record.kernel.epsilons[nearest])


def slopes(record: Diffusion) -> NDArray[np.float64]:
    """Return d ln sum / d ln bandwidth at each bandwidth, of shape (e,)."""
    assert record.kernel is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(record.kernel.sums), np.log(record.kernel.epsilons)
        return np.asarray(np.gradient(*logs), dtype=np.float64)


def lacks(record: Diffusion) -> str:
    """Say how to compute sums."""
    if record.kernel is None or len(record.kernel.epsilons) < 2:
        return "has no sums of the kernel; run landscape diffusion again"
    return ""


def describe(record: Diffusion) -> str:
    """State the bandwidth and the dimension."""
    text = f"ε = {record.epsilon:.4g}, {CHOSEN.get(record.chosen, record.chosen)}."
    if np.isfinite(record.dimension):
        text += (
            f" Twice the steepest slope of ln sum over ln ε, of bandwidths that join all "
            f"checkpoints, is {record.dimension:.3g}: the dimension at that scale."
        )
    return text


VIEW = View("sum of the kernel", paint)

PAINTER = DiffusionPainter(lambda record: (VIEW,), lacks, describe)
