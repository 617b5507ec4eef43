"""``landscape plot``: draw surface files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landscape_cli.cli.options import debug_option
from landscape_cli.plotting import FORMATS, KINDS

if TYPE_CHECKING:
    from landscape_cli.records import Surface

EPILOG = "\n".join(
    [
        "\b",
        "Kinds:",
        *(f"  {name:9} {kind.help}" for name, kind in KINDS.items()),
        "",
        "\b",
        "Examples:",
        "  landscape plot surface.h5",
        "  landscape plot resnet.h5 noshort.h5 --kind surface --vmax 10 -o both.pdf",
        "  landscape plot plane.h5 --trajectory plane.trajectory.h5",
    ]
)


@click.command(epilog=EPILOG)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--kind", type=click.Choice(list(KINDS)), help="How to draw; line or contourf if left out."
)
@click.option("--split", metavar="NAME", help="Whose values; train, or for a line every split's.")
@click.option("--quantity", metavar="NAME", help="Which values, such as loss or accuracy.")
@click.option(
    "--repeat",
    type=int,
    metavar="K",
    help="Draw one of several repeats, from 0 on; left out, planes are drawn side by side, and a "
    "line's mean with a band of one standard deviation over the repeats.",
)
@click.option(
    "--log/--linear",
    default=None,
    help="The scale of the values. Left out, planes of positive values that span more than three "
    "decades are drawn on a logarithmic scale.",
)
@click.option("--vmin", type=float, help="Lowest value shown; accuracy is in percent.")
@click.option("--vmax", type=float, help="Highest value shown; accuracy is in percent.")
@click.option("--levels", type=int, help="Lines of contour or bands of contourf.")
@click.option(
    "--columns",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Pictures side by side, at most.",
)
@click.option(
    "--output",
    "-o",
    metavar="PATH",
    help=f"The picture, {', '.join(FORMATS)} by its ending; FILE's name with .png if left out.",
)
@click.option(
    "--trajectory",
    metavar="FILE",
    help="Draw the path of this file of `landscape trajectory` over the planes.",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Draw every point of an incomplete surface, and mark the area that is not computed.",
)
@click.option(
    "--dpi", type=click.IntRange(20, 1200), default=200, show_default=True, help="Dots per inch."
)
@debug_option
def command(
    files: tuple[str, ...],
    kind: str | None,
    split: str | None,
    quantity: str | None,
    repeat: int | None,
    log: bool | None,
    vmin: float | None,
    vmax: float | None,
    levels: int | None,
    columns: int,
    output: str | None,
    trajectory: str | None,
    raw: bool,
    dpi: int,
) -> None:
    """Draw surface files, complete or not, side by side on one scale.

    An incomplete surface is drawn from the finest level of its grid that is complete, and says so;
    before the first one is, or with --raw, the area that is not computed is marked. Points that are
    not finite are always marked, and a note on stderr says how many values the limits clip.
    """
    from landscape_cli.plotting.checks import check
    from landscape_cli.plotting.figure import draw
    from landscape_cli.plotting.files import check_output, save
    from landscape_cli.plotting.limits import fit, notes
    from landscape_cli.plotting.overlay import path_notes
    from landscape_cli.plotting.painter import load
    from landscape_cli.plotting.panel import choose
    from landscape_cli.store import read_surface

    surfaces = [read_surface(file) for file in files]
    picture = Path(files[0]).with_suffix(".png") if output is None else Path(output)
    check_output(picture, [*files, *filter(None, [trajectory])])
    if trajectory is not None:
        surfaces = _with_path(surfaces, files, trajectory)
    panels = [
        panel
        for surface, name in zip(surfaces, _names(files), strict=True)
        for panel in choose(surface, split, quantity, name, raw, repeat)
    ]
    kind = check(panels, kind)
    scale = fit(panels, log=log, vmin=vmin, vmax=vmax, levels=levels)
    save(draw(panels, kind, scale, columns), picture, dpi)
    for note in [*notes(panels, scale, load(kind).clipped), *path_notes(panels)]:
        print(f"note: {note}", file=sys.stderr)
    print(f"wrote {picture.resolve()}", flush=True)


def _with_path(surfaces: Sequence[Surface], files: Sequence[str], path: str) -> list[Surface]:
    """The surfaces, with the path of a trajectory's file in place of their own."""
    from landscape_cli.plotting.overlay import overlay
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


def _names(files: Sequence[str]) -> list[str]:
    """The files' names, with their folders if names alone would not tell them apart."""
    names = [Path(file).name for file in files]
    return names if len(set(names)) == len(names) else list(files)
