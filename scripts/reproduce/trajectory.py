"""Path of SGD in its PCA plane, with small and large batches, as in section 7 of Li et al."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import h5py
import sharp_flat
from steps import Network, Workshop, labelled, landscape, load_base, options, run

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

POINTS, SAMPLES = 17, 500
DECAY = "5e-4"
LEVELS = "0.01,0.02,0.05,0.1,0.2,0.5,1,2"
"""Boundaries of the loss's bands, three per decade."""


def trace(workshop: Workshop, net: Network) -> Path:
    """Compute the plane in which a training run moved most, and its path in that plane."""
    output = workshop.folder / f"{net.name}.trajectory.h5"
    if output.exists():
        click.echo(f"have {output}")
        return output
    epochs = workshop.folder / f"{net.name}_epochs"
    checkpoints = ("--checkpoints", str(epochs / "epoch_*.pt"), "--log", str(epochs / "log.csv"))
    config = workshop.folder / f"{net.name}.yaml"
    run(landscape("trajectory", str(config), *checkpoints, "-o", str(output)))
    return output


def plane(workshop: Workshop, net: Network, path: Path) -> Path:
    """Compute the loss on that plane, over the range of the path."""
    with h5py.File(path) as file:
        ranges = {axis: file.attrs[f"range_{axis}"].tolist() for axis in "xy"}
    changes = {
        "checkpoint": str(workshop.checkpoint(net)),
        "directions": {axis: {"kind": "file", "path": str(path)} for axis in ranges},
        "grid": {axis: [*range_, POINTS] for axis, range_ in ranges.items()},
        "samples": SAMPLES,
        "splits": ["train"],
        "batch_norm": "recalibrate",
        "batch_norm_samples": SAMPLES,
    }
    return workshop.compute(f"{net.name}_path", changes)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("sharp_flat")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Draw SGD's path from its initial to its final weights, over the loss.

    The networks are those with weight decay that sharp_flat.py trains, in the same folder.
    """
    workshop = Workshop(folder, load_base("fashion_vgg9.yaml"), parse_changes(assignments), jobs)
    batches = (sharp_flat.SMALL, sharp_flat.LARGE)
    length = epochs or sharp_flat.EPOCHS
    networks = [sharp_flat.network("SGD", batch, DECAY, length) for batch in batches]
    workshop.train(networks)
    if not train_only:
        surfaces = [plane(workshop, net, trace(workshop, net)) for net in networks]
        what = ("--split", "train", "--quantity", "loss", "--log", "--levels", LEVELS)
        names = labelled(net.label for net in networks)
        workshop.plot("paths", surfaces, *what, "--size", "8.4x3.8", *names)


if __name__ == "__main__":
    sys.exit(run_script(command, "trajectory"))
