"""Principal components of the same checkpoints, beside the diffusion map."""

from __future__ import annotations

from typing import Any

from landscape_cli.plotting.diffusion import map as diffusion_map
from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.plotting.diffusion.painter import DiffusionPainter, View
from landscape_cli.plotting.diffusion.points import draw_points
from landscape_cli.plotting.style import ticks
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.presentation import share


def paint(axes: Any, record: Diffusion, colors: Coloring) -> Any:
    """Draw the first two principal components."""
    assert record.pca is not None
    shown = draw_points(axes, record, record.pca, colors, named=False)
    axes.set_xlabel(_label(record, 1))
    axes.set_ylabel(_label(record, 2).replace(" of", "\nof"))
    axes.xaxis.set_major_locator(ticks(5))
    axes.yaxis.set_major_locator(ticks("auto"))
    return shown


def _label(record: Diffusion, number: int) -> str:
    assert record.explained is not None
    fraction = float(record.explained[number - 1])
    return f"PCA {number}: {share(fraction)} of variance" if fraction > 0 else f"PCA {number}"


def lacks(record: Diffusion) -> str:
    """Say how to compute principal components."""
    if record.pca is None:
        return "has no principal components; run landscape diffusion again"
    return diffusion_map.PAINTER.lacks(record)


def describe(record: Diffusion) -> str:
    """State the kernel, and the variance that two components explain."""
    assert record.explained is not None
    total = share(float(record.explained.sum()))
    return f"{diffusion_map.describe(record)} Two principal components explain {total}."


VIEW = View("principal components", paint)

PAINTER = DiffusionPainter(lambda record: (diffusion_map.VIEW, VIEW), lacks, describe)
