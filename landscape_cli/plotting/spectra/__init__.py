"""Pictures of curvature files: a new kind is a ``SpectrumPainter`` and a line here."""

from __future__ import annotations

from landscape_cli.plotting import Kind

SPECTRUM_KINDS = {
    "density": Kind("landscape_cli.plotting.spectra.density:PAINTER", 1, "a spectral density"),
    "eigenvalues": Kind(
        "landscape_cli.plotting.spectra.eigenvalues:PAINTER", 1, "bars of the extreme eigenvalues"
    ),
    "training": Kind(
        "landscape_cli.plotting.spectra.training:PAINTER", 1, "eigenvalues over checkpoints"
    ),
    "blocks": Kind(
        "landscape_cli.plotting.spectra.blocks:PAINTER", 1, "the largest eigenvalues of each block"
    ),
}
"""Kinds of plot of a curvature file; the default depends on what the file has."""
