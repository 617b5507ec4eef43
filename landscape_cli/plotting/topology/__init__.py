"""Pictures of a surface's topology: a new kind is a ``TopologyPainter`` and a line here."""

from __future__ import annotations

from landscape_cli.plotting import Kind

TOPOLOGY_KINDS = {
    "merge-tree": Kind(
        "landscape_cli.plotting.topology.merge_tree:PAINTER",
        1,
        "minima, and the saddles at which their valleys join",
    ),
    "persistence": Kind(
        "landscape_cli.plotting.topology.persistence:PAINTER",
        1,
        "the saddle of each minimum against the minimum",
    ),
}
"""Kinds of plot of the minima of lines, planes and volumes."""
