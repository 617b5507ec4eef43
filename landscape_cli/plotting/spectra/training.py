"""Eigenvalues over the checkpoints of a training run, with the edge of stability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.spectra.painter import SpectrumPainter
from landscape_cli.plotting.style import ink, pt, series, ticks
from landscape_cli.records.curvature import Curvature

MAX_DOTS = 60
"""With up to this many checkpoints, each is marked by a dot."""

HEADROOM = 1.6
"""Height of the axes over the largest eigenvalue, if 2 / learning rate is larger still."""


def paint(axes: Any, record: Curvature) -> None:
    """Draw the eigenvalues of every checkpoint that has some, and 2 / learning rate."""
    done = record.done
    at, values = _places(record)[done], record.eigenvalues[done]
    errors = record.residuals[done]
    (first, _), (last, _), (edge, _), *_ = series()
    between = values[:, 1 : record.top]
    for number, curve in enumerate(between.T):
        label = f"_{number}" if number else _named(record.top)
        axes.plot(at, curve, color=first, linewidth=pt(0.7), alpha=0.55, label=label)
    dots = "o" if len(at) <= MAX_DOTS else None
    ends = [(values[:, 0], errors[:, 0], first, "largest eigenvalue")] if record.top else []
    if record.top < values.shape[1]:
        ends.append((values[:, -1], errors[:, -1], last, "smallest eigenvalue"))
    for curve, error, color, label in ends:
        axes.plot(at, curve, color=color, marker=dots, markersize=pt(2.5), label=label)
        axes.fill_between(at, curve - error, curve + error, color=color, alpha=0.25, linewidth=0)
    edges = edge_of_stability(record)
    if np.isfinite(edges).any():
        look = {"linestyle": (0, (4, 2)), "color": edge, "drawstyle": "steps-pre"}
        hidden = " (above)" if _beyond(record)[np.isfinite(edges)].all() else ""
        axes.plot(_places(record), edges, label=f"2 / learning rate{hidden}", **look)
    if _beyond(record).any():
        axes.set_ylim(*_view(record))
    axes.axhline(0, color=ink(0.6), linewidth=pt(0.6), zorder=0.8)
    axes.set_xlabel("checkpoint" if record.epochs is None else "epoch")
    axes.xaxis.set_major_locator(ticks(8))
    axes.set_ylabel("eigenvalue")


def edge_of_stability(record: Curvature) -> NDArray[np.float64]:
    """Return 2 / learning rate at each checkpoint, NaN where it is unknown, of shape (n,).

    The rate is the one that led to the checkpoint, so it holds for the steps before it.

    Gradient descent on a quadratic diverges along eigenvectors with larger eigenvalues (Cohen et
    al. 2021, *Gradient descent on neural networks typically occurs at the edge of stability*).
    """
    if record.learning_rates is None:
        return np.full(len(record.labels), np.nan)
    rates = np.array(record.learning_rates, dtype=np.float64)
    return np.where(rates > 0, 2 / np.where(rates > 0, rates, 1.0), np.nan)


def _named(top: int) -> str:
    """Name the eigenvalues between the largest and the last of those asked for from the top."""
    if top < 4:
        return "eigenvalue 2" if top == 2 else "eigenvalues 2 and 3"
    return f"eigenvalues 2 to {top}"


def _view(record: Curvature) -> tuple[float, float]:
    """Return limits that show all eigenvalues, and the edge of stability next to them."""
    values = np.append(record.eigenvalues[record.done].ravel(), 0.0)
    margin = 0.05 * float(np.ptp(values)) or 0.5
    return float(values.min()) - margin, HEADROOM * max(float(values.max()), 0.0) + margin


def _beyond(record: Curvature) -> NDArray[np.bool_]:
    """Return a mask (n,) of the checkpoints at which the edge of stability is far above."""
    return np.nan_to_num(edge_of_stability(record)) > _view(record)[1]


def _places(record: Curvature) -> NDArray[np.float64]:
    if record.epochs is None:
        return np.arange(1.0, len(record.labels) + 1)
    return np.array(record.epochs, dtype=np.float64)


def lacks(record: Curvature) -> str:
    """Say how to compute eigenvalues of several checkpoints."""
    if not record.eigenvalues.shape[1]:
        return "has no eigenvalues; compute some with --top 10"
    if len(record.labels) < 2:
        return "has one checkpoint; compute several with --checkpoints, or use --kind eigenvalues"
    return ""


def describe(record: Curvature) -> str:
    """State the range of the largest eigenvalue, and where it exceeds the edge of stability."""
    largest = np.where(record.done, record.eigenvalues[:, 0], np.nan)
    text = f"{int(record.done.sum())} of {len(record.labels)} checkpoints; the first eigenvalue "
    text += f"ranges from {np.nanmin(largest):.4g} to {np.nanmax(largest):.4g}, with residuals "
    text += f"of at most {np.nanmax(record.residuals[record.done]):.2g}."
    edges = edge_of_stability(record)
    both = np.isfinite(edges) & record.done
    if record.top and both.any():
        above = int(np.count_nonzero(largest[both] > edges[both]))
        text += f" It exceeds 2 / learning rate at {above} of {int(both.sum())} checkpoints."
    beyond = int(_beyond(record).sum())
    return text + (f" 2 / learning rate is above the picture at {beyond}." if beyond else "")


PAINTER = SpectrumPainter(paint, lacks, describe)
