"""``landscape plot``: draw surface files."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.options import debug_option
from landscape_cli.errors import UsageError
from landscape_cli.plotting import FORMATS, KINDS

if TYPE_CHECKING:
    from landscape_cli.plotting.request import Picture
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
        "  landscape plot surface.h5 --terminal",
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
@click.option(
    "--terminal",
    is_flag=True,
    help="Draw with characters right here, in colour if the terminal has any; write no file.",
)
@debug_option
def command(
    files: tuple[str, ...],
    columns: int,
    output: str | None,
    trajectory: str | None,
    dpi: int,
    terminal: bool,
    **choices: Any,
) -> None:
    """Draw surface files, complete or not, side by side on one scale.

    An incomplete surface is drawn from the finest level of its grid that is complete, and says so;
    before the first one is, or with --raw, the area that is not computed is marked. Points that are
    not finite are always marked, and a note on stderr says how many values the limits clip.
    """
    from landscape_cli.plotting.files import check_output
    from landscape_cli.plotting.request import Request
    from landscape_cli.store import read_surface

    request = Request(**choices)
    surfaces = [read_surface(file) for file in files]
    path = Path(files[0]).with_suffix(".png") if output is None else Path(output)
    if terminal and output is not None:
        raise UsageError(f"--output {output}: --terminal writes no file; leave one of them out")
    if not terminal:
        check_output(path, [*files, *filter(None, [trajectory])])
    if trajectory is not None:
        surfaces = _with_path(surfaces, files, trajectory)
    picture = request.picture(request.panels(surfaces, _names(files)))
    if terminal:
        print("\n".join(_in_characters(picture)), flush=True)
    else:
        _write(picture, path, columns, dpi)
    for note in picture.notes():
        print(f"note: {note}", file=sys.stderr)
    if not terminal:
        print(f"wrote {path.resolve()}", flush=True)


def _write(picture: Picture, path: Path, columns: int, dpi: int) -> None:
    from landscape_cli.plotting.figure import draw
    from landscape_cli.plotting.files import save

    save(draw(picture.panels, picture.kind, picture.scale, columns), path, dpi)


def _in_characters(picture: Picture) -> list[str]:
    """The picture for this terminal, or for whatever standard output is."""
    from landscape_cli.plotting.terminal.colors import depth_of
    from landscape_cli.plotting.terminal.picture import picture as draw

    size = shutil.get_terminal_size((80, 40))
    depth = depth_of(sys.stdout, os.environ)
    return draw(picture.panels, picture.kind, picture.scale, size.columns, size.lines - 1, depth)


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
