"""Names of the surface files given to a command, and a trajectory to draw over them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface


def distinct_names(files: Sequence[str]) -> list[str]:
    """Return the files' names, or their full paths if two names are the same."""
    names = [Path(file).name for file in files]
    return names if len(set(names)) == len(names) else list(files)


def with_trajectory(surfaces: Sequence[Surface], files: Sequence[str], path: str) -> list[Surface]:
    """Return the surfaces with the path of a trajectory file in place of their own.

    If the path is centred on another checkpoint than a surface, a note says so on standard error.

    Args:
        surfaces: the surfaces.
        files: the file of each, for messages.
        path: the trajectory file.
    """
    from landscape_cli.plotting.annotations.overlay import overlay
    from landscape_cli.store.trajectory_file import read_centre, read_trajectory

    trajectory, centre = read_trajectory(path), read_centre(path)
    replaced = []
    for surface, file in zip(surfaces, files, strict=True):
        replaced.append(overlay(surface, trajectory, path, file))
        weights = (surface.provenance.get("checkpoint") or {}).get("sha256")
        if weights and centre and weights != centre:
            print(
                f"note: {path} is centred on another checkpoint than {file}",
                file=sys.stderr,
            )
    return replaced
