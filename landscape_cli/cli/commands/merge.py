"""``landscape merge``: merge the surface files of several shards into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landscape_cli.cli.error_report import EXIT_RESUMABLE
from landscape_cli.cli.options import debug_option
from landscape_cli.cli.output import say

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface
    from landscape_cli.store.merge import Gap

MAX_POINTS = 3
"""Maximum number of missing points that are listed."""

EXAMPLES = """\b
Examples:
  landscape merge surface.h5 surface.shard-*-of-4.h5
  landscape merge surface.h5 night.h5 day.h5 --overwrite
"""


@click.command(epilog=EXAMPLES)
@click.argument("out")
@click.argument("files", nargs=-1, required=True, metavar="IN...")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
@debug_option
def command(out: str, files: tuple[str, ...], overwrite: bool) -> int:
    """Merge surface files IN, each a part of one grid, into OUT.

    All must have the same configuration, network and data, and the same values at common points.
    OUT is written even if points are missing; the exit code is then 75.
    """
    from landscape_cli.errors import StoreError
    from landscape_cli.store import (
        check_copied_directions,
        check_writable,
        copy_directions,
        directions_path,
        read_surface,
        write_surface,
    )
    from landscape_cli.store.file_kind import SURFACE, check_copy, check_replaceable
    from landscape_cli.store.merge import gaps, merge_surfaces
    from landscape_cli.util.output_files import is_input

    path = Path(out).absolute()
    check_writable(path)
    if path.exists() and not overwrite:
        raise StoreError(f"OUT: {path} is there already; name another file, or add --overwrite")
    check_replaceable(path, SURFACE, "OUT")
    # A pattern such as shard-* also matches the files of directions.
    directions_files = {directions_path(name) for name in files}
    names = [name for name in files if Path(name) not in directions_files]
    if (name := is_input(directions_path(path), names)) is not None:
        raise StoreError(f"OUT: the directions of {path} would replace {name}; name another file")
    surfaces = [(name, read_surface(name)) for name in names]
    merged = merge_surfaces(surfaces)
    check_copied_directions(files, merged.provenance)
    check_copy(files, path, overwrite)
    write_surface(path, merged)
    lines = [f"wrote {path}"]
    directions = copy_directions(files, path)
    lines.append(f"wrote {directions}" if directions else "no directions file beside any input")
    if not merged.complete:
        lines += _missing_lines(merged, gaps(merged, surfaces), path)
    say(*lines)
    return 0 if merged.complete else EXIT_RESUMABLE


def _missing_lines(merged: Surface, incomplete: list[Gap], path: Path) -> list[str]:
    """Describe the missing points, and how to compute them."""
    import shlex

    import numpy as np

    from landscape_cli.records.grid import coordinates_text
    from landscape_cli.records.tiles import Status

    todo = np.flatnonzero(merged.status == Status.TODO)
    grid = merged.grid
    points = grid.coordinates(todo[:MAX_POINTS].tolist())
    more = ", ..." if len(todo) > MAX_POINTS else ""
    lines = [
        f"{len(todo)} of {merged.total} points are missing: "
        + ", ".join(coordinates_text(point, grid.repeated) for point in points)
        + more
    ]
    lines += [
        f"shard {gap.shard} "
        + (f"has {gap.missing} points left to do" if gap.given else "is not among the files")
        for gap in incomplete
    ]
    whole = f"landscape compute CONFIG --output {shlex.quote(str(path))}"
    if incomplete:
        shard = f"landscape compute CONFIG --shard {incomplete[0].shard}"
        others = " and so on" if len(incomplete) > 1 else ""
        lines.append(
            f"to continue: {shard}{others}, then merge again with --overwrite; or {whole} computes "
            "all that is missing"
        )
    else:
        lines.append(f"to continue: {whole} computes what is missing")
    return lines
