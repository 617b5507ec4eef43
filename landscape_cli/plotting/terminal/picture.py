"""A whole picture in characters: titles, panels, the colours of values, a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape_cli.errors import UsageError
from landscape_cli.plotting import THREE_DIMENSIONAL
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.frame import MARGIN, cut, filled, number, plain
from landscape_cli.plotting.terminal.line import curve_lines
from landscape_cli.plotting.terminal.plane import bar, plane_lines
from landscape_cli.plotting.text import labels
from landscape_cli.records.grid import coordinates_text

AROUND = 6
"""Lines around a panel's picture: two titles, the directions, values, colours, a legend."""

LEAST = 8
"""The least rows of a panel's picture."""

BAR = 24


def picture(
    panels: Sequence[Panel], kind: str, scale: Scale, width: int, height: int, depth: Depth
) -> list[str]:
    """Draw panels one below another.

    Args:
        panels: at least one, all of the same dimension and quantity.
        kind: a name in ``KINDS`` that suits them.
        scale: the scale that they share.
        width: the columns of the terminal.
        height: its rows; more are taken where panels would be too small.
        depth: how much colour there is.

    Returns:
        The lines, none wider than the terminal.

    Raises:
        UsageError: if the kind is not one of a flat picture.
    """
    if kind in THREE_DIMENSIONAL:
        raise UsageError(
            f"--kind {kind}: --terminal draws flat pictures; use contourf, contour or heatmap"
        )
    groups = _groups(panels, kind)
    rows = max(LEAST, height // len(groups) - AROUND)
    lines: list[str] = []
    for group in groups:
        lines += [*([""] if lines else []), *_one(group, kind, scale, (width, rows), depth)]
    return lines


def _groups(panels: Sequence[Panel], kind: str) -> list[list[Panel]]:
    """The panels of one picture: one plane, or the curves of one surface."""
    groups: dict[int, list[Panel]] = {}
    for number_, panel in enumerate(panels):
        groups.setdefault(id(panel.surface) if kind == "line" else number_, []).append(panel)
    return list(groups.values())


def _one(
    panels: Sequence[Panel], kind: str, scale: Scale, size: tuple[int, int], depth: Depth
) -> list[str]:
    first, (width, rows) = panels[0], size
    subtitle = labels.subtitle(first, longest=width).split("\n")
    titles = [labels.title(first), *subtitle]
    lines = [cut(plain(text), width) for text in titles if text]
    words = [labels.axis(first, name) for name in first.surface.grid.names]
    if kind == "line":
        drawn, legend = curve_lines(panels, scale, width, rows, depth)
        lines += [*drawn, "   ".join([*legend, _named(scale, panels)])]
    else:
        drawn, legend = plane_lines(first, scale, kind, width, rows, depth)
        columns = min(BAR, max(4, width - 2 * MARGIN))
        colors = bar(scale, kind, columns, depth)
        low, high, name = number(scale.low), number(scale.high), _named(scale, panels)
        beside = len(f"{low}  {high}  {name}") + columns <= width
        lines += [*drawn, f"{low} {colors} {high}" + (f"  {name}" if beside else "")]
        lines += [*filled(legend, width), *([] if beside else [name])]
    texts = [plain(word) for word in words if len(word) > 1]
    return [*lines, *(cut(text, width) for text in texts), *_values(panels, width)]


def _named(scale: Scale, panels: Sequence[Panel]) -> str:
    return plain(labels.quantity(panels)) + (" (log scale)" if scale.log else "")


def _values(panels: Sequence[Panel], width: int) -> list[str]:
    """Each panel's lowest, highest and central value."""
    return [cut(_extremes(panel, len(panels) > 1), width) for panel in panels]


def _extremes(panel: Panel, named: bool) -> str:
    values = np.where(panel.finite, panel.z, np.nan)
    lowest = np.unravel_index(np.nanargmin(values), values.shape)[::-1]
    axes = [getattr(panel, name) for name in panel.surface.grid.names]
    place = coordinates_text([float(c[i]) for c, i in zip(axes, lowest, strict=True)])
    name = f"{plain(panel.split)}: " if named else ""
    text = f"{name}min {number(np.nanmin(values))} at {place}, max {number(np.nanmax(values))}"
    centre = _centre(panel)
    return text if centre is None else f"{text}, centre {number(centre)}"


def _centre(panel: Panel) -> float | None:
    """The value at the centre, if that is a point of the grid and computed."""
    whole = panel.whole
    place = []
    for name in panel.surface.grid.names[::-1]:
        found = np.flatnonzero(getattr(whole, name) == 0)
        if not len(found):
            return None
        place.append(int(found[0]))
    value = float(whole.z[tuple(place)])
    return None if np.isnan(value) else value
