"""A part of a figure: the panels of one quantity, which share a scale and a colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from landscape_cli.plotting.kinds.twin import Twin
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale


@dataclass(frozen=True)
class Part:
    """Panels that share a kind, a scale and a colour bar.

    Args:
        panels: at least one, all of the same dimension and quantity.
        kind: the kind of plot, a name in ``KINDS``.
        scale: their scale.
        twin: the panels and scale of a second axis.
    """

    panels: Sequence[Panel]
    kind: str
    scale: Scale
    twin: Twin | None = None
