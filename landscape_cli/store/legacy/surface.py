"""Surface files of Li et al.'s `loss-landscape`, read as ours.

    xcoordinates, ycoordinates   float64; no y for a line
    train_loss, test_loss        float64, -1 where nothing was computed yet
    train_acc, test_acc          the same, in percent
    dir_file                     the path of the directions file

That tool creates its arrays with shape (nx, ny) but fills them by the flat index of a (ny, nx)
mesh, in which x varies fastest. The arrays are right if nx equals ny, and are reshaped otherwise.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from landscape_cli.errors import StoreError
from landscape_cli.records.surface import Surface
from landscape_cli.store.hdf5.reading import reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.legacy.arrays import Arrays, content, split_of
from landscape_cli.store.recorder import empty_surface
from landscape_cli.store.surface_file import ALIASES, FORMAT
from landscape_cli.util.versions import now, versions

TOOL = "loss-landscape"
KNOWN = {*ALIASES, "xcoordinates", "ycoordinates", "dir_file"}


def read_older_surface(
    path: str | os.PathLike[str], split: str | None = None
) -> tuple[Surface, list[str]]:
    """Read a surface file of the other tool, complete or not.

    Accuracies become fractions, and points with a -1 are to do.

    Args:
        path: the file.
        split: the only split to read; by default, all splits that have the most points.

    Returns:
        The surface, without standard errors, and remarks for the user on how it was read.

    Raises:
        StoreError: if the file is missing, damaged or not a surface of the other tool.
    """
    with reading(path, "surface file, or one of another kind") as file:
        _refuse_others(file, os.fspath(path))
        return _read(file, Path(path), split)


def _refuse_others(file: StoredFile, path: str) -> None:
    """Refuse files that are not surfaces of the other tool, and say what to do with them."""
    if file.has("", "format") and file.text("", "format") == FORMAT:
        raise StoreError(f"{path}: already a surface of `landscape`, which every command reads")
    if "xcoordinates" in file:
        return
    if "proj_xcoord" in file:
        raise StoreError(
            f"{path}: a projected trajectory, not a surface; draw it over one with `landscape plot "
            "SURFACE.h5 --trajectory` and this file"
        )
    if "xdirection" in file:
        kind = "PCA directions" if "explained_variance_ratio_" in file else "directions"
        raise StoreError(
            f"{path}: {kind}, not a surface; to compute along them, name the file in a "
            "configuration: directions: {x: {kind: file, path: ...}}"
        )
    raise StoreError(
        f"{path}: not a surface of `{TOOL}`, which would have xcoordinates; it holds "
        f"{', '.join(file.names()[:6]) or 'nothing'}"
    )


def _read(file: StoredFile, path: Path, split: str | None) -> tuple[Surface, list[str]]:
    axes = [axis for axis in "xy" if f"{axis}coordinates" in file]
    arrays = {name: file.numbers(name) for name in ALIASES if name in file}
    if not arrays:
        raise StoreError(f"{path}: has coordinates, but no values yet ({', '.join(ALIASES)})")
    converted = content(
        {axis: file.numbers(f"{axis}coordinates") for axis in axes},
        arrays if split is None else _of_split(arrays, split, path),
    )
    dir_file = "".join(file.lines("dir_file")) if "dir_file" in file else None
    config = {
        "directions": {axis: {"kind": "imported", "dir_file": dir_file} for axis in axes},
        "grid": {
            name: [axis.low, axis.high, axis.points] for name, axis in converted.grid.axes.items()
        },
        "splits": list(dict.fromkeys(owner for owner, _ in converted.values)),
    }
    provenance = {
        "directions": {axis: {"label": _label(axis, dir_file or "")} for axis in axes},
        "imported": _origin(path, dir_file),
    }
    empty = empty_surface(converted.grid, config, provenance)
    others = [name for name in file.names() if name not in KNOWN]
    more = [f"left out: {', '.join(others)}"] if others else []
    surface = replace(empty, values=converted.values, status=converted.status)
    return surface, converted.notes + more


def _of_split(arrays: Arrays, split: str, path: Path) -> Arrays:
    chosen = {name: array for name, array in arrays.items() if split_of(name) == split}
    if not chosen:
        offered = " and ".join(dict.fromkeys(map(split_of, arrays)))
        raise StoreError(f"--split {split!r}: {path} has values of {offered}; choose one of these")
    return chosen


def _label(axis: str, dir_file: str) -> str:
    """Label a direction; the normalization is taken from the name of its file."""
    rule = re.search(rf"_{axis}norm=([a-z]+)", dir_file)
    return f"direction of {TOOL}" + (f", {rule[1]}-normalized" if rule else "")


def _origin(path: Path, dir_file: str | None) -> dict[str, Any]:
    """Record the file's origin for the provenance."""
    return {
        "path": str(path.absolute()),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "format": f"Li et al.'s {TOOL}",
        "dir_file": dir_file,
        "date": now(),
        "versions": versions(),
    }
