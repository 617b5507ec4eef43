"""Surface files: complete or not, one of them with repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from damage import Inputs, Reader

from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.repeats import one_repeat, spread
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import TileResult
from landscape_cli.store import empty_surface, read_surface, write_surface
from landscape_cli.store.recorder import Recorder


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a complete surface, an incomplete one, and one with repeats."""
    path = folder / "valid.h5"
    contents = []
    for points, repeats in ((range(20), 1), (range(7), 1), (range(33), 2)):
        write_surface(path, make_surface(points, repeats))
        contents.append(path.read_bytes())

    def read(path: Path, content: bytes) -> None:
        surface = read_surface(path)
        surface.summary()
        one_repeat(surface, surface.grid.repeats - 1)
        if surface.grid.repeated:
            for key in surface.values:
                spread(surface, key)

    return contents, read


def make_surface(points: range, repeats: int = 1) -> Surface:
    """Make a surface of 5 x 4 points with values at some of them.

    Args:
        points: flat indices of the points that have values.
        repeats: the number of repeats.
    """
    grid = Grid({"x": Axis(-1, 1, 5), "y": Axis(-1, 1, 4)}, repeats)
    recorder = Recorder("unused.h5", empty_surface(grid, {"problem": "a:b"}, {"runs": []}))
    values = {("train", "loss"): np.array(points) / 7, ("train", "accuracy"): np.array(points) / 20}
    recorder.add(TileResult(tuple(points), values, values, np.ones(len(points), np.float32)))
    return recorder.surface
