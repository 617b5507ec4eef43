"""Line plots with a second quantity on an axis at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.annotations.marks import CROSSES
from landscape_cli.plotting.kinds.line import draw_curves, finish_axes
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import series
from landscape_cli.plotting.text import labels
from landscape_cli.records.presentation import naming


@dataclass(frozen=True)
class Twin:
    """The panels and scale of the second axis.

    Args:
        panels: the second quantity of the surfaces on the first axis.
        scale: their scale.
    """

    panels: Sequence[Panel]
    scale: Scale


def check_twin(panels: Sequence[Panel], twin: Sequence[Panel]) -> None:
    """Check that panels can have a second axis.

    Raises:
        UsageError: if they are planes, or both axes would show the same quantity.
    """
    first, second = panels[0], twin[0]
    if first.dimension != 1:
        raise UsageError(
            f"--twin {second.quantity}: {first.source} is not a line; use --quantity instead"
        )
    if first.quantity == second.quantity:
        raise UsageError(f"--twin {second.quantity}: already drawn; name another quantity")


def paint_both(axes: Any, panels: Sequence[Panel], scale: Scale, twin: Twin) -> None:
    """Draw the panels of one surface, and those of ``twin`` from the same file.

    A quantity's curves and axis share a colour; splits differ in their dashes.
    """
    seconds = [panel for panel in twin.panels if panel.source == panels[0].source]
    right = axes.twinx()
    right.set_zorder(axes.get_zorder() - 0.5)
    axes.patch.set_visible(False)
    dashes = [dash for _, dash in series()]
    handles = []
    for side, curves, side_scale, (color, _) in zip(
        (axes, right), (panels, seconds), (scale, twin.scale), series(), strict=False
    ):
        looks = [(color, dashes[number % len(dashes)]) for number in range(len(curves))]
        names = [
            labels.legend_text(f"{panel.split} {naming(panel.quantity).label}") for panel in curves
        ]
        draw_curves(side, curves, side_scale, looks, names)
        side.set_ylabel(labels.plain(labels.quantity(curves)), color=color)
        side.tick_params(axis="y", colors=color)
        if side is right:
            handles = [
                h for h in right.get_legend_handles_labels()[0] if h.get_marker() not in CROSSES
            ]
    finish_axes(axes, panels, scale, handles)
