"""Colour maps: look up a name, and judge whether equal steps of a value look equal."""

from __future__ import annotations

from difflib import get_close_matches

import matplotlib
import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError

SUGGESTED = ("viridis", "cividis", "magma", "inferno")
"""Perceptually uniform colour maps to suggest."""

DIP = 3.0
"""Largest drop in lightness, of 100, along a colour map whose lightness counts as rising."""

MIDDLE, NEUTRAL, BALANCE = (0.4, 0.6), 45.0, 30.0
"""A diverging map has its extreme lightness in this part, where the chroma is below ``NEUTRAL``.

The lightness of its ends differs by at most ``BALANCE``."""


def check_colormap(name: str) -> None:
    """Check that matplotlib has a colour map.

    Raises:
        UsageError: if it does not, with similar names.
    """
    if name in matplotlib.colormaps:
        return
    close = get_close_matches(name, list(matplotlib.colormaps), n=2)
    similar = f"did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(
        f"--cmap {name!r}: matplotlib has no such colour map; {similar}perceptually uniform are "
        f"{', '.join(SUGGESTED)}"
    )


def doubt(name: str | None) -> str:
    """Return a sentence on a colour map that shows edges where values have none, or nothing."""
    if name is None:
        return ""
    lightness, chroma = _lightness_and_chroma(matplotlib.colormaps[name](np.linspace(0, 1, 256)))
    if _is_rising(lightness) or _is_rising(lightness[::-1]) or _is_diverging(lightness, chroma):
        return ""
    return (
        f"--cmap {name}: its lightness rises and falls, which shows edges that the values do not "
        f"have; perceptually uniform are {', '.join(SUGGESTED)}"
    )


def _is_rising(lightness: NDArray[np.float64]) -> bool:
    drops = np.maximum.accumulate(lightness) - lightness
    return bool(drops.max() <= DIP)


def _is_diverging(lightness: NDArray[np.float64], chroma: NDArray[np.float64]) -> bool:
    for values in (lightness, -lightness):
        place = int(values.argmax())
        inside = MIDDLE[0] <= place / (len(values) - 1) <= MIDDLE[1]
        sides = _is_rising(values[: place + 1]) and _is_rising(values[place:][::-1])
        balanced = abs(values[0] - values[-1]) <= BALANCE
        if inside and sides and balanced and chroma[place] < NEUTRAL:
            return True
    return False


def _lightness_and_chroma(
    colors: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return CIELAB lightness and chroma of sRGB colours (n, 4), each of shape (n,)."""
    rgb = colors[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root.T
    return 116 * y - 16, np.hypot(500 * (x - y), 200 * (y - z))
