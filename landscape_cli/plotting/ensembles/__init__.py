"""Pictures of ensemble files: a new kind is an ``EnsemblePainter`` and a line here."""

from __future__ import annotations

from landscape_cli.plotting import Kind

ENSEMBLE_KINDS = {
    "reliability": Kind(
        "landscape_cli.plotting.ensembles.reliability:PAINTER",
        1,
        "accuracy against confidence, of members and averages",
    ),
    "along": Kind(
        "landscape_cli.plotting.ensembles.along:PAINTER",
        1,
        "error along a curve, of each network and with the first",
    ),
}
"""Kinds of plot of an ensemble file; the default is what it has."""
