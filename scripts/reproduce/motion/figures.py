"""Figures of the studies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from landscape_cli.plotting.style import style
from landscape_cli.store.diffusion_file import read_diffusion

ROWS = {"": "training", "walk": "a random walk", "permuted": "its steps, permuted"}
"""The rows of a figure by the kind of their walk."""

DPI = 150


def draw_maps(output: Path, maps: Mapping[str, Path]) -> None:
    """Draw the first two coordinates of trainings above those of a walk of each kind.

    Args:
        output: the picture to write.
        maps: the diffusion file of each training, by its label.
    """
    with style():
        figure = Figure(figsize=(2.4 * len(maps), 2.2 * len(ROWS)), layout="constrained")
        grid = figure.subplots(len(ROWS), len(maps), squeeze=False)
        for column, (label, path) in enumerate(maps.items()):
            found = read_diffusion(path)
            places = {
                "": found.coordinates,
                **{null.kind: null.coordinates for null in found.nulls},
            }
            grid[0, column].set_title(label)
            for axes, kind in zip(grid[:, column], ROWS, strict=True):
                _draw(axes, places[kind])
        for row, words in enumerate(ROWS.values()):
            grid[row, 0].set_ylabel(words)
        colors = figure.colorbar(grid[0, 0].collections[0], ax=grid, shrink=0.6)
        colors.set_label("fraction of the steps")
        figure.savefig(output, dpi=DPI, metadata={"Software": None})
    print(f"wrote {output.resolve()}")


def _draw(axes: Axes, places: NDArray[np.float64]) -> None:
    done = np.linspace(0, 1, len(places))
    axes.scatter(*places[:, :2].T, c=done, s=3, cmap="viridis", norm=Normalize(0, 1))
    axes.set(xticks=[], yticks=[])
