"""The interface of a kind of plot of a surface's topology, and what kinds share."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.topology import TOPOLOGY_KINDS
from landscape_cli.topology.extrema import Extrema

MARKERS = {1: "v", -1: "^"}
"""Marker of an extremum: a triangle that points down for a minimum, up for a maximum."""


@dataclass(frozen=True)
class TopologyPainter:
    """The functions of a kind.

    Args:
        paint: draws the extrema of a panel on axes.
        describe: returns a sentence for a caption, given whether they are minima.
        shape: height over width of the axes.
    """

    paint: Callable[[Any, Panel, Extrema, Scale], None]
    describe: Callable[[bool], str]
    shape: float


def load(kind: str) -> TopologyPainter:
    """Import the painter of a kind in ``TOPOLOGY_KINDS``."""
    module, attribute = TOPOLOGY_KINDS[kind].target.split(":")
    painter: TopologyPainter = getattr(importlib.import_module(module), attribute)
    return painter
