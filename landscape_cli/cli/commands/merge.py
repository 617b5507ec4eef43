"""``landscape merge``: one surface file from those of several shards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landscape_cli.cli.error_report import EXIT_RESUMABLE
from landscape_cli.cli.options import debug_option

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface
    from landscape_cli.store.merge import Gap

SHOWN = 3
"""How many of the missing points are named."""

EXAMPLES = """\b
Examples:
  landscape merge surface.h5 surface.shard-*-of-4.h5
  landscape merge surface.h5 night.h5 day.h5 --overwrite
"""


@click.command(epilog=EXAMPLES)
@click.argument("out")
@click.argument("files", nargs=-1, required=True, metavar="IN...")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it is there.")
@debug_option
def command(out: str, files: tuple[str, ...], overwrite: bool) -> int:
    """Merge the surface files IN, each with some points of one grid, into the file OUT.

    All must be of the same configuration, network and data, and have the same values where they
    have the same points. OUT is written even if points are missing; the exit code is then 75.
    """
    from landscape_cli.errors import StoreError
    from landscape_cli.store import (
        check_writable,
        copy_directions,
        directions_path,
        read_surface,
        write_surface,
    )
    from landscape_cli.store.merge import gaps, merge_surfaces

    path = Path(out).absolute()
    check_writable(path)
    if path.exists() and not overwrite:
        raise StoreError(f"OUT: {path} is there already; name another file, or add --overwrite")
    # A pattern such as shard-* names their directions too.
    beside = {directions_path(name) for name in files}
    surfaces = [(name, read_surface(name)) for name in files if Path(name) not in beside]
    merged = merge_surfaces(surfaces)
    write_surface(path, merged)
    lines = [f"wrote {path}"]
    directions = copy_directions(files, path)
    lines.append(f"wrote {directions}" if directions else "no directions file beside any input")
    if not merged.complete:
        lines += _missing(merged, gaps(merged, surfaces), path)
    print("\n".join(lines), flush=True)
    return 0 if merged.complete else EXIT_RESUMABLE


def _missing(merged: Surface, lacking: list[Gap], path: Path) -> list[str]:
    """What is not there yet, and how to go on."""
    import shlex

    import numpy as np

    from landscape_cli.records.grid import coordinates_text
    from landscape_cli.records.tiles import Status

    todo = np.flatnonzero(merged.status == Status.TODO)
    grid = merged.grid
    points = grid.coordinates(todo[:SHOWN].tolist())
    more = ", ..." if len(todo) > SHOWN else ""
    lines = [
        f"{len(todo)} of {merged.total} points are missing: "
        + ", ".join(coordinates_text(point, grid.repeated) for point in points)
        + more
    ]
    lines += [
        f"shard {gap.shard} "
        + (f"has {gap.missing} points left to do" if gap.given else "is not among the files")
        for gap in lacking
    ]
    here = f"landscape compute CONFIG --output {shlex.quote(str(path))}"
    if lacking:
        again = f"landscape compute CONFIG --shard {lacking[0].shard}"
        others = " and so on" if len(lacking) > 1 else ""
        lines.append(
            f"to go on: {again}{others}, then merge again with --overwrite; or {here} computes all "
            "that is missing"
        )
    else:
        lines.append(f"to go on: {here} computes what is missing")
    return lines
