"""Directions files, with and without the parameters' names."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from damage import Inputs, Reader

from landscape_cli.store import read_direction


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a direction without names, and one with names."""
    contents = []
    for named in (False, True):
        path = folder / "valid.h5"
        with h5py.File(path, "w") as file:
            for number, shape in enumerate(((4, 3), (4,), ())):
                tensor = file.create_dataset(f"xdirection/{number}", data=np.ones(shape))
                if named:
                    tensor.attrs["name"] = f"layer.{number}"
        contents.append(path.read_bytes())

    def read(path: Path, content: bytes) -> None:
        read_direction(path, "x")

    return contents, read
