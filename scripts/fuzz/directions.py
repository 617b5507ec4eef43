"""Directions files, with and without the parameters' names, and in many chunks."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from damage import Inputs, Reader

from landscape_cli.store import read_direction


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a direction without names, one with names, and one whose chunks take several nodes."""
    contents = []
    for named in (False, True):
        path = folder / "valid.h5"
        with h5py.File(path, "w") as file:
            for number, shape in enumerate(((4, 3), (4,), ())):
                tensor = file.create_dataset(f"xdirection/{number}", data=np.ones(shape))
                if named:
                    tensor.attrs["name"] = f"layer.{number}"
        contents.append(path.read_bytes())
    with h5py.File(path, "w") as file:
        file.create_dataset("xdirection/0", data=np.arange(400.0), chunks=(4,), fletcher32=True)
    contents.append(path.read_bytes())

    def read(path: Path, content: bytes) -> None:
        read_direction(path, "x")

    return contents, read
