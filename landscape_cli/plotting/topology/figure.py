"""Figures of the topology of surfaces, side by side on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.choice import arrange
from landscape_cli.plotting.layout.legend import entries_of, explain, needs_letters
from landscape_cli.plotting.layout.sheet import Block, Sheet
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.panel import MAX_PLANES, Panel
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import style
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.captions import headings_of
from landscape_cli.plotting.text.description import describe
from landscape_cli.plotting.topology.painter import load
from landscape_cli.plotting.value_range import fit
from landscape_cli.records.presentation import is_wide
from landscape_cli.records.surface import Surface
from landscape_cli.topology.extrema import Extrema

OF_VALUES = (
    *("contours_of", "quiver", "basins", "twin", "along", "raw", "levels", "vmin", "vmax"),
)
"""Fields of a request for pictures that show values rather than extrema."""

WIDTH = 3.8
"""Width of a panel in inches at the base font size."""

MARGIN = 0.08
"""Part of the range of extrema and saddles that is left free beyond them."""


def topology_panels(
    request: Request, surfaces: Sequence[Surface], names: Sequence[str]
) -> list[Panel]:
    """Return the panels to draw: one for each surface, repeat and split of a line.

    Raises:
        UsageError: if an option does not apply, or there are too many panels.
    """
    for name in OF_VALUES:
        if (value := getattr(request, name)) is not None and value is not False:
            option = name.replace("_", "-")
            raise UsageError(f"--{option}: does not apply to --kind {request.kind}; leave it out")
    if len(request.quantities) > 1:
        raise UsageError(
            f"--quantity is given {len(request.quantities)} times: --kind {request.kind} draws one"
        )
    panels = [
        replace(part, shown=_level(panel)) if panel.dimension == 1 else part
        for panel in request.panels(surfaces, names)
        for part in panel.members or (panel,)
    ]
    request.criterion.check(panels)
    if len(panels) > MAX_PLANES:
        raise UsageError(
            f"--kind {request.kind}: {len(panels)} panels are more than the {MAX_PLANES} that fit "
            "in a figure; choose one with --repeat K"
        )
    return panels


def _level(panel: Panel) -> Mapping[str, NDArray[np.int64]] | None:
    """Return the finest complete level of a line; pictures of values show all computed points."""
    return None if panel.surface.complete else panel.surface.level


def draw_topology(panels: Sequence[Panel], request: Request, page: Page) -> ShownFigure:
    """Draw the extrema of panels.

    Args:
        panels: as ``topology_panels`` returns them.
        request: the kind, a name in ``TOPOLOGY_KINDS``, and which extrema count.
        page: size, style, columns, title, caption.

    Raises:
        UsageError: if a panel has no finite value, or an option does not suit the values.
    """
    if page.camera is not None:
        raise UsageError(f"--azimuth, --elevation, --zoom: do not apply to --kind {request.kind}")
    painter, founds = load(str(request.kind)), [request.criterion.extrema(one) for one in panels]
    scale = _limited(_scale(panels, request), founds)
    with style(page.style, page.cmap, page.font_size):
        figure = ShownFigure(figsize=(WIDTH, painter.shape * WIDTH))
        every: list[Any] = []
        for panel, found in zip(panels, founds, strict=True):
            axes: Any = figure.add_axes((0, 0, 0.9, 0.9))
            painter.paint(axes, panel, found, scale)
            explain(axes, axes.get_legend_handles_labels()[0])
            every.append(axes)
        with_split = len({panel.split for panel in panels}) > 1
        groups = [[panel] for panel in panels]
        words = headings_of(groups, page.titled, with_split, needs_letters(every))
        texts = zip(every, words.titles, words.seconds, strict=True)
        sheet = Sheet(
            figure,
            [Block([Cell(*each) for each in texts])],
            shape=painter.shape,
            title=labels.plain(page.title),
            note=words.note,
            caption=labels.plain(describe_topology(panels, request)) if page.caption else "",
            entries=entries_of(every, words.letters),
        )
        arrange(sheet, page.columns, page.size, WIDTH)
        return figure


def describe_topology(panels: Sequence[Panel], request: Request) -> str:
    """Describe a figure in one paragraph without mathtext."""
    painter = load(str(request.kind))
    minima = request.criterion.extrema(panels[0]).sign > 0
    counted = request.criterion.describe(panels)
    return f"{painter.describe(minima)} {describe(panels, _scale(panels, request))} {counted}."


def _limited(scale: Scale, founds: Sequence[Extrema]) -> Scale:
    """Return a scale from the lowest to the highest of all extrema and saddles, and a bit beyond.

    What lies above the highest saddle would only be the line of the minimum that never ends.
    """
    marked = [np.concatenate([each.values, each.ends]) for each in founds]
    known = np.concatenate(marked)
    known = known[np.isfinite(known)]
    low, high = float(known.min()), float(known.max())
    if len(known) == len(founds):  # a single extremum in each
        low, high = min(low, scale.low), max(high, scale.high)
    if low == high:
        return scale
    if scale.log:
        factor = (high / low) ** MARGIN
        return replace(scale, low=low / factor, high=high * factor)
    margin = MARGIN * (high - low)
    return replace(scale, low=low - margin, high=high + margin)


def _scale(panels: Sequence[Panel], request: Request) -> Scale:
    """Return the scale of all panels, logarithmic for positive values over many decades."""
    log = request.log
    if log is None:
        values = np.concatenate([panel.z[panel.finite] for panel in panels])
        log = bool(values.size) and is_wide(values)
    return fit(panels, log=log, vmin=request.vmin, vmax=request.vmax)
