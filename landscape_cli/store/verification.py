"""Verification of whole files: every array and attribute that has a checksum, every hash."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from landscape_cli.errors import StoreError
from landscape_cli.store.curvature_file import FORMAT as CURVATURE
from landscape_cli.store.curvature_file import read_curvature
from landscape_cli.store.curve_file import FORMAT as CURVE
from landscape_cli.store.curve_file import read_curve
from landscape_cli.store.diffusion_file import FORMAT as DIFFUSION
from landscape_cli.store.diffusion_file import read_diffusion
from landscape_cli.store.direction_hash import matches
from landscape_cli.store.directions_file import (
    ENDING,
    direction_groups,
    directions_beside,
    directions_path,
    read_direction,
)
from landscape_cli.store.hdf5.reading import reading
from landscape_cli.store.surface_file import FORMAT as SURFACE
from landscape_cli.store.surface_file import read_surface
from landscape_cli.store.trajectory_file import FORMAT as TRAJECTORY
from landscape_cli.store.trajectory_file import read_trajectory

Hashes = Mapping[str, str]
"""SHA-256 by the name of a direction."""


def verify(path: str | os.PathLike[str]) -> list[str]:
    """Read everything in a file of any of this program's kinds, and compare it with checksums.

    With a surface, the directions beside it are read too.

    Returns:
        What was checked, a line for each file.

    Raises:
        StoreError: naming what is damaged.
    """
    with reading(path, "file") as file:
        kind = file.text("", "format") if file.has("", "format") else ""
        directions = [name.removesuffix(ENDING) for name in direction_groups(file)]
    if kind == TRAJECTORY:
        read_trajectory(path)
    elif kind == CURVATURE:
        read_curvature(path)
    elif kind == CURVE:
        read_curve(path)
    elif kind == DIFFUSION:
        read_diffusion(path)
    elif kind == SURFACE or not directions:
        return _verify_surface(path)
    check_directions(path, dict.fromkeys(directions, ""))
    listed = f"; directions: {', '.join(directions)}" if directions else ""
    return [f"{_checked(path)}{listed}"]


def check_directions(path: str | os.PathLike[str], recorded: Hashes) -> None:
    """Refuse a directions file that is damaged, or holds other directions than a surface records.

    Args:
        path: the file.
        recorded: the SHA-256 of each direction that it must hold; empty if unknown.

    Raises:
        StoreError: naming the direction.
    """
    for axis, sha256 in recorded.items():
        entries = read_direction(path, axis)
        if sha256 and not matches(entries, sha256):
            raise StoreError(
                f"{os.fspath(path)}: {axis}{ENDING} is not the direction that the surface records; "
                "it belongs to another surface, or is damaged"
            )


def check_copied_directions(sources: Iterable[str | Path], provenance: Mapping[str, Any]) -> None:
    """Check the directions that ``copy_directions`` would copy, as ``check_directions`` does.

    Args:
        sources: the surface files to look beside.
        provenance: of the surface that gets the directions.

    Raises:
        StoreError: naming the direction.
    """
    if (path := directions_beside(sources)) is not None:
        check_directions(path, recorded_directions(provenance))


def recorded_directions(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each direction that a surface's provenance records."""
    directions = provenance.get("directions", {})
    return {axis: facts["sha256"] for axis, facts in directions.items() if "sha256" in facts}


def _verify_surface(path: str | os.PathLike[str]) -> list[str]:
    surface = read_surface(path)
    lines = [_checked(path)]
    beside, recorded = directions_path(Path(path)), recorded_directions(surface.provenance)
    if beside.is_file():
        check_directions(beside, recorded)
        listed = f"; SHA-256 of {', '.join(recorded)} as the surface records" if recorded else ""
        lines.append(_checked(beside) + listed)
    return lines


def _checked(path: str | os.PathLike[str]) -> str:
    """Compare everything in a file with its checksums, and say how much that was."""
    name = str(Path(path).absolute())
    with reading(path, "file") as file:
        if file.checksums is None:
            return f"{name}: readable, but without checksums, as files of earlier versions are"
        arrays, attributes = file.check()
    return f"{name}: {arrays} arrays and {attributes} attributes match their checksums"
