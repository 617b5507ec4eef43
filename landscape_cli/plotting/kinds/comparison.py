"""Lines of several surfaces in one axes, such as curves between the same two networks.

A colour belongs to a surface. With several splits, the dashes belong to the split.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import PurePath
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.lines import Line2D

from landscape_cli.plotting.annotations.marks import add_legend
from landscape_cli.plotting.annotations.names_above import draw_checkpoints
from landscape_cli.plotting.annotations.overlay import followed
from landscape_cli.plotting.kinds.line import band_entries, draw_curves
from landscape_cli.plotting.kinds.painter import Painter
from landscape_cli.plotting.panel import Panel, by_surface
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import colormap, ink, series
from landscape_cli.plotting.text import labels

ENDING = 0.9
"""Part of the colour map that is used for more surfaces than a style has colours."""


def paint(axes: Any, panels: Sequence[Panel], scale: Scale) -> None:
    """Draw the panels of all surfaces, with a legend that names them."""
    groups = by_surface(panels)
    names = [labels.legend_text(name) for name in names_of([group[0] for group in groups])]
    splits = list(dict.fromkeys(panel.split for panel in panels))
    looks = _looks(len(groups), len(splits))
    for group, name, own in zip(groups, names, looks, strict=True):
        styles = [own[splits.index(panel.split)] for panel in group]
        hidden = [name, *(f"_{panel.split}" for panel in group[1:])]
        draw_curves(axes, group, scale, styles, hidden)
    axes.set_ylabel(labels.plain(labels.quantity(panels)))
    low, high = min(panel.x[0] for panel in panels), max(panel.x[-1] for panel in panels)
    if low < high:
        axes.set_xlim(low, high)
    firsts = [group[0] for group in groups]
    centres = [one.drawn_at(np.array(one.surface.origin[:1])).item() for one in firsts]
    for centre in dict.fromkeys(centres):
        if low <= centre <= high:
            axes.axvline(centre, color=ink(0.6), linewidth=0.7, zorder=0.8, gid="centre")
    draw_checkpoints(axes, firsts)
    extra = [*_split_entries(splits), *band_entries(panels)]
    add_legend(axes, panels, scale, filled=False, extra=extra)


def names_of(panels: Sequence[Panel]) -> list[str]:
    """Return a name for each surface: the shortest kind of name that differs for all of them.

    These are the user's labels, the shapes of curves, the networks' names, and those of the files.

    Args:
        panels: a panel of each surface.
    """
    plain = [labels.title(panel) for panel in panels]
    files = [PurePath(panel.source).stem for panel in panels]
    for names in ([panel.label for panel in panels], list(map(_shape, panels)), plain, files):
        known = [name for name in names if name]
        if len(set(known)) == len(panels):
            return known
    return [panel.source for panel in panels]


def _shape(panel: Panel) -> str | None:
    """Return the words for the curve along which a line runs, None if it is another line."""
    curve = followed(panel)
    if curve is None:
        return None
    return "straight line" if curve.shape.points == 2 else curve.shape.title


def _looks(surfaces: int, splits: int) -> list[list[tuple[str, str]]]:
    """Return colour and dashes of each split of each surface."""
    colors: list[Any] = [color for color, _ in series()]
    if surfaces > len(colors):
        colors = [colormap()(place) for place in np.linspace(0, ENDING, surfaces)]
    dashes = [dash for _, dash in series()]
    found = []
    for place, color in enumerate(colors[:surfaces]):
        numbers = [place] if splits == 1 else range(splits)
        found.append([(color, dashes[number % len(dashes)]) for number in numbers])
    return found


def _split_entries(splits: Sequence[str]) -> list[Artist]:
    """Return the legend's entries for the dashes of several splits."""
    if len(splits) == 1:
        return []
    dashes: Any = cycle([dash for _, dash in series()])
    return [
        Line2D([], [], color=ink(0.4), linestyle=dash, label=labels.legend_text(split))
        for split, dash in zip(splits, dashes, strict=False)
    ]


PAINTER = Painter(paint, overlay=True, joint=True, clipped="and are cut off")
