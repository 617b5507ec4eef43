"""Choose the kind of plot for panels, and check that it suits them."""

from __future__ import annotations

from collections.abc import Sequence

from landscape_cli.errors import UsageError
from landscape_cli.plotting import KINDS
from landscape_cli.plotting.annotations.overlay import followed
from landscape_cli.plotting.panel import Panel, by_surface
from landscape_cli.records.presentation import naming

MAX_CURVES = 8
"""Largest number of curves that share one axes unless the user asks for more."""


def choose_kind(panels: Sequence[Panel], kind: str | None) -> str:
    """Return the requested kind, or the default for the panels' shape.

    Raises:
        UsageError: if the panels cannot share a figure, or the kind does not suit them.
    """
    first = panels[0]
    for panel in panels[1:]:
        _check_pair(first, panel)
    fitting = [name for name, entry in KINDS.items() if entry.axes == first.dimension]
    if not fitting:
        raise UsageError(
            f"{first.source} is {_shape(first)}, and volumes cannot be plotted yet; compute a "
            "plane with --z none"
        )
    if kind is None:
        wide = all(min(panel.z.shape) >= 2 for panel in panels)
        cells = naming(first.quantity).curved or not wide
        if first.dimension == 1:
            return "comparison" if _comparable(panels) else "line"
        return "heatmap" if cells else "contourf"
    if kind not in fitting:
        raise UsageError(
            f"--kind {kind}: {first.source} is {_shape(first)}; use {' or '.join(fitting)}"
        )
    return kind


def _comparable(panels: Sequence[Panel]) -> bool:
    """Return whether lines are those along several curves, which share their ends and t."""
    surfaces = len(by_surface(panels))
    return 1 < surfaces <= MAX_CURVES and all(followed(panel) is not None for panel in panels)


def check_wide(panel: Panel, kind: str) -> None:
    """Check that a plane has at least two points along each axis.

    Raises:
        UsageError: if it does not.
    """
    if min(panel.z.shape) < 2:
        raise UsageError(
            f"--kind {kind}: {panel.source} is {_shape(panel)}, but this kind needs at least two "
            "points along each axis; use --kind heatmap"
        )


def _check_pair(first: Panel, other: Panel) -> None:
    if other.dimension != first.dimension:
        raise UsageError(
            f"{first.source} is {_shape(first)} and {other.source} is {_shape(other)}; they cannot "
            "share a figure, so plot them separately"
        )
    if other.quantity != first.quantity:
        raise UsageError(
            f"--quantity: {first.source} shows {first.quantity} and {other.source} shows "
            f"{other.quantity}; name a quantity that all files have"
        )


def _shape(panel: Panel) -> str:
    points = " x ".join(str(axis.points) for axis in panel.surface.grid.axes.values())
    names = {1: "a line", 2: "a plane", 3: "a volume"}
    return f"{names[panel.dimension]} ({points} points)"
