"""Output of ``landscape plot``, ``describe`` and ``info`` for trajectory files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli.cli.input_files import distinct_names, joined_name
from landscape_cli.cli.output import say
from landscape_cli.cli.pictures.asked import Asked, Family
from landscape_cli.errors import UsageError
from landscape_cli.plotting.paths import PATH_KINDS

if TYPE_CHECKING:
    from landscape_cli.records.trajectory import Trajectory


def is_trajectory(file: str) -> bool:
    """Return whether a file is one of ``landscape trajectory``."""
    from landscape_cli.store.file_kind import TRAJECTORY, file_kind

    return file_kind(Path(file)) == TRAJECTORY


def hold_paths(files: Sequence[str], kind: str | None) -> bool:
    """Return whether files are those of ``landscape trajectory`` rather than surfaces.

    Raises:
        UsageError: if only some are, or the kind is not one for such files.
    """
    found = [is_trajectory(file) for file in files]
    if any(found) and not all(found):
        other, file = files[found.index(False)], files[found.index(True)]
        raise UsageError(
            f"{other} is no trajectory file, as {file} is; draw paths over a surface by "
            "--trajectory, or the files separately"
        )
    kinds = " or ".join(PATH_KINDS)
    if any(found) and kind is not None and kind not in PATH_KINDS:
        raise UsageError(f"--kind {kind}: {files[0]} is a trajectory file; use {kinds}")
    if not any(found) and kind in PATH_KINDS:
        raise UsageError(f"--kind {kind}: {files[0]} is no file of landscape trajectory")
    return any(found)


def plot_paths(asked: Asked) -> None:
    """Draw trajectory files into a picture, and report it.

    Raises:
        UsageError: if an option does not apply.
    """
    from landscape_cli.plotting.figure_files import save
    from landscape_cli.plotting.paths.figure import describe_paths, draw_paths

    asked.refuse_others("trajectory files", "kind")
    path, page, kind = asked.path(), asked.page, asked.kind
    paths, sources = _read(asked.files)
    figure = draw_paths(paths, sources, kind, page)
    save(figure, path, page.dpi, page.size)
    if page.caption:
        say(describe_paths(paths, sources, kind))
    say(f"wrote {path.resolve()}")


def _read(files: Sequence[str]) -> tuple[list[Trajectory], list[str]]:
    """Read all paths, named by file and training if there are several, and the file of each."""
    from landscape_cli.store.trajectory_file import read_trajectories

    names = distinct_names(files) if len(files) > 1 else [""]
    paths, sources = [], []
    for file, name in zip(files, names, strict=True):
        stem = name.removesuffix(".h5").removesuffix(".trajectory")
        for found in read_trajectories(file):
            paths.append(replace(found, name=joined_name(stem, found.name)))
            sources.append(file)
    return paths, sources


def description(file: str) -> tuple[dict[str, Any], list[str]]:
    """Return the numbers of a trajectory file's paths, as plain values and as lines."""
    from landscape_cli.records.dynamics.path_summary import path_facts, path_lines
    from landscape_cli.store.trajectory_file import read_trajectories

    paths = read_trajectories(file)
    lines = [line for path in paths for line in path_lines(path)]
    return {"paths": [path_facts(path) for path in paths]}, lines


def contents(file: str) -> tuple[dict[str, Any], list[str]]:
    """Return what a trajectory file holds, as plain values and as lines."""
    from landscape_cli.records.dynamics.path_summary import holdings
    from landscape_cli.store.trajectory_file import read_plane_facts, read_trajectories

    plane, paths = read_plane_facts(file), read_trajectories(file)
    facts = {**plane, "paths": [holdings(path) for path in paths]}
    lines = [f"trajectory of {len(paths)} training{'s' * (len(paths) != 1)}"]
    if plane["checkpoint"] is not None:
        lines.append(f"centre:    {plane['checkpoint']}")
    lines += [
        f"{axis}:         {one['kind']}"
        + (f" {one['component']}" if one["component"] is not None else "")
        + (f", proposed range {one['range'][0]:g} to {one['range'][1]:g}" if one["range"] else "")
        for axis, one in plane["directions"].items()
    ]
    if paths[0].explained is not None:
        x, y = paths[0].explained
        lines.append(f"explained: {x + y:.1%} of the variance; x {x:.1%}, y {y:.1%}")
    for one in facts["paths"]:
        name = f"{one['name']}: " if one["name"] else ""
        lines.append(
            f"path:      {name}{one['checkpoints']} checkpoints; {', '.join(one['holds'])}"
        )
    return facts, lines


FAMILY = Family("trajectory files", PATH_KINDS, hold_paths, plot_paths)
