"""``landscape plot``: draw surface files."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.options import debug_option, short_names, with_path
from landscape_cli.cli.watching import (
    Screen,
    WatchCommand,
    first_look,
    follow,
    quiet_interrupt,
    watch_option,
)
from landscape_cli.errors import UsageError
from landscape_cli.plotting import FORMATS, KINDS, STYLES

if TYPE_CHECKING:
    from landscape_cli.plotting.request import Picture, Request
    from landscape_cli.plotting.sizes import Size
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
        "  landscape plot line.h5 --twin accuracy --size column --caption -o line.pdf",
        "  landscape plot surface.h5 --terminal --watch",
        "  landscape plot plane.h5 --trajectory plane.trajectory.h5",
    ]
)


@click.command(cls=WatchCommand, epilog=EPILOG)
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
    help="Pictures side by side, at most; 4 if left out, or fewer if --size is narrow.",
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
    "--style",
    type=click.Choice(list(STYLES)),
    default="paper",
    show_default=True,
    help="; ".join(f"{name}: {text}" for name, text in STYLES.items()) + ".",
)
@click.option(
    "--size",
    metavar="WxH",
    help="Inches, or with cm or mm behind them, exactly; or the width of a printed page's "
    "column (3.5 inches) or of both (double, 7.2). What the panels need if left out.",
)
@click.option(
    "--twin",
    metavar="QUANTITY",
    help="Draw another quantity of lines, such as accuracy, on an axis at the right.",
)
@click.option(
    "--caption",
    is_flag=True,
    help="Write below the picture what it shows: range, directions, normalization, samples; and "
    "print that, to be pasted.",
)
@click.option(
    "--terminal",
    is_flag=True,
    help="Draw with characters right here, in colour if the terminal has any; write no file.",
)
@watch_option("Draw again whenever a FILE is written, until all are complete.")
@debug_option
def command(
    files: tuple[str, ...],
    columns: int | None,
    output: str | None,
    trajectory: str | None,
    dpi: int,
    style: str,
    size: str | None,
    caption: bool,
    terminal: bool,
    watch: float | None,
    **choices: Any,
) -> None:
    """Draw surface files, complete or not, side by side on one scale.

    An incomplete surface is drawn from the finest level of its grid that is complete, and says so;
    before the first one is, or with --raw, the area that is not computed is marked. Points that are
    not finite are always marked, and a note on stderr says how many values the limits clip.
    """
    from landscape_cli.plotting.files import check_output
    from landscape_cli.plotting.request import Request
    from landscape_cli.plotting.sizes import parse_size

    path = None
    if terminal and output is not None:
        raise UsageError(f"--output {output}: --terminal writes no file; leave one of them out")
    surfaces = first_look(files, waiting=watch is not None)
    if not terminal:
        path = Path(files[0]).with_suffix(".png") if output is None else Path(output)
        check_output(path, [*files, *filter(None, [trajectory])])
    if terminal and choices["twin"] is not None:
        raise UsageError(f"--twin {choices['twin']}: --terminal draws one quantity; leave one out")
    page = Page(columns, style, None if size is None else parse_size(size), dpi, caption)
    look = Look(Request(**choices), path, trajectory, page)
    if watch is not None:
        _watch(files, watch, look)
        return
    picture = look.picture(surfaces, files)
    if path is None:
        print("\n".join(look.characters(picture)), flush=True)
    else:
        look.write(picture, path)
    for note in picture.notes():
        print(f"note: {note}", file=sys.stderr)
    if caption:
        print(picture.caption)
    if path is not None:
        print(f"wrote {path.resolve()}", flush=True)


@dataclass(frozen=True)
class Page:
    """How a figure is laid out."""

    columns: int | None
    style: str
    size: Size | None
    dpi: int
    caption: bool


@dataclass(frozen=True)
class Look:
    """What is drawn of files, and where: into a picture's file, or into the terminal if None."""

    request: Request
    path: Path | None
    trajectory: str | None
    page: Page

    def picture(self, surfaces: Sequence[Surface], files: Sequence[str]) -> Picture:
        """What there is to draw of files' surfaces."""
        if self.trajectory is not None:
            surfaces = with_path(surfaces, files, self.trajectory)
        names = short_names(files)
        request = self.request
        return request.picture(request.panels(surfaces, names), request.twins(surfaces, names))

    def write(self, picture: Picture, path: Path) -> None:
        """Draw it into a file."""
        from landscape_cli.plotting.figure import draw
        from landscape_cli.plotting.files import save

        page = self.page
        figure = draw(
            picture.panels,
            picture.kind,
            picture.scale,
            page.columns,
            page.style,
            page.size,
            picture.twin,
            picture.caption if page.caption else "",
        )
        save(figure, path, page.dpi, page.size)

    def characters(self, picture: Picture, around: int = 1) -> list[str]:
        """The picture for this terminal, or for whatever standard output is.

        Args:
            picture: what to draw.
            around: how many lines of the terminal are needed for something else.
        """
        from landscape_cli.plotting.terminal.colors import depth_of
        from landscape_cli.plotting.terminal.picture import picture as draw

        width, height = shutil.get_terminal_size((80, 40))
        depth = depth_of(sys.stdout, os.environ)
        return draw(picture.panels, picture.kind, picture.scale, width, height - around, depth)


def _watch(files: Sequence[str], seconds: float, look: Look) -> None:
    """Draw files whenever one of them is written, until they are complete."""
    from landscape_cli.plotting.request import drawable

    picture = None
    with quiet_interrupt(), Screen() as screen:
        for sight in follow(files, seconds):
            if not sight.changed:
                continue
            begun = all(surface.values for surface in sight.surfaces)
            panels = look.request.panels(sight.surfaces, short_names(files)) if begun else []
            if not sight.complete and not (begun and drawable(panels)):
                screen.show(["nothing to draw yet"])
                continue
            picture = look.picture(sight.surfaces, files)
            done = sum(surface.done for surface in sight.surfaces)
            percent = 100 * done // sum(surface.total for surface in sight.surfaces)
            if look.path is None:
                screen.show([*look.characters(picture, 3), f"{percent} % computed"])
            else:
                look.write(picture, look.path)
                screen.show([f"wrote {look.path.resolve()}, {percent} % computed"])
    for note in picture.notes() if picture else ():
        print(f"note: {note}", file=sys.stderr)
