"""Measurements on planes of the loss, and pictures with one level outlined."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from steps import Workshop, landscape, output_of

import landscape_cli
from landscape_cli.analysis.convexity import convex_windows
from landscape_cli.analysis.field_selection import select
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_surface

LOSS = ("train", "loss")
RADIUS = 0.5
"""Distance from the trained network at which rises of the loss are taken."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def numbers(path: Path) -> dict[str, float]:
    """Return numbers of `landscape describe` for the training loss.

    ``centre``, ``mean rise`` and ``largest rise`` at ``RADIUS``, and, as fractions, ``convex`` and
    ``roughness``.
    """
    what = ("--split", LOSS[0], "--quantity", LOSS[1], "--radius", str(RADIUS), "--json")
    (found,) = json.loads(output_of(landscape("describe", str(path), *what)))["numbers"]
    (ring,) = found["sharpness"]["radii"]
    return {
        "centre": found["centre"],
        "mean rise": ring["mean"],
        "largest rise": ring["maximal"],
        "convex": found["convexity"]["fraction"],
        "roughness": found["roughness"]["relative"],
    }


def convexity(surface: Surface) -> tuple[Floats, Mask, Mask]:
    """Find where a plane of the training loss curves upwards in both directions.

    Returns:
        The loss at the inner points, of shape (ny - 2, nx - 2); a mask of those around which the
        least-squares paraboloid of 3 x 3 points is convex; and one of those where it is known.
    """
    (field,) = select(surface).fields(LOSS)
    known, convex = convex_windows(field)
    return field.values[1:-1, 1:-1], convex, known


def convex_within(surface: Surface, level: float) -> tuple[float, float]:
    """Return the convex fractions of the points with a loss up to a level, and of those above.

    NaN where there is no such point.
    """
    loss, convex, known = convexity(surface)
    parts = (known & (loss <= level), known & (loss > level))
    inside, outside = (float(convex[part].mean()) if part.any() else np.nan for part in parts)
    return inside, outside


def initial_loss(workshop: Workshop, name: str, recording: Path, changes: dict[str, Any]) -> float:
    """Return the training loss of the weights that a training run began with.

    Args:
        workshop: the study's.
        name: of the surface, a line of three points around those weights.
        recording: what ``--keep-every`` of scripts/train.py wrote.
        changes: to the configuration, by dotted key.
    """
    line: dict[str, Any] = {
        "checkpoint": f"{recording}::0",
        "directions": {"x": {"kind": "random", "seed": 1}},
    }
    line["grid"] = {"x": [-1, 1, 3]}
    surface = read_surface(workshop.compute(name, {**changes, **line}, ranks=1))
    return float(surface.values[LOSS][1])


def draw(
    workshop: Workshop,
    name: str,
    surfaces: Sequence[Path],
    labels: Sequence[str],
    levels: Sequence[float | None] = (),
    **options: Any,
) -> None:
    """Draw planes of the training loss as NAME.png, each with one level outlined.

    Args:
        workshop: the study's.
        name: the stem of the picture.
        surfaces: the planes.
        labels: their titles.
        levels: the level to outline in each; None for none.
        options: of ``landscape_cli.plot``.
    """
    read = [read_surface(path) for path in surfaces]
    figure = landscape_cli.plot(read, labels=labels, split=LOSS[0], quantity=LOSS[1], **options)
    for axes, surface, level in zip(figure.axes, read, levels, strict=False):
        if level is not None:
            outline(axes, surface, level)
    figure.savefig(workshop.folder / f"{name}.png", dpi=options.get("dpi", 110))


def outline(axes: Any, surface: Surface, level: float) -> None:
    """Draw one contour of the training loss, thick and red."""
    x, y = (surface.grid.axes[name].coordinates for name in "xy")
    loss = np.ma.masked_invalid(surface.values[LOSS])
    if loss.min() < level < loss.max():
        lines = axes.contour(x, y, loss, [level], colors="#d62728", linewidths=1.4, zorder=3)
        lines.set_path_effects([withStroke(linewidth=2.6, foreground="white")])
