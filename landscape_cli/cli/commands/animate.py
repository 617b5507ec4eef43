"""``landscape animate``: an animation of several surfaces, or around one."""

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
from landscape_cli.cli.pictures.options import (
    field_options,
    levels_option,
    text_of,
    text_options,
)
from landscape_cli.plotting import KINDS, MOVIES

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
    help="Kind of plot; by default line or contourf, or surface with --turntable.",
)
@split_option
@CONTENT.option(
    "--quantity", metavar="NAME", help="The quantity to draw, such as loss or accuracy."
)
@CONTENT.option(
    "--repeat",
    type=int,
    metavar="K",
    help="Draw only repeat K, counted from 0.",
)
@scale_options
@field_options
@levels_option
@camera_options
@CAMERA.option(
    "--turntable",
    type=click.IntRange(2, 3600),
    metavar="FRAMES",
    help="Rotate the camera once around the surfaces, side by side, in this number of frames.",
)
@TIMING.option(
    "--fps",
    type=click.FloatRange(0.1, 60),
    metavar="N",
    default=4.0,
    show_default=True,
    help="Frames per second.",
)
@TIMING.option(
    "--hold",
    type=click.FloatRange(0, 60),
    metavar="SECONDS",
    help="Time for which the last frame stays; by default 2, or 0 with --turntable.",
)
@style_option
@text_options
@STYLE.option(
    "--size",
    metavar="WxH",
    help="Size of a frame in inches, or in cm or mm, such as 16x9cm.",
)
@STYLE.option(
    "--dpi",
    type=click.IntRange(20, 600),
    metavar="N",
    default=120,
    show_default=True,
    help="Dots per inch.",
)
@OUTPUT.option(
    "--output",
    "-o",
    metavar="PATH",
    required=True,
    help=f"The file to write, {', '.join(MOVIES[:-1])} or {MOVIES[-1]} by its extension: webp and "
    "apng have all colours, for web pages and slides; gif has 256, for where nothing else moves; "
    "mp4 is smallest, for talks, and needs ffmpeg.",
)
@OUTPUT.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
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
    """Draw surface files as an animation, one frame per file.

    The files hold the same plane or line around different weights, such as the checkpoints of a
    training run. All must have the same grid; all frames have the same scale. With --turntable, the
    animation instead rotates the camera once around surfaces in three dimensions.
    """
    from landscape_cli.plotting.animation import (
        check_frames,
        frames,
        turning,
    )
    from landscape_cli.plotting.figure_size import parse_size
    from landscape_cli.plotting.movies.files import check_movie, write_movie
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.request import Request
    from landscape_cli.store import read_surface

    path = Path(output)
    check_movie(path, files)
    dimensions = None if size is None else parse_size(size)
    page = Page(style=style, size=dimensions, dpi=dpi, camera=pop_camera(choices))
    page = text_of(choices, files)(page)
    surfaces = [read_surface(file) for file in files]
    if turntable is not None:
        choices["kind"] = choices["kind"] or "surface"
    request = Request(**choices, labels=page.labels or None)
    panels = request.panels(surfaces, distinct_names(files))
    if turntable is None:
        check_frames(panels)
    picture = request.picture(panels)
    if turntable is None:
        images, count = frames(picture, page), len(files)
    else:
        images, count = turning(picture, page, turntable), turntable
    hold = hold if hold is not None else 0.0 if turntable else 2.0
    write_movie(path, _with_progress(images, count, path.name, quiet), fps, hold)
    for note in picture.notes():
        say_note(note)
    say(f"wrote {path.resolve()}")


def _with_progress(
    images: Iterator[Pixels], total: int, label: str, quiet: bool
) -> Iterator[Pixels]:
    """Yield the frames while a progress bar counts them."""
    from landscape_cli.util.progress import Progress

    with Progress(total, label, "frame", quiet=quiet) as progress:
        for image in images:
            yield image
            progress.update()
