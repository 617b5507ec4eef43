"""The kind of an HDF5 file, so that only a file of the same kind is ever replaced."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path

from landscape_cli.errors import StoreError
from landscape_cli.store.curvature_file import FORMAT as CURVATURE_FORMAT
from landscape_cli.store.curve_file import FORMAT as CURVE_FORMAT
from landscape_cli.store.diffusion_file import FORMAT as DIFFUSION_FORMAT
from landscape_cli.store.directions_file import (
    ENDING,
    REPEAT,
    direction_groups,
    directions_beside,
    directions_path,
    read_hashes,
)
from landscape_cli.store.hdf5.damage import SIGNATURE
from landscape_cli.store.hdf5.reading import reading
from landscape_cli.store.surface_file import FORMAT as SURFACE_FORMAT
from landscape_cli.store.trajectory_file import FORMAT as TRAJECTORY_FORMAT
from landscape_cli.util.output_files import same_file

SURFACE, DIRECTIONS, TRAJECTORY = "surface", "directions", "trajectory"
CURVATURE, CURVE, DIFFUSION = "curvature", "curve", "diffusion map"
OTHER = "another file"

FORMATS = {
    SURFACE_FORMAT: SURFACE,
    TRAJECTORY_FORMAT: TRAJECTORY,
    CURVATURE_FORMAT: CURVATURE,
    CURVE_FORMAT: CURVE,
    DIFFUSION_FORMAT: DIFFUSION,
}


def file_kind(path: Path) -> str | None:
    """Tell what a file is: a surface, directions, a trajectory, curvature, ... or another file.

    A damaged file of which no more can be read is what its strings say, so that it can be replaced.

    Returns:
        None if there is no file, or it is empty.
    """
    if not path.is_file() or not path.stat().st_size:
        return None
    try:
        with reading(path, "file") as file:
            names = file.names()
            if file.has("", "format"):
                return FORMATS.get(file.text("", "format"), OTHER)
            known = all(name.endswith(ENDING) or name.startswith(REPEAT) for name in names)
            return DIRECTIONS if names and known and direction_groups(file) else OTHER
    except StoreError:
        return _damaged_kind(path)


def check_replaceable(path: Path, kind: str, key: str = "output") -> None:
    """Refuse to replace a file of another kind, or one that can't be recognized.

    Args:
        path: the file to write.
        kind: its kind.
        key: the option or key that names it, for the message.

    Raises:
        StoreError: if there is such a file.
    """
    found = file_kind(path)
    if found not in (None, kind):
        words = found if found == OTHER else f"a file with a {found}"
        words = f"a file with {found}" if found in (DIRECTIONS, CURVATURE) else words
        expected = kind if kind in (DIRECTIONS, CURVATURE) else f"a {kind}"
        raise StoreError(
            f"{key}: {str(path)!r} is there already, {words} and not one with {expected}; name "
            "another file, or remove it"
        )


def check_copy(sources: Iterable[str | Path], surface: Path, overwrite: bool) -> None:
    """Refuse to copy directions over others; see ``directions_file.copy_directions``.

    Args:
        sources: the surface files to look beside.
        surface: the surface file that gets the directions.
        overwrite: whether other directions may be replaced.

    Raises:
        StoreError: if another file, or other directions, would be replaced.
    """
    source, path = directions_beside(sources), directions_path(surface)
    if source is None or same_file(source, path):
        return
    check_replaceable(path, DIRECTIONS, "OUT")
    if file_kind(path) and not overwrite and read_hashes(path) != read_hashes(source):
        raise StoreError(
            f"OUT: {str(path)!r} has other directions than {source}; name another file, or add "
            "--overwrite"
        )


def _damaged_kind(path: Path) -> str:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(SIGNATURE)] != SIGNATURE or content.find(b"format_version") < 0:
            return OTHER
        for name in (TRAJECTORY_FORMAT, CURVATURE_FORMAT, CURVE_FORMAT, DIFFUSION_FORMAT):
            if content.find(name.encode()) >= 0:
                return FORMATS[name]
        return SURFACE if content.find(SURFACE_FORMAT.encode()) >= 0 else OTHER
