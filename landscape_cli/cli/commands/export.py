"""``landscape export``: write surface files in other formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from landscape_cli.cli.commands.dynamics.export_output import export_diffusion_file
from landscape_cli.cli.commands.dynamics.file_output import is_diffusion
from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.input_files import distinct_names, with_trajectories
from landscape_cli.cli.options import debug_option
from landscape_cli.cli.output import note as say_note
from landscape_cli.cli.output import say
from landscape_cli.errors import UsageError
from landscape_cli.exports import FORMATS, format_of
from landscape_cli.exports.diffusion import DIFFUSION_FORMATS

FORMAT = Section("Format and file")
CONTENT = Section("What to export")
HEIGHTS = Section("Heights")

EPILOG = "\n".join(
    [
        "\b",
        "Formats:",
        *(f"  {name:9} {entry.help}" for name, entry in FORMATS.items()),
        "",
        "\b",
        "Formats for diffusion files:",
        *(f"  {name:9} {entry.help}" for name, entry in DIFFUSION_FORMATS.items()),
        "",
        "\b",
        "Examples:",
        "  landscape export surface.h5 --to html",
        "  landscape export resnet.h5 noshort.h5 -o both.html",
        "  landscape export plane.h5 --to html --trajectory plane.trajectory.h5",
        "  landscape export surface.h5 --to vtp --vmax 10",
        "  landscape export surface.h5 --to stl --size 80 --height 0.4",
        "  landscape export surface.h5 --to csv",
        "  landscape export training.diffusion.h5 --to npz",
    ]
)


@click.command(cls=SectionCommand, epilog=EPILOG)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@FORMAT.option(
    "--to",
    "name",
    type=click.Choice(list(FORMATS)),
    help="The format, see below; by default from the extension of --output.",
)
@FORMAT.option(
    "--output",
    "-o",
    metavar="PATH",
    help="The file to write; by default FILE's name with the format's extension.",
)
@CONTENT.option(
    "--split",
    metavar="NAME",
    help="Export only this split; in a page, show it first.",
)
@CONTENT.option(
    "--quantity",
    metavar="NAME",
    help="Export only this quantity; in a page, show it first.",
)
@CONTENT.option(
    "--repeat",
    type=int,
    metavar="K",
    help="Export only repeat K, counted from 0. By default, csv, npz and xarray files hold all "
    "repeats, and vtp, vts and stl files their mean.",
)
@CONTENT.option(
    "--basins",
    is_flag=True,
    default=None,
    help="Add the number of the basin that each point belongs to, in npz files.",
)
@CONTENT.option(
    "--trajectory",
    "trajectories",
    multiple=True,
    metavar="FILE",
    help="Show the path in this file, written by `landscape trajectory`, in a page. Repeatable.",
)
@HEIGHTS.option(
    "--log/--linear",
    default=None,
    help="Scale of the heights. By default it is logarithmic if the values are positive and span "
    "more than three decades.",
)
@HEIGHTS.option("--vmin", type=float, metavar="V", help="Clip heights below this value.")
@HEIGHTS.option("--vmax", type=float, metavar="V", help="Clip heights above this value.")
@HEIGHTS.option(
    "--height",
    type=click.FloatRange(0.001, 100),
    metavar="FRACTION",
    help="Height of the relief as a fraction of its longer side. By default 0.5 in stl files; in "
    "vtp files, heights are the values themselves.",
)
@HEIGHTS.option(
    "--size",
    type=click.FloatRange(1, 10000),
    metavar="MM",
    help="Longer side of the solid in an stl file, in millimetres; by default 100.",
)
@debug_option
def command(
    files: tuple[str, ...],
    name: str | None,
    output: str | None,
    split: str | None,
    quantity: str | None,
    log: bool | None,
    repeat: int | None,
    vmin: float | None,
    vmax: float | None,
    height: float | None,
    size: float | None,
    basins: bool | None,
    trajectories: tuple[str, ...],
) -> None:
    """Write surface files, or diffusion files, in another format.

    An html page shows all FILEs side by side; the other formats give one file per FILE.
    """
    from landscape_cli.exports import Options, Source
    from landscape_cli.exports.export_files import check_options, export
    from landscape_cli.store import read_surface

    name = name or _format_from_extension(output)
    first = trajectories[0] if trajectories else None
    options = Options(split, quantity, log, repeat, vmin, vmax, height, size, first, basins)
    if is_diffusion(files[0]):
        export_diffusion_file(files, name, output, options)
        return
    check_options(name, options)
    outputs = _outputs(files, name, output)
    surfaces = [read_surface(file) for file in files]
    surfaces = with_trajectories(surfaces, files, trajectories)
    sources = [Source(*each) for each in zip(surfaces, files, distinct_names(files), strict=True)]
    groups = [sources] if FORMATS[name].several else [[source] for source in sources]
    for group, path in zip(groups, outputs, strict=True):
        for note in export(name, group, path, options):
            say_note(note)
        say(f"wrote {path.resolve()}")


def _format_from_extension(output: str | None) -> str:
    """Return the format that the output's extension stands for.

    Raises:
        UsageError: if there is no output, or its extension stands for no format.
    """
    if output is None:
        raise UsageError(f"--to: name a format, one of {', '.join(FORMATS)}")
    if (name := format_of(output)) is not None:
        return name
    endings = ", ".join(entry.ending for entry in FORMATS.values())
    raise UsageError(f"--output {output}: ends in none of {endings}; name a format with --to")


def _outputs(files: Sequence[str], name: str, output: str | None) -> list[Path]:
    """Return the files to write: one if the format takes several surfaces, else one per file.

    Raises:
        UsageError: if several files would have to share one output.
    """
    entry = FORMATS[name]
    if output is not None and len(files) > 1 and not entry.several:
        raise UsageError(
            f"--output {output}: {len(files)} files can't become one {name}; leave it out, or "
            "export them one by one"
        )
    if output is not None:
        return [Path(output)]
    paths = [Path(file).with_suffix(entry.ending) for file in files[: 1 if entry.several else None]]
    for place, path in enumerate(paths):
        if path in paths[:place]:
            raise UsageError(
                f"FILE: {files[place]} and {files[paths.index(path)]} would both become {path}; "
                "export them one by one with --output"
            )
    return paths
