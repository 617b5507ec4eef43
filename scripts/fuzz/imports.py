"""Surface files of Li et al.'s `loss-landscape`."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from damage import Inputs, Reader

from landscape_cli.store import read_older_surface


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a line, and a plane that is not square."""
    contents = []
    for axes in ({"x": 9}, {"x": 5, "y": 4}):
        path = folder / "valid.h5"
        with h5py.File(path, "w") as file:
            file["dir_file"] = "net_weights_xnorm=filter.h5"
            for axis, points in axes.items():
                file[f"{axis}coordinates"] = np.linspace(-1, 1, points)
            for name in ("train_loss", "train_acc", "test_loss"):
                file[name] = np.arange(np.prod([*axes.values()])).reshape(*axes.values()) - 1.0
        contents.append(path.read_bytes())

    def read(path: Path, content: bytes) -> None:
        read_older_surface(path)[0].summary()

    return contents, read
