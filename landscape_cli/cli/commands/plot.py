"""``landscape plot``: draw surface files into a picture or the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from landscape_cli.cli import spectrum_output as curvature
from landscape_cli.cli.commands.dynamics import path_output as paths
from landscape_cli.cli.commands.dynamics import plot_output as diffusion
from landscape_cli.cli.commands.ensembles import plot_output as ensembles
from landscape_cli.cli.help_sections import SectionCommand
from landscape_cli.cli.options import (
    CONTENT,
    OUTPUT,
    STYLE,
    camera_options,
    debug_option,
    pop_camera,
    scale_options,
    split_option,
    style_option,
)
from landscape_cli.cli.output import note as say_note
from landscape_cli.cli.output import say
from landscape_cli.cli.pictures.asked import Asked
from landscape_cli.cli.pictures.options import (
    field_options,
    levels_option,
    refuse_surface_options,
    text_of,
    text_options,
)
from landscape_cli.cli.plot_output import (
    PlotOutput,
    print_in_terminal,
    redraw_on_change,
    write_topology,
)
from landscape_cli.cli.watch import WatchCommand, read_or_wait, watch_option
from landscape_cli.errors import UsageError
from landscape_cli.plotting import FORMATS, KINDS
from landscape_cli.plotting.topology import TOPOLOGY_KINDS

FAMILIES = (diffusion.FAMILY, paths.FAMILY, ensembles.FAMILY, curvature.FAMILY)
"""What draws files that hold no surface."""

OTHER_KINDS = [name for family in FAMILIES for name in family.kinds]

HEADINGS = {
    "Kinds": KINDS,
    "Kinds for the minima of lines, planes and volumes": TOPOLOGY_KINDS,
    **{f"Kinds for {family.title}": family.kinds for family in FAMILIES},
}
"""Kinds of plot by their heading in the help."""

EPILOG = "\n".join(
    [
        *(
            line
            for heading, kinds in HEADINGS.items()
            for line in (
                "\b",
                f"{heading}:",
                *(f"  {name:11} {kind.help}" for name, kind in kinds.items()),
                "",
            )
        ),
        "\b",
        "Examples:",
        "  landscape plot surface.h5",
        "  landscape plot resnet.h5 noshort.h5 --kind surface --vmax 10 -o both.pdf",
        "  landscape plot surface.h5 --kind render --azimuth 30 --style dark",
        "  landscape plot line.h5 --twin accuracy --size column --caption -o line.pdf",
        "  landscape plot surface.h5 --quantity loss --quantity hessian_ratio",
        "  landscape plot surface.h5 --basins",
        "  landscape plot game.h5 --kind field --ascend y --around centre",
        "  landscape plot resnet.h5 noshort.h5 --kind merge-tree",
        "  landscape plot surface.h5 --terminal --watch",
        "  landscape plot plane.h5 --trajectory plane.trajectory.h5",
        "  landscape plot straight.h5 bezier.h5 --along length",
    ]
)


class PlotCommand(WatchCommand, SectionCommand):
    """A command with an optional number after ``--watch``, and with headings in its help."""


@click.command(cls=PlotCommand, epilog=EPILOG)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@CONTENT.option(
    "--kind",
    type=click.Choice(list(dict.fromkeys([*KINDS, *TOPOLOGY_KINDS, *OTHER_KINDS]))),
    help="Kind of plot, see below; by default line, comparison (several curves) or contourf.",
)
@split_option
@CONTENT.option(
    "--quantity",
    metavar="NAME",
    multiple=True,
    help="The quantity to draw, such as loss, accuracy or hessian_ratio. Repeatable: each quantity "
    "has its own scale and colour bar. Of diffusion files, the colours: epoch, step, number, loss, "
    "learning_rate or training.",
)
@CONTENT.option(
    "--contours-of",
    metavar="QUANTITY",
    help="Draw contour lines of this quantity over heat maps and filled contours, or none. By "
    "default, maps of curvature have those of the loss.",
)
@CONTENT.option(
    "--quiver",
    is_flag=True,
    help="Draw arrows downhill, along the negative gradient, over planes with gradient_x and "
    "gradient_y.",
)
@CONTENT.option(
    "--basins",
    is_flag=True,
    help="Mark minima and the saddles between them, over planes or on surfaces, and outline "
    "basins over planes.",
)
@CONTENT.option(
    "--neighbours",
    type=int,
    metavar="N",
    help="Neighbours of a point, for minima: 4 or 8 in a plane, by default 8.",
)
@CONTENT.option(
    "--persistence",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Draw minima whose saddle is at least this fraction of the range above them; by default "
    "0.01.",
)
@CONTENT.option(
    "--twin",
    metavar="QUANTITY",
    help="Also draw this quantity of lines, such as accuracy, on a second axis.",
)
@CONTENT.option(
    "--at-centre",
    metavar="QUANTITY",
    help="State this quantity's value at the trained network below each title, such as accuracy.",
)
@CONTENT.option(
    "--along",
    type=click.Choice(["t", "length"]),
    help="The x axis of lines along curves: t, the default, or the length of the curve.",
)
@CONTENT.option(
    "--repeat",
    type=int,
    metavar="K",
    help="Draw only repeat K, counted from 0. By default, planes are drawn side by side, and lines "
    "as their mean with a band of one standard deviation.",
)
@CONTENT.option(
    "--trajectory",
    "trajectories",
    multiple=True,
    metavar="FILE",
    help="Draw the path in this file, written by `landscape trajectory`, over the planes. "
    "Repeatable.",
)
@CONTENT.option(
    "--raw",
    is_flag=True,
    help="Draw every computed point of an incomplete surface, and mark the missing area; draw "
    "contours and surfaces straight from point to point, without interpolation.",
)
@scale_options
@field_options
@levels_option
@camera_options
@STYLE.option(
    "--columns",
    type=click.IntRange(1),
    metavar="N",
    help="Maximum number of panels side by side; by default 4, or fewer if --size is narrow.",
)
@style_option
@text_options
@STYLE.option(
    "--size",
    metavar="WxH",
    help="Exact size in inches, or in cm or mm, such as 16x9cm; or column (3.5 inches) or double "
    "(7.2), the widths of columns in print. By default what the panels need.",
)
@STYLE.option(
    "--dpi",
    type=click.IntRange(20, 1200),
    metavar="N",
    default=200,
    show_default=True,
    help="Dots per inch.",
)
@STYLE.option(
    "--caption",
    is_flag=True,
    help="Write a caption below the picture: range, directions, normalization, samples. It is also "
    "printed, for pasting.",
)
@OUTPUT.option(
    "--output",
    "-o",
    metavar="PATH",
    help=f"The file to write, {' or '.join(FORMATS)} by its extension; by default FILE's name with "
    ".png.",
)
@OUTPUT.option(
    "--terminal",
    is_flag=True,
    help="Draw in the terminal, in colour if it can, and write no file.",
)
@watch_option("Redraw whenever a FILE changes, until all are complete.")
@debug_option
def command(
    files: tuple[str, ...],
    columns: int | None,
    output: str | None,
    trajectories: tuple[str, ...],
    dpi: int,
    style: str,
    size: str | None,
    caption: bool,
    terminal: bool,
    watch: float | None,
    **choices: Any,
) -> None:
    """Draw surface files side by side, on one scale; or files of another kind.

    An incomplete surface is drawn from the finest complete level of its grid, with the percentage
    computed in the title; if no level is complete, or with --raw, the missing area is marked.
    Points that are not finite are always marked. A note on stderr says how many values --vmin and
    --vmax clip.
    """
    from landscape_cli.plotting.figure_size import parse_size
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.request import Request

    if terminal and output is not None:
        raise UsageError(f"--output {output}: --terminal writes no file; leave one of them out")
    page = Page(columns, style, None if size is None else parse_size(size), dpi, caption)
    page = text_of(choices, files)(page)
    asked = Asked(files, output, terminal, watch, trajectories, choices, page)
    for family in FAMILIES:
        if family.hold(files, asked.kind):
            family.draw(asked)
            return
    if asked.kind in TOPOLOGY_KINDS:
        _draw_topology(asked)
        return
    surfaces = read_or_wait(files, waiting=watch is not None)
    path = None if terminal else asked.path(trajectories)
    if terminal:
        _check_terminal(choices)
    page = replace(page, camera=pop_camera(choices))
    drawing = PlotOutput(Request(**choices, labels=page.labels or None), path, trajectories, page)
    if watch is not None:
        redraw_on_change(files, watch, drawing)
        return
    picture = drawing.picture(surfaces, files)
    if path is None:
        texts = [f"note: {note}" for note in picture.notes()]
        print_in_terminal(drawing, picture, [*texts, *([picture.caption] if caption else [])])
    else:
        drawing.write(picture, path)
    for note in picture.notes():
        say_note(note)
    if caption:
        say(picture.caption)
    if path is not None:
        say(f"wrote {path.resolve()}")


def _draw_topology(asked: Asked) -> None:
    """Draw the minima of surfaces.

    Raises:
        UsageError: if an option does not apply.
    """
    from landscape_cli.plotting.request import Request

    unused = {"trajectories": asked.trajectories, "terminal": asked.terminal, "watch": asked.watch}
    refuse_surface_options(unused, f"--kind {asked.kind}")
    page = replace(asked.page, camera=pop_camera(asked.choices))
    request = Request(**asked.choices, labels=page.labels or None)
    write_topology(request, asked.files, asked.path(), page)


def _check_terminal(choices: Mapping[str, Any]) -> None:
    """Refuse options of pictures in files only.

    Raises:
        UsageError: naming the option.
    """
    if choices["twin"] is not None:
        raise UsageError(f"--twin {choices['twin']}: --terminal draws one quantity; leave one out")
    if len(choices["quantity"]) > 1:
        raise UsageError(
            f"--quantity is given {len(choices['quantity'])} times: --terminal draws one quantity"
        )
    if choices["basins"]:
        raise UsageError("--basins: --terminal draws no minima; leave one out")
    if choices["quiver"]:
        raise UsageError("--quiver: --terminal draws no arrows; leave one out")
    if choices["contours_of"] not in (None, "none"):
        raise UsageError(
            f"--contours-of {choices['contours_of']}: --terminal draws one quantity; leave one out"
        )
