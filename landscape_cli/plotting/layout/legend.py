"""The legend that explains what the panels of a figure show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.transforms import ScaledTranslation

from landscape_cli.plotting.style import pt, text_scale

LEGEND_LETTER, LEGEND_HANDLE = 0.064, 0.42
"""Approximate width of a letter, and of a handle with its gaps, of a legend, in inches."""

LEGEND_DROP = 33
"""Distance of a legend from flat axes with an x label of one line, in points."""

LEGEND_ROOM = 0.4
"""Part of a panel's width that a legend leaves free, in inches."""


def explain(axes: Any, entries: Sequence[Artist]) -> None:
    """State what a legend must explain of a panel.

    Args:
        axes: the panel's axes.
        entries: artists with labels, in the order in which the legend shows them.
    """
    if not entries:
        return
    points = 38 if axes.name == "3d" else LEGEND_DROP
    below = ScaledTranslation(0, -pt(points) / 72, axes.figure.dpi_scale_trans)
    axes.legend(
        handles=list(entries),
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=axes.transAxes + below,
        borderaxespad=0,
        ncols=2 if len(entries) > 1 and fits_two_columns(axes, entries) else 1,
    )


def fits_two_columns(axes: Any, entries: Sequence[Artist]) -> bool:
    """Return whether a legend of two columns is about as wide as a panel, or narrower."""
    half = -(-len(entries) // 2)
    texts = [
        max(len(str(one.get_label())) for one in each) for each in (entries[:half], entries[half:])
    ]
    width = sum(texts) * LEGEND_LETTER + 2 * LEGEND_HANDLE
    grid = axes.get_subplotspec()
    columns = 1 if grid is None else grid.get_gridspec().ncols
    return text_scale() * width <= float(axes.figure.get_figwidth()) / columns - LEGEND_ROOM
