"""A map with what it takes to judge it: principal components, a random walk, eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_cli.plotting.diffusion import eigenvalues, pca
from landscape_cli.plotting.diffusion import map as diffusion_map
from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.plotting.diffusion.painter import DiffusionPainter, View, first_null
from landscape_cli.plotting.diffusion.points import draw_plain, draw_points
from landscape_cli.records.dynamics.diffusion import Diffusion

TITLES = {"walk": "map of a random walk", "permuted": "map of permuted steps"}
"""Titles of a null's map."""


def paint_null(axes: Any, record: Diffusion, colors: Coloring) -> Any:
    """Draw the map of a null's first walk; in one colour if it has no such values."""
    null = first_null(record)
    assert null is not None
    shown, places = None, null.coordinates[:, :2]
    if colors.progress or colors.values is None:
        shown = draw_points(axes, record, places, colors, named=False)
    else:
        draw_plain(axes, record, places)
    diffusion_map.label_axes(axes, record, 2)
    return shown


def views(record: Diffusion) -> Sequence[View]:
    """Return those panels for which the record has values."""
    found = [diffusion_map.VIEW]
    if record.pca is not None:
        found.append(pca.VIEW)
    null = first_null(record)
    if null is not None and null.coordinates.shape[1] >= 2:
        found.append(View(TITLES.get(null.kind, f"map of a {null.kind}"), paint_null))
    return [*found, eigenvalues.VIEW]


def describe(record: Diffusion) -> str:
    """State the kernel and the eigenvalues."""
    return f"{diffusion_map.describe(record)} {eigenvalues.describe(record)}"


PAINTER = DiffusionPainter(views, diffusion_map.PAINTER.lacks, describe)
