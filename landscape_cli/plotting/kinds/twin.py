"""Two quantities along a line: the second one on an axis of its own, at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.kinds.line import draw_curves, finish
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import series
from landscape_cli.plotting.text import labels


@dataclass(frozen=True)
class Twin:
    """What is drawn on the second axis.

    Args:
        panels: as many as there are on the first axis, each of the same surface.
        scale: theirs.
    """

    panels: Sequence[Panel]
    scale: Scale


def check_twin(panels: Sequence[Panel], twin: Sequence[Panel]) -> None:
    """Refuse what has no second axis.

    Raises:
        UsageError: for planes, and for a quantity that is on the first axis already.
    """
    first, second = panels[0], twin[0]
    if first.dimension != 1:
        raise UsageError(
            f"--twin {second.quantity}: {first.source} is no line; use --quantity in its place"
        )
    if first.quantity == second.quantity:
        raise UsageError(f"--twin {second.quantity}: is drawn already; name another quantity")


def paint_both(axes: Any, panels: Sequence[Panel], scale: Scale, twin: Twin) -> None:
    """Draw the panels of one surface, and those of ``twin`` that are of its file.

    Each quantity has a colour, which its axis has, too; splits differ in their dashes.
    """
    others = [panel for panel in twin.panels if panel.source == panels[0].source]
    right = axes.twinx()
    right.set_zorder(axes.get_zorder() - 0.5)
    axes.patch.set_visible(False)
    dashes = [dash for _, dash in series()]
    handles = []
    for side, drawn, own, (color, _) in zip(
        (axes, right), (panels, others), (scale, twin.scale), series(), strict=False
    ):
        looks = [(color, dashes[number % len(dashes)]) for number in range(len(drawn))]
        names = [f"{panel.split} {panel.quantity.replace('_', ' ')}" for panel in drawn]
        draw_curves(side, drawn, own, looks, names)
        side.set_ylabel(labels.quantity(drawn), color=color)
        side.tick_params(axis="y", colors=color)
        if side is right:
            handles = [h for h in right.get_legend_handles_labels()[0] if h.get_marker() != "x"]
    finish(axes, panels, scale, handles)
