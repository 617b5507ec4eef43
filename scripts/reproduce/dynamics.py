"""How training moves: diffusion maps, true losses and angles of thousands of checkpoints."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from motion import maps, paths
from motion.runs import KINDS, SEEDS
from results import merge
from steps import Workshop, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

PARTS = {"maps": maps.study, "paths": paths.study}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)), metavar="[PART]...")
@options("dynamics")
def command(
    parts: tuple[str, ...],
    folder: Path,
    jobs: int,
    epochs: int | None,
    assignments: tuple[str, ...],
    train_only: bool,
) -> None:
    """Measure how training moves; all parts, or those named.

    Perceptrons are trained on Fashion-MNIST with SGD and Adam, small and large batches, and about
    2,000 checkpoints of each are recorded, which takes 5 GB.

    \b
    maps   diffusion maps of each training and of all, beside random walks
    paths  steps against gradients and contours, before and after the learning rate drops
    """
    workshop = Workshop(folder, load_base("fashion_mlp.yaml"), parse_changes(assignments), jobs)
    workshop.train(kind.network(seed, epochs) for seed in SEEDS for kind in KINDS)
    if not train_only:
        found = {part: PARTS[part](workshop, epochs) for part in parts or PARTS}
        for part, results in found.items():
            for each in results.tables.values():
                workshop.write(f"{part}.md", each.markdown + "\n")
        if found.keys() == PARTS.keys():
            workshop.publish(merge(found.values()))


if __name__ == "__main__":
    sys.exit(run_script(command, "dynamics"))
