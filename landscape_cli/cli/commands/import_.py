"""``landscape import``: convert a surface file of Li et al.'s `loss-landscape`."""

from __future__ import annotations

from pathlib import Path

import click

from landscape_cli.cli.options import debug_option
from landscape_cli.cli.output import say

EXAMPLES = """\b
Examples:
  landscape import 'model_300.t7_weights.h5_[-1.0,1.0,51]x[-1.0,1.0,51].h5' -o resnet56.h5
  landscape import old.h5 --split test -o old_test.h5
"""


@click.command(epilog=EXAMPLES)
@click.argument("old")
@click.option(
    "--output",
    "-o",
    metavar="PATH",
    help="The file to write; by default OLD's name with .imported.h5.",
)
@click.option("--split", metavar="NAME", help="Import only the values of this split.")
@click.option("--overwrite", is_flag=True, help="Replace the file to write if it exists.")
@debug_option
def command(old: str, output: str | None, split: str | None, overwrite: bool) -> None:
    """Convert the surface file OLD of Li et al.'s `loss-landscape`.

    Values of -1 become points not yet computed, and percentages become fractions. Arrays of planes
    that are not square are unscrambled where necessary. Details are in docs/loss-landscape.md.
    """
    from landscape_cli.errors import StoreError
    from landscape_cli.store import check_writable, read_older_surface, write_surface
    from landscape_cli.store.file_kind import SURFACE, check_replaceable
    from landscape_cli.util.output_files import same_file

    path = (Path(old).with_suffix(".imported.h5") if output is None else Path(output)).absolute()
    check_writable(path)
    if same_file(path, old):
        raise StoreError(f"--output: {path} is the file to import; name another one")
    if path.exists() and not overwrite:
        raise StoreError(
            f"--output: {path} is there already; name another file, or add --overwrite"
        )
    check_replaceable(path, SURFACE, "--output")
    surface, notes = read_older_surface(old, split)
    write_surface(path, surface)
    for note in notes:
        say(note)
    progress = "all" if surface.complete else f"{surface.done} of"
    values = ", ".join(" ".join(key) for key in surface.values)
    say(f"{progress} {surface.total} points: {values}", f"wrote {path}")
