"""The look of all pictures, in one of several styles."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, to_rgb
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

BAD = "#e6194b"
"""The colour of points that are not finite."""

HIDDEN = "#f58231"
"""The colour of points that a logarithmic scale can't show."""

SERIES = (("#0072b2", "-"), ("#d55e00", "--"), ("#009e73", "-."), ("#cc79a7", ":"))
"""Colours (Okabe and Ito's, safe for colour-blind readers) and dashes of a line plot's splits."""

LIGHT_SERIES = ("#56b4e9", "#e69f00", "#2bc59b", "#eca6cb")
"""The same colours, to be seen on a dark background."""

TEXT = 9
"""The size of text in points that all other sizes are made for."""

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


STYLES: dict[str, dict[str, Any]] = {
    "paper": {},
    "talk": {
        "font.size": 14,
        "axes.titlesize": 15,
        "axes.labelsize": 14,
        "axes.linewidth": 1.0,
        "xtick.labelsize": 12.5,
        "ytick.labelsize": 12.5,
        "xtick.major.width": 1.0,
        "ytick.major.width": 1.0,
        "legend.fontsize": 12.5,
        "lines.linewidth": 2.4,
    },
    "dark": {
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "#16181d"),
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), "#e8e8e6"),
        **dict.fromkeys(("xtick.color", "ytick.color", "axes.edgecolor"), "#b9bbc0"),
        **dict.fromkeys(("legend.labelcolor",), "#e8e8e6"),
        "grid.color": "#3a3d45",
    },
}
"""What each style has of its own."""


def style(name: str = "paper") -> AbstractContextManager[None]:
    """The settings of a style, for the time of a ``with`` block."""
    settings: dict[Any, Any] = {**SETTINGS, **STYLES[name]}
    return matplotlib.rc_context(settings)


def pt(points: float) -> float:
    """A length or a size of text, in points, for the text of the style that is on."""
    return points * enlarged()


def enlarged() -> float:
    """How many times larger than usual the text of the style that is on is."""
    return float(matplotlib.rcParams["font.size"]) / TEXT


def ink(lightness: float) -> tuple[float, float, float]:
    """A shade between the colours of text, 0, and background, 1, in the style that is on."""
    text, ground = (
        np.array(to_rgb(matplotlib.rcParams[key])) for key in ("text.color", "figure.facecolor")
    )
    red, green, blue = (text + lightness * (ground - text)).tolist()
    return red, green, blue


def outline(width: float) -> list[withStroke]:
    """What makes text and lines stand out from anything."""
    return [withStroke(linewidth=pt(width), foreground=ink(1))]


def missing() -> dict[str, Any]:
    """The look of the area that is not computed."""
    return {"facecolor": ink(0.9), "edgecolor": ink(0.55), "hatch": "////", "linewidth": 0.0}


def series() -> tuple[tuple[str, str], ...]:
    """The colours and dashes of curves."""
    if sum(ink(1)) > 1.5:
        return SERIES
    return tuple((new, dash) for new, (_, dash) in zip(LIGHT_SERIES, SERIES, strict=True))


def ticks(most: int, prune: Literal["lower", "upper"] | None = None) -> MaxNLocator:
    """At most so many steps between ticks at round numbers, without one at an end if asked for."""
    return MaxNLocator(most, steps=[1, 2, 5, 10], prune=prune)


def colormap() -> Colormap:
    """The colours of values: perceptually uniform, and safe for colour-blind readers."""
    return matplotlib.colormaps["viridis"]
