"""Shards: surface files that are merged with an undamaged one."""

from __future__ import annotations

from pathlib import Path

from damage import Inputs, Reader
from surfaces import make_surface

from landscape_cli.store import read_surface, write_surface
from landscape_cli.store.merge import merge_surfaces


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write one half of a surface, and keep the other half to merge it with."""
    path = folder / "valid.h5"
    write_surface(path, make_surface(range(0, 20, 2)))
    contents = [path.read_bytes()]
    write_surface(path, make_surface(range(1, 20, 2)))
    undamaged = read_surface(path)

    def read(path: Path, content: bytes) -> None:
        merge_surfaces([("undamaged.h5", undamaged), (str(path), read_surface(path))])

    return contents, read
