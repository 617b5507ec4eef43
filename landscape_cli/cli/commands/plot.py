"""``landscape plot``: draw surface files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from landscape_cli.cli.help_sections import SectionCommand
from landscape_cli.cli.options import (
    CONTENT,
    OUTPUT,
    SCALE,
    STYLE,
    camera_options,
    debug_option,
    pop_camera,
)
from landscape_cli.cli.plot_output import PlotOutput, redraw_on_change
from landscape_cli.cli.watch import WatchCommand, read_or_wait, watch_option
from landscape_cli.errors import UsageError
from landscape_cli.plotting import FORMATS, KINDS, STYLES

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
        "  landscape plot surface.h5 --kind render --azimuth 30 --style dark",
        "  landscape plot line.h5 --twin accuracy --size column --caption -o line.pdf",
        "  landscape plot surface.h5 --terminal --watch",
        "  landscape plot plane.h5 --trajectory plane.trajectory.h5",
    ]
)


class PlotCommand(WatchCommand, SectionCommand):
    """A command with ``--watch`` and headings in its help."""


@click.command(cls=PlotCommand, epilog=EPILOG)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@CONTENT.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    help="How to draw; line or contourf if left out.",
)
@CONTENT.option(
    "--split",
    metavar="NAME",
    help="Whose values; train, or for a line every split's.",
)
@CONTENT.option(
    "--quantity",
    metavar="NAME",
    help="Which values, such as loss or accuracy.",
)
@CONTENT.option(
    "--twin",
    metavar="QUANTITY",
    help="Draw another quantity of lines, such as accuracy, on an axis at the right.",
)
@CONTENT.option(
    "--repeat",
    type=int,
    metavar="K",
    help="Draw one of several repeats, from 0 on; left out, planes are drawn side by side, and a "
    "line's mean with a band of one standard deviation over the repeats.",
)
@CONTENT.option(
    "--trajectory",
    metavar="FILE",
    help="Draw the path of this file of `landscape trajectory` over the planes.",
)
@CONTENT.option(
    "--raw",
    is_flag=True,
    help="Draw every point of an incomplete surface, and mark the area that is not computed.",
)
@SCALE.option(
    "--log/--linear",
    default=None,
    help="The scale of the values. Left out, planes of positive values that span more than three "
    "decades are drawn on a logarithmic scale.",
)
@SCALE.option(
    "--vmin",
    type=float,
    help="Lowest value shown; accuracy is in percent.",
)
@SCALE.option(
    "--vmax",
    type=float,
    help="Highest value shown; accuracy is in percent.",
)
@SCALE.option("--levels", type=int, help="Lines of contour or bands of contourf.")
@camera_options
@STYLE.option(
    "--columns",
    type=click.IntRange(1),
    help="Pictures side by side, at most; 4 if left out, or fewer if --size is narrow.",
)
@STYLE.option(
    "--style",
    type=click.Choice(list(STYLES)),
    default="paper",
    show_default=True,
    help="; ".join(f"{name}: {text}" for name, text in STYLES.items()) + ".",
)
@STYLE.option(
    "--size",
    metavar="WxH",
    help="Inches, or with cm or mm behind them, exactly; or the width of a printed page's "
    "column (3.5 inches) or of both (double, 7.2). What the panels need if left out.",
)
@STYLE.option(
    "--dpi",
    type=click.IntRange(20, 1200),
    default=200,
    show_default=True,
    help="Dots per inch.",
)
@STYLE.option(
    "--caption",
    is_flag=True,
    help="Write below the picture what it shows: range, directions, normalization, samples; and "
    "print that, to be pasted.",
)
@OUTPUT.option(
    "--output",
    "-o",
    metavar="PATH",
    help=f"The picture, {', '.join(FORMATS)} by its ending; FILE's name with .png if left out.",
)
@OUTPUT.option(
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
    from landscape_cli.plotting.figure_size import parse_size
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.request import Request
    from landscape_cli.util.output_files import check_output

    path = None
    if terminal and output is not None:
        raise UsageError(f"--output {output}: --terminal writes no file; leave one of them out")
    surfaces = read_or_wait(files, waiting=watch is not None)
    if not terminal:
        path = Path(files[0]).with_suffix(".png") if output is None else Path(output)
        check_output(path, [*files, *filter(None, [trajectory])], FORMATS)
    if terminal and choices["twin"] is not None:
        raise UsageError(f"--twin {choices['twin']}: --terminal draws one quantity; leave one out")
    dimensions = None if size is None else parse_size(size)
    page = Page(columns, style, dimensions, dpi, caption, pop_camera(choices))
    drawing = PlotOutput(Request(**choices), path, trajectory, page)
    if watch is not None:
        redraw_on_change(files, watch, drawing)
        return
    picture = drawing.picture(surfaces, files)
    if path is None:
        print("\n".join(drawing.terminal_lines(picture)), flush=True)
    else:
        drawing.write(picture, path)
    for note in picture.notes():
        print(f"note: {note}", file=sys.stderr)
    if caption:
        print(picture.caption)
    if path is not None:
        print(f"wrote {path.resolve()}", flush=True)
