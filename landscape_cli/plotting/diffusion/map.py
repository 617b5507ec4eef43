"""Diffusion maps in two and three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.plotting.diffusion.painter import (
    DiffusionPainter,
    View,
    lacks_components,
    psi,
)
from landscape_cli.plotting.diffusion.points import draw_onto, draw_points
from landscape_cli.plotting.style import ticks
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.dynamics.diffusion_summary import CHOSEN


def paint(axes: Any, record: Diffusion, colors: Coloring) -> Any:
    """Draw the first two coordinates, and further checkpoints hollow."""
    return _paint(axes, record, colors, 2)


def paint_in_space(axes: Any, record: Diffusion, colors: Coloring) -> Any:
    """Draw the first three coordinates, and further checkpoints hollow."""
    return _paint(axes, record, colors, 3)


def _paint(axes: Any, record: Diffusion, colors: Coloring, count: int) -> Any:
    assert record.coordinates is not None
    shown = draw_points(axes, record, record.coordinates[:, :count], colors)
    draw_onto(axes, record, colors, count)
    label_axes(axes, record, count)
    return shown


def label_axes(axes: Any, record: Diffusion, count: int) -> None:
    """Label axes by the coordinates that they show."""
    for number, name in enumerate("xyz"[:count], start=1):
        getattr(axes, f"set_{name}label")(psi(record, number))
        flat: Any = 5 if name == "x" else "auto"
        getattr(axes, f"{name}axis").set_major_locator(ticks(flat if count == 2 else 4))


def describe(record: Diffusion) -> str:
    """State the kernel, and what places further checkpoints have."""
    text = "Checkpoints"
    text += " of each training are" if len(record.names) > 1 else " are"
    text += (
        f" joined in order. Kernel exp(-d²/ε) with ε = {record.epsilon:.4g}"
        f" ({CHOSEN.get(record.chosen, record.chosen)}), densities to the power {record.alpha:g} "
        "divided out."
    )
    if record.onto is not None:
        lost = int(np.isnan(record.onto.coordinates).any(axis=1).sum())
        text += " Hollow: further checkpoints, by the Nyström extension"
        text += f"; the kernel does not reach {lost} of them." if lost else "."
    return text


VIEW = View("diffusion map", paint)
SPACE = View("diffusion map", paint_in_space, spatial=True)

PAINTER = DiffusionPainter(
    lambda record: (VIEW,), lambda record: lacks_components(record, 2), describe
)
IN_SPACE = DiffusionPainter(
    lambda record: (SPACE,), lambda record: lacks_components(record, 3), describe
)
