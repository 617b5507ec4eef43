"""Checkpoints' own values beside those of the plane that their path is projected onto."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from landscape_cli.plotting.annotations.overlay import paths_of
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import BAD, outline, pt
from landscape_cli.plotting.text import labels
from landscape_cli.records.trajectory import Trajectory

Floats = NDArray[np.float64]

DOT, SMALLEST = 4.6, 1.3
"""Size in points of a dot that shows a value, and of one among many."""

ROOM = 200
"""Number of checkpoints from which on dots have the smallest size, and no edges."""


@dataclass(frozen=True)
class Residual:
    """The difference between a checkpoint's own value and the plane's at its projection.

    Args:
        value: the largest difference by size, as shown.
        label: its checkpoint.
        mean: the mean of all differences.
        count: number of checkpoints that have one.
    """

    value: float
    label: str
    mean: float
    count: int


def own_values(panel: Panel, path: Trajectory) -> Floats | None:
    """Return the checkpoints' own values of a panel's quantity as shown; None if unknown."""
    stored = path.values.get((panel.split, panel.quantity))
    return None if stored is None else panel.unit * stored


def draw_own_values(axes: Any, panel: Panel, path: Trajectory, scale: Scale, edge: Any) -> bool:
    """Draw each checkpoint of a flat panel in the colour of its own value.

    Args:
        axes: the axes to draw on.
        panel: the panel drawn there.
        path: the checkpoints' path.
        scale: the panel's scale.
        edge: colour of the path, around each dot.

    Returns:
        Whether the path has values of the panel's quantity.
    """
    values = own_values(panel, path)
    if values is None:
        return False
    heights = scale.heights(values)
    known = np.isfinite(heights)
    share = min(1.0, len(values) / ROOM)
    size = pt(DOT + share * (SMALLEST - DOT))
    axes.scatter(
        *path.coordinates[known].T,
        s=size**2,
        c=scale.flat_colors(scale.norm(heights[known])),
        edgecolors=[edge],
        linewidths=size / 8 if len(values) < ROOM else 0,
        zorder=5.8,
        gid="own-values",
    )
    if not known.all():
        axes.plot(*path.coordinates[~known].T, zorder=6.1, **absent_look(values, known))
    return True


def absent_look(values: Floats, known: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the look of crosses at checkpoints whose value the scale can't show."""
    words = "not finite" if not np.isfinite(values[~known]).any() else "not drawable"
    count = f"{int((~known).sum()):,}"
    return {
        "linestyle": "none",
        "marker": "x",
        "markersize": pt(5),
        "color": BAD,
        "markeredgewidth": 1.4,
        "path_effects": outline(2.6),
        "label": f"own value {words} ({count})",
        "gid": "own-not-finite",
    }


def residual(panel: Panel, path: Trajectory) -> Residual | None:
    """Compare checkpoints' own values with the plane's, interpolated where they are projected.

    Returns:
        None if no checkpoint within the grid has both.
    """
    values = own_values(panel, path)
    if values is None or panel.dimension != 2 or min(panel.z.shape) < 2:
        return None
    at = RegularGridInterpolator((panel.y, panel.x), panel.z, bounds_error=False)
    with np.errstate(invalid="ignore"):
        off = values - at(path.coordinates[:, ::-1])
    known = np.isfinite(off)
    if not known.any():
        return None
    place = int(np.nanargmax(np.abs(np.where(known, off, np.nan))))
    mean = float(off[known].mean())
    return Residual(float(off[place]), path.labels[place], mean, int(known.sum()))


def residual_words(panels: Sequence[Panel]) -> list[str]:
    """Return sentences on the checkpoints' own values, for a caption."""
    sentences = []
    for panel in panels:
        for path in paths_of(panel) if panel.dimension == 2 else ():
            if (found := residual(panel, path)) is None:
                continue
            whose = f" of {path.name}" if path.name else ""
            sentences.append(
                f"Checkpoints{whose} are drawn at their own {panel.split} {panel.quantity}, which "
                f"is {_side(found.value)} the plane's at {found.label}, where they differ most, "
                f"and {_side(found.mean)} it on average."
            )
    return list(dict.fromkeys(sentences))


def _side(difference: float) -> str:
    side = "above" if difference >= 0 else "below"
    return f"{labels.number(float(f'{abs(difference):.3g}'))} {side}"
