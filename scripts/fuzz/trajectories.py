"""Trajectory files: ours, and a projection file of Li et al.'s `loss-landscape`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from damage import Inputs, Reader

from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.dynamics.path_summary import path_facts, path_lines
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store import read_centre, read_trajectories
from landscape_cli.store.trajectory_file import Plane, read_plane_facts, write_trajectory


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
    with_losses = replace(
        with_epochs,
        name="sgd",
        values={("train", "loss"): np.array([3.0, np.inf, np.nan])},
        stderr={("train", "loss"): np.ones(3)},
        lengths=PathLengths(places[:, 0], places[:, 1], np.ones(2), np.zeros(1)),
        descent=np.array([0.5, np.nan]),
        parameters=8,
    )
    contents = []
    plain = Trajectory(places, np.ones(3), labels)
    for trajectories in ((with_epochs,), (plain,), (with_losses, with_epochs)):
        write_trajectory(path, plane, *trajectories)
        contents.append(path.read_bytes())
    with h5py.File(path, "w") as file:
        file["proj_xcoord"], file["proj_ycoord"] = places.T
    contents.append(path.read_bytes())

    def read(path: Path, content: bytes) -> None:
        for trajectory in read_trajectories(path):
            again = Trajectory.from_mapping(trajectory.as_mapping())
            if len(again.labels):
                path_facts(again), path_lines(again)
        read_centre(path)
        read_plane_facts(path)

    return contents, read
