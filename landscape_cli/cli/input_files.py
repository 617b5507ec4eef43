"""The surface files that a command is given."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface


def distinct_names(files: Sequence[str]) -> list[str]:
    """The files' names, with their folders if names alone would not tell them apart."""
    names = [Path(file).name for file in files]
    return names if len(set(names)) == len(names) else list(files)


def with_trajectory(surfaces: Sequence[Surface], files: Sequence[str], path: str) -> list[Surface]:
    """The surfaces, with the path of a trajectory's file in place of their own."""
    from landscape_cli.plotting.annotations.overlay import overlay
    from landscape_cli.store.trajectory_file import read_centre, read_trajectory

    trajectory, centre = read_trajectory(path), read_centre(path)
    found = []
    for surface, file in zip(surfaces, files, strict=True):
        found.append(overlay(surface, trajectory, path, file))
        own = (surface.provenance.get("checkpoint") or {}).get("sha256")
        if own and centre and own != centre:
            print(
                f"note: the path of {path} is one around other weights than those of {file}",
                file=sys.stderr,
            )
    return found
