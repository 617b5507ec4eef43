"""Figures: panels side by side on one scale, with one colour bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from landscape_cli.errors import UsageError
from landscape_cli.plotting import labels
from landscape_cli.plotting.captions import caption
from landscape_cli.plotting.checks import check
from landscape_cli.plotting.limits import fit
from landscape_cli.plotting.painter import Painter, load
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import style, ticks

MOST_COLUMNS = 4


def draw(
    panels: Sequence[Panel],
    kind: str | None = None,
    scale: Scale | None = None,
    columns: int = MOST_COLUMNS,
) -> Figure:
    """Draw panels side by side with the same limits.

    Args:
        panels: at least one; all of the same dimension and quantity.
        kind: a name in ``KINDS``, the default for the panels' shape if None.
        scale: limits and levels, those that ``fit`` gives without options if None.
        columns: how many panels stand in a row, at most.

    Raises:
        UsageError: if the panels do not go together, or the kind does not suit them.
    """
    kind = check(panels, kind)
    scale = scale or fit(panels)
    painter = load(kind)
    if scale.levels is not None and not painter.has_levels:
        raise UsageError(
            f"--levels {scale.levels}: --kind {kind} has no levels; use contour or contourf"
        )
    with style():
        return _draw(_groups(panels, painter), painter, scale, columns)


def _draw(groups: list[list[Panel]], painter: Painter, scale: Scale, columns: int) -> Figure:
    columns = min(len(groups), columns)
    rows = math.ceil(len(groups) / columns)
    width = 4.2 if columns == 1 else 3.5
    height = _height(groups, painter, width)
    figure = Figure(figsize=(columns * width + 0.9, rows * height), layout="compressed")
    splits = {panel.split for group in groups for panel in group}
    with_split = len(splits) > 1 and not painter.overlay
    all_axes, shown = [], None
    for place, group in enumerate(groups, start=1):
        axes: Any = figure.add_subplot(rows, columns, place, projection=painter.projection)
        shown = painter.paint(axes, group, scale)
        caption(axes, group[0], with_split, (width, height))
        all_axes.append(axes)
    if shown is not None:
        _add_bar(figure, all_axes, shown, scale, labels.quantity([g[0] for g in groups]))
    return figure


def _groups(panels: Sequence[Panel], painter: Painter) -> list[list[Panel]]:
    """The panels of each axes: one, or those of one surface if they overlay each other."""
    if not painter.overlay:
        return [[panel] for panel in panels]
    groups: dict[int, list[Panel]] = {}
    for panel in panels:
        groups.setdefault(id(panel.surface), []).append(panel)
    return list(groups.values())


def _add_bar(
    figure: Figure, axes: list[Any], shown: ScalarMappable, scale: Scale, text: str
) -> None:
    text = f"{text} (log scale)" if scale.log else text
    bar = figure.colorbar(
        shown, ax=axes, label=text, extend=scale.extend, spacing="proportional", aspect=25
    )
    if own := scale.ticks():
        bar.set_ticks(FixedLocator(own[0].tolist()))
        bar.ax.yaxis.set_major_formatter(FixedFormatter(own[1]))
    else:
        bar.set_ticks(ticks(8))


def _height(groups: list[list[Panel]], painter: Painter, width: float) -> float:
    """The height of a row in inches, titles and legends included."""
    if painter.overlay:
        return 0.6 * width + 1.1
    if painter.projection is not None:
        return 0.8 * width + 1.2
    return 0.8 * width * max(group[0].aspect for group in groups) + 0.9
