"""Styles of pictures: settings of matplotlib, colours, and sizes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from landscape_cli.plotting.colormaps import check_colormap

BAD = "#e6194b"
"""Colour of points that are not finite."""

HIDDEN = "#f58231"
"""Colour of points that a logarithmic scale cannot show."""

UNDEFINED = "#00a6d6"
"""Colour of points at which a derived quantity has no value."""

SERIES = (("#0072b2", "-"), ("#d55e00", "--"), ("#009e73", "-."), ("#cc79a7", ":"))
"""Colours (Okabe and Ito's, safe for colour-blind readers) and dashes of the curves of a line."""

LIGHT_SERIES = ("#56b4e9", "#e69f00", "#2bc59b", "#eca6cb")
"""Lighter versions of the colours for a dark background."""

BASE_FONT_SIZE = 9
"""Font size in points to which all other lengths in this package refer."""

DEFAULT_COLORS, DIVERGING_COLORS = "viridis", "RdBu_r"
"""Colour maps of values, and of values of both signs."""

BEYOND_ALPHA = 0.5
"""Opacity of the flat parts of a surface in three dimensions that is cut at a limit."""

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
    "image.cmap": DEFAULT_COLORS,
    "text.usetex": False,
    "text.parse_math": True,
    "axes.unicode_minus": True,
}
"""Settings of every picture, whatever a matplotlibrc says."""


STYLES: dict[str, dict[str, Any]] = {
    "paper": {},
    "talk": {
        "font.size": 14,
        "axes.titlesize": 15,
        "axes.labelsize": 14,
        "axes.linewidth": 1.0,
        "xtick.labelsize": 12.5,
        "ytick.labelsize": 12.5,
        "xtick.major.pad": 6.0,
        "ytick.major.pad": 5.0,
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
"""Settings in which each style differs from ``SETTINGS``."""


def style(
    name: str = "paper", cmap: str | None = None, font_size: float | None = None
) -> AbstractContextManager[None]:
    """Return a context manager that applies a style.

    Args:
        name: a name in ``STYLES``.
        cmap: a colour map of matplotlib in place of viridis.
        font_size: size of text in points, to which other sizes of text are scaled; None for the
            style's.

    Raises:
        UsageError: if there is no such colour map.
    """
    settings: dict[Any, Any] = {**SETTINGS, **STYLES[name]}
    if cmap is not None:
        check_colormap(cmap)
        settings["image.cmap"] = cmap
    if font_size is not None:
        factor = font_size / settings["font.size"]
        texts = [key for key in settings if key.endswith(("size", "fontsize"))]
        settings |= {key: factor * settings[key] for key in texts}
    return matplotlib.rc_context(settings)


def pt(points: float) -> float:
    """Scale a length or font size in points to the active style's font size."""
    return points * text_scale()


def text_scale() -> float:
    """Return the ratio of the active style's font size to ``BASE_FONT_SIZE``."""
    return float(matplotlib.rcParams["font.size"]) / BASE_FONT_SIZE


def ink(lightness: float) -> tuple[float, float, float]:
    """Blend the active style's text colour (0) with its background (1)."""
    text, background = (
        np.array(to_rgb(matplotlib.rcParams[key])) for key in ("text.color", "figure.facecolor")
    )
    red, green, blue = (text + lightness * (background - text)).tolist()
    return red, green, blue


def outline(width: float) -> list[withStroke]:
    """Return an outline in the background colour, which sets off text and lines."""
    return [withStroke(linewidth=pt(width), foreground=ink(1))]


def missing_look() -> dict[str, Any]:
    """Return the properties of patches over areas that are not computed."""
    return {"facecolor": ink(0.9), "edgecolor": ink(0.74), "hatch": "////", "linewidth": 0.0}


def beyond_look(above: bool) -> dict[str, Any]:
    """Return the properties of patches over values beyond a limit of the scale.

    They are grey, a colour that no value has, with dots above the upper limit and dashes below the
    lower one; areas that are not computed have oblique lines. ``BEYOND_ALPHA`` is the opacity of
    such areas in three dimensions.
    """
    return {
        "facecolor": ink(0.78 if above else 0.55),
        "edgecolor": ink(0.63 if above else 0.68),
        "hatch": "..." if above else "---",
        "linewidth": 0.0,
    }


def series() -> tuple[tuple[str, str], ...]:
    """Return the colours and dashes of curves in the active style."""
    if sum(ink(1)) > 1.5:
        return SERIES
    return tuple((color, dash) for color, (_, dash) in zip(LIGHT_SERIES, SERIES, strict=True))


def ticks(
    max_intervals: int | Literal["auto"], prune: Literal["lower", "upper"] | None = None
) -> MaxNLocator:
    """Place ticks at round numbers, with at most ``max_intervals`` intervals between them.

    ``auto`` places as many as the axis has room for; ``prune`` drops the tick at that end.
    """
    return MaxNLocator(max_intervals, steps=[1, 2, 5, 10], prune=prune)


def colormap() -> Colormap:
    """Return the colour map; by default perceptually uniform and safe for colour-blind readers."""
    return matplotlib.colormaps[matplotlib.rcParams["image.cmap"]]


def diverging_colormap(
    low: float, high: float, middle: float = 0.0, always: bool = False
) -> Colormap:
    """Return the part of a diverging colour map from ``low`` to ``high``.

    Its middle is at ``middle``, and values at the same distance above and below it differ in hue
    alone. A colour map that the user chose is used as it is unless ``always`` is set: its middle
    then is there too.
    """
    chosen = matplotlib.rcParams["image.cmap"] != DEFAULT_COLORS
    if chosen and not always:
        return colormap()
    reach = max(abs(middle - low), abs(high - middle))
    places = 0.5 + 0.5 * (np.linspace(low, high, 256) - middle) / reach
    colors = (colormap() if chosen else matplotlib.colormaps[DIVERGING_COLORS])(places)
    return LinearSegmentedColormap.from_list("diverging", colors.tolist())
