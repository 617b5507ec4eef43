"""Single bytes that change in our files and in checkpoints: none may change a value silently.

A flip is refused, or harmless: nothing that a reader returns has changed. Any other is an error.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from damage import Inputs, Reader
from surfaces import make_surface
from torch import nn

from landscape_cli.geometry.parameters import digest
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store import (
    directions_path,
    read_centre,
    read_direction,
    read_surface,
    read_trajectories,
    write_directions,
    write_surface,
)
from landscape_cli.store.directions_file import read_range
from landscape_cli.store.trajectory_file import Plane, read_plane_facts, write_trajectory

FLIPS = 1000
"""Number of flips of each kind of file."""

TENSORS = {
    "weight": torch.arange(12.0).reshape(4, 3) / 7,
    "bias": torch.tensor([0.5, -1.0, 2.0, 3.0], dtype=torch.float64),
    "scale": torch.tensor(2.0),
    "empty": torch.zeros(0, 3),
}


class SilentFlipError(AssertionError):
    """A changed byte that changed a value, and was not refused."""


def flips(contents: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Yield the first content, and then copies of it in which one byte differs."""
    yield contents[0]
    for _ in range(FLIPS):
        yield flip(contents[0], chance)


def flip(content: bytes, chance: random.Random) -> bytes:
    """Return a copy in which one byte differs."""
    out = bytearray(content)
    out[chance.randrange(len(out))] ^= chance.randrange(1, 256)
    return bytes(out)


def prepare_surface(folder: Path) -> tuple[Inputs, Reader]:
    """Write a surface with repeats."""
    path = folder / "valid.h5"
    write_surface(path, make_surface(range(33), repeats=2))
    return prepared(path, _surface)


def prepare_directions(folder: Path) -> tuple[Inputs, Reader]:
    """Write two directions, with a scalar and an empty tensor."""
    facts = {"kind": "random", "seed": 1, "sha256": digest(TENSORS)}
    shapes = {name: tuple(tensor.shape) for name, tensor in TENSORS.items()}

    def pieces() -> Iterator[tuple[str, Any, Any]]:
        yield from ((name, ..., tensor.numpy()) for name, tensor in TENSORS.items())

    write_directions(folder / "valid.h5", shapes, {"x": pieces, "y": pieces}, {"x": facts, "y": {}})
    return prepared(directions_path(folder / "valid.h5"), _directions)


def prepare_trajectory(folder: Path) -> tuple[Inputs, Reader]:
    """Write a trajectory with everything that one may have."""
    path = folder / "valid.h5"
    tensors = {name: tensor.numpy() for name, tensor in TENSORS.items()}
    axes = {"x": tensors, "y": tensors}
    plane = Plane(axes, {"x": {"kind": "pca"}, "y": {}}, {"x": (-1.0, 2.0)}, "a.pt", "ab" * 32, {})
    places = np.array([[1.0, 0.5], [0.5, 0.0], [0.0, 0.0]])
    rates, labels = (math.nan, 0.1, 0.01), ("a", "b", "ü")
    first = Trajectory(
        places,
        np.ones(3),
        labels,
        (0, 1, 2),
        rates,
        (0.7, 0.2),
        "sgd",
        {("train", "loss"): np.array([3.0, np.inf, np.nan])},
        {("train", "loss"): np.ones(3)},
        PathLengths(places[:, 0], places[:, 1], np.ones(2), np.zeros(1)),
        np.array([0.5, np.nan]),
        8,
    )
    write_trajectory(path, plane, first, Trajectory(places, np.ones(3), labels))
    return prepared(path, _trajectory)


def prepare_checkpoint(folder: Path) -> tuple[Inputs, Reader]:
    """Save a network's state dict with torch.save."""
    path = folder / "valid.pt"
    torch.save({"state_dict": _network().state_dict(), "epoch": 3}, path)
    return prepared(path, _checkpoint)


def comparable(value: Any) -> Any:
    """Return what equals that of another value exactly if the two have the same types and bits."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(key, comparable(entry)) for key, entry in value.items()]
    if isinstance(value, list | tuple):
        return [comparable(entry) for entry in value]
    return repr(value)


def prepared(path: Path, read: Callable[[Path], Any]) -> tuple[Inputs, Reader]:
    """Return a file's content, and a reader that compares with what it holds now."""
    expected = comparable(read(path))

    def compare(path: Path, content: bytes) -> None:
        if comparable(read(path)) != expected:
            raise SilentFlipError("a value has changed, and was not refused")

    return [path.read_bytes()], compare


def _surface(path: Path) -> Any:
    surface = read_surface(path)
    arrays = [surface.status, surface.seconds, surface.rank]
    facts = [dict(surface.config), dict(surface.provenance)]
    return [surface.grid, dict(surface.values), dict(surface.stderr), arrays, facts]


def _directions(path: Path) -> Any:
    return [read_direction(path, "x"), read_direction(path, "y"), read_range(path, "x")]


def _network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def _checkpoint(path: Path) -> Any:
    model = _network()
    load_weights(model, path, lambda note: None)
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def _trajectory(path: Path) -> Any:
    paths = [one.as_mapping() for one in read_trajectories(path)]
    return [paths, read_plane_facts(path), read_centre(path), _directions(path)]
