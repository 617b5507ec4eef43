"""The look of all pictures."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib
from matplotlib.colors import Colormap
from matplotlib.ticker import MaxNLocator

BAD = "#e6194b"
"""The colour of points that are not finite."""

HIDDEN = "#f58231"
"""The colour of points that a logarithmic scale can't show."""

MISSING: dict[str, Any] = {
    "facecolor": "0.9",
    "edgecolor": "0.55",
    "hatch": "////",
    "linewidth": 0.0,
}
"""The look of the area that is not computed."""

SERIES = (("#0072b2", "-"), ("#d55e00", "--"), ("#009e73", "-."), ("#cc79a7", ":"))
"""Colours (Okabe and Ito's, safe for colour-blind readers) and dashes of a line plot's splits."""

SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.formatter.useoffset": True,
    "axes.formatter.limits": (-4, 5),
    "axes.formatter.use_mathtext": True,
    "grid.color": "0.85",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,
    "svg.hashsalt": "landscape",
}


def style() -> AbstractContextManager[None]:
    """The settings, for the time of a ``with`` block."""
    return matplotlib.rc_context(SETTINGS)  # type: ignore[arg-type]


def ticks(most: int) -> MaxNLocator:
    """At most so many steps between ticks at round numbers."""
    return MaxNLocator(most, steps=[1, 2, 5, 10])


def colormap() -> Colormap:
    """The colours of values: perceptually uniform, and safe for colour-blind readers."""
    return matplotlib.colormaps["viridis"]
