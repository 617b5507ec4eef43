"""Measurements on planes of the loss, and pictures with one level outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from perceptrons import problem_of
from steps import Network, Workshop

import landscape_cli
from landscape_cli.analysis.convexity import convex_windows
from landscape_cli.analysis.field_selection import select
from landscape_cli.problems import Problem
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_surface

LOSS = ("train", "loss")
RADIUS = 0.5
"""Distance from the trained network at which rises of the loss are taken."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def numbers(path: Path) -> dict[str, float]:
    """Return numbers of ``landscape_cli.describe`` for the training loss.

    ``centre``, ``mean rise`` and ``largest rise`` at ``RADIUS``, and, as fractions, ``convex`` and
    ``roughness``.
    """
    (found,) = landscape_cli.describe(read_surface(path), *([one] for one in LOSS), [RADIUS])[
        "numbers"
    ]
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


def initial_loss(workshop: Workshop, network: Network) -> float:
    """Return the training loss of the recorded weights that a network's training began with.

    As in training, norms take the statistics of the batch, here of all samples: running ones are
    not estimated yet, and without any the loss of a deep network is a different one altogether.
    """
    problem = _load(workshop, network, f"{workshop.folder / network.name}_steps::0")
    problem.model.train()
    return _mean(problem, "train", "loss")


def accuracies(workshop: Workshop, network: Network) -> dict[str, float]:
    """Return the accuracy of a trained network on each split.

    A training log has others: on training data the mean over an epoch, and all from before
    ``--recalibrate``.
    """
    problem = _load(workshop, network, str(workshop.checkpoint(network)))
    problem.model.eval()
    return {split: _mean(problem, split, "accuracy") for split in problem.splits}


def _load(workshop: Workshop, network: Network, checkpoint: str) -> Problem:
    problem = problem_of(workshop.folder / f"{network.name}.yaml")
    load_weights(problem.model, CheckpointPath.parse(checkpoint))
    return problem


@torch.no_grad()
def _mean(problem: Problem, split: str, quantity: str) -> float:
    """Return the mean of a quantity over a split, all samples in one batch."""
    values: Any = problem.objective(problem.model, problem.splits[split][:])
    return float(values[quantity].double().mean())


def of_path(path: Path, points: int) -> dict[str, Any]:
    """Return the configuration of the plane of a training's path, over the path's range.

    Args:
        path: a file of `landscape trajectory`.
        points: the number of points along each axis.
    """
    with h5py.File(path) as file:
        ranges = {axis: file.attrs[f"range_{axis}"].tolist() for axis in "xy"}
    return {
        "directions": {axis: {"kind": "file", "path": str(path)} for axis in ranges},
        "grid": {axis: [*range_, points] for axis, range_ in ranges.items()},
    }


def without(surface: Surface, *facts: str) -> Surface:
    """Return a surface without some of its provenance, so that pictures do not show it."""
    known = {key: value for key, value in surface.provenance.items() if key not in facts}
    return replace(surface, provenance=known)


def draw(
    workshop: Workshop,
    name: str,
    surfaces: Sequence[Path],
    labels: Sequence[str],
    levels: Sequence[float | None] = (),
    note: bool = True,
    **options: Any,
) -> None:
    """Draw planes of the training loss as NAME.png, each with one level outlined.

    Args:
        workshop: the study's.
        name: the stem of the picture.
        surfaces: the planes.
        labels: their titles.
        levels: the level to outline in each; None for none.
        note: whether to keep the note on directions below the panels.
        options: of ``landscape_cli.plot``.
    """
    read = [read_surface(path) for path in surfaces]
    figure = landscape_cli.plot(read, labels=labels, split=LOSS[0], quantity=LOSS[1], **options)
    for axes, surface, level in zip(figure.axes, read, levels, strict=False):
        if level is not None:
            outline(axes, surface, level)
    if not note:
        remove_texts(figure)
    figure.savefig(workshop.folder / f"{name}.png", dpi=110)


def remove_texts(figure: Figure) -> None:
    """Remove all text of a figure that is in no panel."""
    for text in list(figure.texts):
        text.remove()


def outline(axes: Any, surface: Surface, level: float) -> None:
    """Draw one contour of the training loss, thick and red."""
    x, y = (surface.grid.axes[name].coordinates for name in "xy")
    loss = np.ma.masked_invalid(surface.values[LOSS])
    if loss.min() < level < loss.max():
        lines = axes.contour(x, y, loss, [level], colors="#d62728", linewidths=1.4, zorder=3)
        lines.set_path_effects([withStroke(linewidth=2.6, foreground="white")])
