"""``landscape animate``: surfaces one after another, in an animation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.input_files import distinct_names
from landscape_cli.cli.options import (
    CAMERA,
    CONTENT,
    OUTPUT,
    SCALE,
    STYLE,
    camera_options,
    debug_option,
    pop_camera,
)
from landscape_cli.plotting import KINDS, MOVIES, STYLES

if TYPE_CHECKING:
    from landscape_cli.plotting.animation import Pixels

TIMING = Section("Timing")

EXAMPLES = """\b
Examples:
  landscape animate epoch_*.h5 -o training.gif
  landscape animate epoch_*.h5 --kind surface --vmax 10 --fps 8 --style dark -o training.mp4
  landscape animate resnet.h5 noshort.h5 --kind render --turntable 48 --fps 12 -o turning.gif
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@CONTENT.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    help="How to draw; line or contourf if left out, or surface with --turntable.",
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
    "--repeat",
    type=int,
    metavar="K",
    help="Draw one of several repeats, from 0 on.",
)
@SCALE.option("--log/--linear", default=None, help="The scale of the values.")
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
@CAMERA.option(
    "--turntable",
    type=click.IntRange(2, 3600),
    metavar="FRAMES",
    help="Turn a surface, relief or render once in so many frames, all FILEs side by side.",
)
@TIMING.option(
    "--fps",
    type=click.FloatRange(0.1, 60),
    default=4.0,
    show_default=True,
    help="Frames per second.",
)
@TIMING.option(
    "--hold",
    type=click.FloatRange(0, 60),
    help="Seconds that the last frame stays; 2 if left out, or none of a --turntable.",
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
    help="Of a frame, in inches, or with cm or mm behind it.",
)
@STYLE.option(
    "--dpi",
    type=click.IntRange(20, 600),
    default=120,
    show_default=True,
    help="Dots per inch.",
)
@OUTPUT.option(
    "--output",
    "-o",
    metavar="PATH",
    required=True,
    help=f"The animation, {' or '.join(MOVIES)} by its ending; mp4 needs ffmpeg.",
)
@OUTPUT.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@debug_option
def command(
    files: tuple[str, ...],
    output: str,
    fps: float,
    hold: float | None,
    turntable: int | None,
    style: str,
    size: str | None,
    dpi: int,
    quiet: bool,
    **choices: Any,
) -> None:
    """Draw surface files as the frames of an animation, in the order given, on one scale.

    The files are the same plane or line around other weights, such as the checkpoints of one
    training: all have the same grid. With --turntable the animation instead goes once around
    surfaces in three dimensions.
    """
    import sys

    from landscape_cli.plotting.animation import (
        View,
        check_frames,
        check_movie,
        frames,
        turning,
        write_movie,
    )
    from landscape_cli.plotting.figure_size import parse_size
    from landscape_cli.plotting.request import Request
    from landscape_cli.store import read_surface

    path = Path(output)
    check_movie(path, files)
    dimensions = None if size is None else parse_size(size)
    view = View(style, dimensions, dpi, pop_camera(choices))
    surfaces = [read_surface(file) for file in files]
    if turntable is not None:
        choices["kind"] = choices["kind"] or "surface"
    request = Request(**choices)
    panels = request.panels(surfaces, distinct_names(files))
    if turntable is None:
        check_frames(panels)
    picture = request.picture(panels)
    if turntable is None:
        drawn, count = frames(picture, view), len(files)
    else:
        drawn, count = turning(picture, view, turntable), turntable
    hold = hold if hold is not None else 0.0 if turntable else 2.0
    write_movie(path, _counted(drawn, count, path.name, quiet), fps, hold)
    for note in picture.notes():
        print(f"note: {note}", file=sys.stderr)
    print(f"wrote {path.resolve()}", flush=True)


def _counted(drawn: Iterator[Pixels], total: int, label: str, quiet: bool) -> Iterator[Pixels]:
    """The frames, with a bar that counts them."""
    from landscape_cli.util.progress import Progress

    with Progress(total, label, "frame", quiet=quiet) as progress:
        for frame in drawn:
            yield frame
            progress.update()
