"""Pictures of diffusion files: a new kind is a ``DiffusionPainter`` and a line here."""

from __future__ import annotations

from landscape_cli.plotting import Kind

DIFFUSION_KINDS = {
    "overview": Kind(
        "landscape_cli.plotting.diffusion.overview:PAINTER",
        2,
        "map, principal components, a random walk's map, eigenvalues",
    ),
    "map": Kind("landscape_cli.plotting.diffusion.map:PAINTER", 2, "the first two coordinates"),
    "map3d": Kind(
        "landscape_cli.plotting.diffusion.map:IN_SPACE",
        3,
        "the first three coordinates",
        three_dimensional=True,
    ),
    "pca": Kind(
        "landscape_cli.plotting.diffusion.pca:PAINTER", 2, "principal components beside the map"
    ),
    "eigenvalues": Kind(
        "landscape_cli.plotting.diffusion.eigenvalues:PAINTER",
        1,
        "eigenvalues with the range of random walks'",
    ),
    "kernel": Kind(
        "landscape_cli.plotting.diffusion.kernel:PAINTER",
        1,
        "the kernel's sum and its slope by bandwidth",
    ),
}
"""Kinds of plot of a diffusion file, the default first."""
