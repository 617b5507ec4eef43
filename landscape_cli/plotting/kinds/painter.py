"""The interface of a kind of plot."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.cm import ScalarMappable

from landscape_cli.plotting import KINDS
from landscape_cli.plotting.interpolation import Interpolation
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale

Paint = Callable[[Any, Sequence[Panel], Scale], ScalarMappable | None]
"""Draws panels on one matplotlib axes; returns the mappable for the colour bar, or None for no bar.

Three-dimensional kinds also take a ``camera``, and the ``width`` of an image in pixels."""


@dataclass(frozen=True)
class Painter:
    """The function that draws a kind of plot, and the properties of that kind.

    Args:
        paint: draws on one axes: a single panel, or with ``overlay`` all panels of a surface.
        projection: the axes' projection, as matplotlib takes it; None for flat axes.
        overlay: whether the panels of one surface share one axes.
        joint: whether the panels of all surfaces share one axes.
        has_levels: whether the kind draws contour levels.
        clipped: what happens to clipped values, a phrase to follow "... lie above --vmax 10".
        shape: height over width of flat axes, if it is not the panel's.
        smooth: the interpolation of planes; None if only points are drawn.
    """

    paint: Paint
    projection: Any = None
    overlay: bool = False
    joint: bool = False
    has_levels: bool = False
    clipped: str = "and are drawn at it"
    shape: float | None = None
    smooth: Interpolation | None = None


def load(kind: str) -> Painter:
    """Import the painter of a kind in ``KINDS``."""
    module, attribute = KINDS[kind].target.split(":")
    painter: Painter = getattr(importlib.import_module(module), attribute)
    return painter
