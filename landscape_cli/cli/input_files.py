"""Names of the surface files given to a command, and a trajectory to draw over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

from landscape_cli.cli.output import note

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface


def distinct_names(files: Sequence[str]) -> list[str]:
    """Return the files' names, or their full paths if two names are the same."""
    names = [Path(file).name for file in files]
    return names if len(set(names)) == len(names) else list(files)


def with_trajectories(
    surfaces: Sequence[Surface], files: Sequence[str], paths: Sequence[str]
) -> list[Surface]:
    """Return the surfaces with the paths of trajectory files in place of their own.

    If a path is centred on another checkpoint than a surface, or lies in another plane, a note says
    so on standard error.

    Args:
        surfaces: the surfaces.
        files: the file of each, for messages.
        paths: the trajectory files; none to leave the surfaces as they are.
    """
    from landscape_cli.plotting.annotations.overlay import overlay, overlay_more
    from landscape_cli.records.checkpoint_path import identity
    from landscape_cli.store.directions_file import directions_path, same_plane
    from landscape_cli.store.trajectory_file import read_centre, read_trajectories

    replaced = list(surfaces)
    ways = chain([overlay], repeat(overlay_more))
    for path, name in zip(paths, path_names(paths), strict=True):
        found, centre = read_trajectories(path), read_centre(path)
        laid = [(replace(one, name=joined_name(name, one.name)), next(ways)) for one in found]
        for place, file in enumerate(files):
            for trajectory, lay in laid:
                replaced[place] = lay(replaced[place], trajectory, path, file)
            weights = identity(replaced[place].provenance.get("checkpoint"))
            if weights and centre and weights != centre:
                note(f"{path} is centred on another checkpoint than {file}")
            if same_plane(path, directions_path(file)) is False:
                note(
                    f"{path} lies in another plane than {file}, whose directions are others; "
                    "project it onto these: landscape trajectory --onto"
                )
    return replaced


def joined_name(file: str, training: str) -> str:
    """Return the name of a training among those of several files."""
    return f"{file}: {training}" if file and training else file or training


def path_names(paths: Sequence[str]) -> list[str]:
    """Return names that distinguish trajectory files: their stems; no name for a single one."""
    if len(paths) < 2:
        return [""] * len(paths)
    return [
        name.removesuffix(".h5").removesuffix(".trajectory") or name
        for name in distinct_names(paths)
    ]
