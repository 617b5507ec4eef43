"""Trajectory files: ours, and a projection file of Li et al.'s `loss-landscape`."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from damage import Inputs, Reader

from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store import read_centre, read_trajectory
from landscape_cli.store.trajectory_file import Plane, write_trajectory


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a trajectory with epochs, one without, and a projection file."""
    path = folder / "valid.h5"
    tensors = {"weight": np.ones((2, 3)), "bias": np.ones(2)}
    axes = {"x": tensors, "y": tensors}
    plane = Plane(axes, {"x": {}, "y": {}}, {"x": (-1.0, 2.0)}, "net.pt", "ab" * 32, {})
    places = np.array([[1.0, 0.5], [0.5, 0.0], [0.0, 0.0]])
    rates = (np.nan, 0.1, 0.01)
    labels = ("a", "b", "c")
    with_epochs = Trajectory(places, np.ones(3), labels, (0, 1, 2), rates, (0.7, 0.2))
    contents = []
    for trajectory in (with_epochs, Trajectory(places, np.ones(3), labels)):
        write_trajectory(path, plane, trajectory)
        contents.append(path.read_bytes())
    with h5py.File(path, "w") as file:
        file["proj_xcoord"], file["proj_ycoord"] = places.T
    contents.append(path.read_bytes())

    def read(path: Path, content: bytes) -> None:
        Trajectory.from_mapping(read_trajectory(path).as_mapping())
        read_centre(path)

    return contents, read
