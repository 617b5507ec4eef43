"""Whole pictures in characters: titles, panels, colour bars and legends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape_cli.errors import UsageError
from landscape_cli.plotting import FIELDS, KINDS, THREE_DIMENSIONAL
from landscape_cli.plotting.panel import Panel, by_surface
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.frame import (
    MARGIN,
    fit_height,
    format_number,
    printable,
    truncate,
    wrap_legend,
)
from landscape_cli.plotting.terminal.line import curve_lines
from landscape_cli.plotting.terminal.plane import bar, plane_lines
from landscape_cli.plotting.text import labels
from landscape_cli.records.grid import coordinates_text

LEAST_ROWS, MIN_ROWS = 6, 8
"""Minimum number of rows of a single panel, and of each of several, with its x axis."""

BAR_COLUMNS = 24
"""Maximum number of columns of the colour bar."""


def picture(
    panels: Sequence[Panel], kind: str, scale: Scale, width: int, height: int, depth: Depth
) -> list[str]:
    """Draw panels one below another.

    Args:
        panels: at least one, all of the same dimension and quantity.
        kind: a name in ``KINDS`` that suits them.
        scale: the scale shared by all panels.
        width: columns of the terminal.
        height: rows of the terminal; more are used if panels would be too small.
        depth: colour depth.

    Returns:
        The lines, none wider than the terminal.

    Raises:
        UsageError: if the kind is three-dimensional, or draws a field.
    """
    if kind in FIELDS:
        raise UsageError(
            f"--kind {kind}: --terminal draws no lines; use contourf, contour or heatmap"
        )
    if kind in THREE_DIMENSIONAL:
        raise UsageError(
            f"--kind {kind}: --terminal draws flat pictures; use contourf, contour or heatmap"
        )
    groups = _groups(panels, kind)

    def draw(rows: int) -> list[str]:
        lines: list[str] = []
        for group in groups:
            size = width, rows
            lines += [*([""] if lines else []), *_panel_lines(group, kind, scale, size, depth)]
        return lines

    least = LEAST_ROWS if len(groups) == 1 else MIN_ROWS
    return fit_height(draw, height, least, len(groups))


def _groups(panels: Sequence[Panel], kind: str) -> list[list[Panel]]:
    """Group panels: one plane each, or all curves of a surface."""
    return by_surface(panels) if KINDS[kind].axes == 1 else [[panel] for panel in panels]


def _panel_lines(
    panels: Sequence[Panel], kind: str, scale: Scale, size: tuple[int, int], depth: Depth
) -> list[str]:
    first, (width, rows) = panels[0], size
    subtitle = labels.subtitle(first, longest=width).split("\n")
    titles = [labels.title(first), *subtitle]
    lines = [truncate(printable(text), width) for text in titles if text]
    meanings = [labels.axis(first, name) for name in first.surface.grid.names]
    if KINDS[kind].axes == 1:
        drawn, legend = curve_lines(panels, scale, width, rows, depth)
        lines += [*drawn, "   ".join([*legend, _quantity(scale, panels)])]
    else:
        drawn, legend = plane_lines(first, scale, kind, width, rows, depth)
        columns = min(BAR_COLUMNS, max(4, width - 2 * MARGIN))
        colors = bar(scale, kind, columns, depth)
        low, high = format_number(scale.low), format_number(scale.high)
        name = _quantity(scale, panels)
        beside = len(f"{low}  {high}  {name}") + columns <= width
        lines += [*drawn, f"{low} {colors} {high}" + (f"  {name}" if beside else "")]
        lines += [*wrap_legend(legend, width), *([] if beside else [name])]
    texts = [printable(meaning) for meaning in meanings if len(meaning) > 1]
    texts += [_extremes(panel, with_split=len(panels) > 1) for panel in panels]
    return [*lines, *(truncate(text, width) for text in texts)]


def _quantity(scale: Scale, panels: Sequence[Panel]) -> str:
    return printable(labels.quantity(panels)) + (" (log scale)" if scale.log else "")


def _extremes(panel: Panel, with_split: bool) -> str:
    """Return a panel's lowest, highest and central values."""
    values = np.where(panel.finite, panel.z, np.nan)
    lowest = np.unravel_index(np.nanargmin(values), values.shape)[::-1]
    axes = [getattr(panel, name) for name in panel.surface.grid.names]
    place = coordinates_text([float(c[i]) for c, i in zip(axes, lowest, strict=True)])
    name = f"{printable(panel.split)}: " if with_split else ""
    low, high = format_number(np.nanmin(values)), format_number(np.nanmax(values))
    text = f"{name}min {low} at {place}, max {high}"
    centre = panel.centre
    return text if centre is None else f"{text}, centre {format_number(centre)}"
