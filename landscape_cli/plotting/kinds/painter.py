"""What a kind of plot provides."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.cm import ScalarMappable

from landscape_cli.plotting import KINDS
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale

Paint = Callable[[Any, Sequence[Panel], Scale], ScalarMappable | None]
"""Draw panels on one matplotlib axes; give what the colour bar shows, or None for no bar.

Of a kind in 3-D it also takes a ``camera``, and the ``width`` of an image in pixels."""


@dataclass(frozen=True)
class Painter:
    """How one kind of plot is drawn.

    Args:
        paint: draws on one axes: a single panel, or with ``overlay`` all panels of a surface.
        projection: matplotlib's name of the axes' projection, None for a flat one.
        overlay: whether the panels of one surface share one axes.
        has_levels: whether a number of levels means something.
        clipped: what becomes of values beyond a limit, to follow "... lie above --vmax 10".
        shape: height to width of what is drawn on flat axes, if not the panel's.
    """

    paint: Paint
    projection: str | None = None
    overlay: bool = False
    has_levels: bool = False
    clipped: str = "and are drawn at it"
    shape: float | None = None


def load(kind: str) -> Painter:
    """Import the painter of a kind that is in the registry."""
    module, attribute = KINDS[kind].target.split(":")
    painter: Painter = getattr(importlib.import_module(module), attribute)
    return painter
