"""Global claims about loss surfaces that can be measured, for and against."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from claims import batches, ensembles, infinity, minima, seeds, widths
from claims.shop import Shop
from results import merge
from steps import Workshop, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

PARTS = {
    "minima": minima.study,
    "widths": widths.study,
    "batches": batches.study,
    "ensembles": ensembles.study,
    "seeds": seeds.study,
    "infinity": infinity.study,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)), metavar="[PART]...")
@options("connectivity")
def command(
    parts: tuple[str, ...],
    folder: Path,
    jobs: int,
    epochs: int | None,
    assignments: tuple[str, ...],
    train_only: bool,
) -> None:
    """Measure how minima are connected; all parts, or those named.

    \b
    minima     two seeds: straight, aligned, Bezier and chain
    widths     barriers against width, naive and aligned
    batches    from a small-batch to a large-batch network
    ensembles  FGE and SWA against one run of the same budget
    seeds      final losses over seeds against width
    infinity   the loss along s times the parameters
    """
    shop = Shop(folder, parse_changes(assignments), jobs, epochs, train_only)
    found = {part: PARTS[part](shop) for part in parts or PARTS}
    known = {part: results for part, results in found.items() if results is not None}
    whole = Workshop(folder, {})
    for part, results in known.items():
        for each in results.tables.values():
            whole.write(f"{part}.md", each.markdown + "\n")
    if known.keys() == PARTS.keys():
        whole.publish(merge(known.values()))


if __name__ == "__main__":
    sys.exit(run_script(command, "connectivity"))
