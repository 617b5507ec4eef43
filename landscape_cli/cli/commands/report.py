"""``landscape report``: write a page on a network from its files."""

from __future__ import annotations

import click

from landscape_cli.cli.help_sections import SectionCommand
from landscape_cli.cli.options import CONTENT, OUTPUT, debug_option
from landscape_cli.cli.output import note, say

EPILOG = """\b
Examples:
  landscape report configs/digits_resnet44.yaml
  landscape report run.yaml runs/zoomed.h5 --title 'ResNet-44 after 90 epochs'
  landscape report surface.h5 line.h5 surface.curvature.h5 -o net.html
"""


@click.command(cls=SectionCommand, epilog=EPILOG)
@click.argument("files", metavar="[CONFIG] [FILE]...", nargs=-1, required=True)
@CONTENT.option("--title", metavar="TEXT", help="The page's title; by default the network's name.")
@OUTPUT.option(
    "--output",
    "-o",
    metavar="FILE.html",
    help="The file to write; by default CONFIG's output, or FILE, with the ending .report.html.",
)
@OUTPUT.option(
    "--interactive",
    is_flag=True,
    help="Also write the interactive page of the planes, and link to it (needs plotly).",
)
@OUTPUT.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@debug_option
def command(
    files: tuple[str, ...], title: str | None, output: str | None, interactive: bool, quiet: bool
) -> None:
    """Write one HTML page on a network, for a pull request or a co-author.

    Of CONFIG it shows the output file and the files beside it whose names begin like it: planes,
    lines, spectra, sharpness, the training's path, diffusion maps, ensembles; with the numbers of
    `landscape describe` and how to read them, and where everything comes from. What is missing is
    named with the command that makes it. Files of another checkpoint are left out, or refused if
    they are named. The page needs no network, no script, and prints.
    """
    from pathlib import Path

    from landscape_cli.reports.finding import find_material
    from landscape_cli.reports.writing import write_report

    material = find_material(files)
    path = Path(f"{material.stem}.report.html" if output is None else output)
    written = write_report(material, path, title, interactive=interactive, quiet=quiet)
    for text in material.notes:
        note(text)
    say(*(f"wrote {one.resolve()}" for one in written))
