"""Figures of the topology of surfaces, side by side on one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import ShownFigure
from landscape_cli.plotting.layout.grid import MAX_COLUMNS, make_room_for_legends
from landscape_cli.plotting.layout.legend import explain
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.panel import MAX_PLANES, Panel
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.spectra.figure import write_caption
from landscape_cli.plotting.style import pt, style, text_scale
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.captions import SUBTITLE, annotate
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

WIDTH, AROUND = 3.8, 1.1
"""Width of a panel, and height of its titles and labels, in inches at the base font size."""

MARGIN = 0.08
"""Part of the range of extrema and saddles that is left free beyond them."""

MIN_WIDTH = 2.6
"""Minimum width of a panel in a figure of given width, in inches."""


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
    with style(page.style, page.cmap):
        figure, rows, columns = _empty(len(panels), painter.shape, page)
        splits = {panel.split for panel in panels}
        for number, (panel, found) in enumerate(zip(panels, founds, strict=True), start=1):
            axes: Any = figure.add_subplot(rows, columns, number)
            painter.paint(axes, panel, found, scale)
            _write_titles(axes, panel, len(splits) > 1)
            explain(axes, axes.get_legend_handles_labels()[0])
        if page.title:
            figure.suptitle(labels.plain(page.title), fontsize=pt(11))
        fixed = page.size is not None and page.size.height is not None
        if not fixed:
            make_room_for_legends(figure)
        if page.caption:
            write_caption(figure, describe_topology(panels, request), fixed)
            figure.draw_without_rendering()  # the first layout below a caption is not final
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


def _empty(count: int, shape: float, page: Page) -> tuple[ShownFigure, int, int]:
    """Return an empty figure, and its numbers of rows and columns."""
    columns = page.columns or MAX_COLUMNS
    if page.columns is None and page.size is not None:
        columns = max(1, int(page.size.width / MIN_WIDTH))
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    width = WIDTH * text_scale() if page.size is None else page.size.width / columns
    height = rows * (shape * (width - 0.6 * text_scale()) + AROUND * text_scale())
    if page.size is not None and page.size.height is not None:
        height = page.size.height
    return ShownFigure(figsize=(columns * width, height), layout="constrained"), rows, columns


def _write_titles(axes: Any, panel: Panel, with_split: bool) -> None:
    second = labels.plain(labels.subtitle(panel, with_split))
    axes.set_title(labels.plain(labels.title(panel)), pad=6 + pt(11) * len(second.splitlines()))
    annotate(axes, second, (0.5, 1), 5, SUBTITLE)
