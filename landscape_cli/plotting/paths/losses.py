"""Checkpoints' own values, a panel for each quantity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from landscape_cli.plotting.paths.painter import Floats, PathPainter, PathPanel
from landscape_cli.records.presentation import PERCENT, is_wide
from landscape_cli.records.tiles import Quantity
from landscape_cli.records.trajectory import Trajectory


def panels(paths: Sequence[Trajectory]) -> list[PathPanel]:
    """Return a panel for each quantity that a path has, losses first."""
    keys = dict.fromkeys(key for path in paths for key in path.values)
    ordered = sorted(keys, key=lambda key: (key[1] != "loss", key[1], key[0] != "train", key[0]))
    return [PathPanel(_label(key), _values(key), 0, _scale(key)) for key in ordered]


def _label(key: Quantity) -> str:
    split, quantity = key
    words = quantity.replace("_", " ")
    return f"{split} {words}" + (" (%)" if quantity in PERCENT else "")


def _values(key: Quantity) -> Callable[[Trajectory], Floats | None]:
    factor = 100.0 if key[1] in PERCENT else 1.0

    def values(path: Trajectory) -> Floats | None:
        return None if key not in path.values else factor * path.values[key]

    return values


def _scale(key: Quantity) -> Callable[[Any, Sequence[Trajectory]], None]:
    def choose(axes: Any, paths: Sequence[Trajectory]) -> None:
        values = np.concatenate([path.values.get(key, np.empty(0)) for path in paths])
        known = values[np.isfinite(values)]
        if known.size and is_wide(known):
            axes.set_yscale("log")

    return choose


def lacks(path: Trajectory) -> str:
    """Say how to compute losses."""
    return "" if path.values else "has no losses; compute them with landscape trajectory --losses"


def describe(path: Trajectory) -> str:
    """State the first and last of each value."""
    parts = [
        f"{_label(key)} from {_values(key)(path)[0]:.4g} to {_values(key)(path)[-1]:.4g}"  # type: ignore[index]
        for key in path.values
    ]
    return f"{len(path.labels)} checkpoints, {', '.join(parts)}"


PAINTER = PathPainter(panels, lacks, describe)
