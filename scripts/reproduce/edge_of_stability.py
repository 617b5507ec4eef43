"""The largest Hessian eigenvalues in training: does gradient descent reach 2 / learning rate?"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
from steps import Network, Workshop, labelled, landscape, launcher, load_base, options, run, table

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.store import read_curvature

RATES = (0.25, 0.5, 1.0)
EPOCHS = 240
EVERY = 4
ALL = 1024
"""Samples in a batch: all of them, so that training is gradient descent."""


def network(rate: float, epochs: int = EPOCHS) -> Network:
    options = f"--optimizer sgd --momentum 0 --lr {rate} --batch-size {ALL} --epochs {epochs}"
    return Network(
        name=f"rate{rate:g}",
        label=f"learning rate {rate:g}",
        training=(*options.split(), "--milestones", str(epochs), "--every", str(EVERY)),
    )


def spectrum(workshop: Workshop, net: Network) -> Path:
    """Compute the three largest eigenvalues and the smallest one at each checkpoint."""
    output, epochs = workshop.folder / f"{net.name}.curvature.h5", f"{net.name}_epochs"
    checkpoints = ("--checkpoints", str(workshop.folder / epochs / "epoch_*.pt"))
    log = ("--log", str(workshop.folder / epochs / "log.csv"))
    what = ("--top", "3", "--bottom", "1", "--output", str(output))
    config = str(workshop.folder / f"{net.name}.yaml")
    run([*launcher(workshop.jobs), *landscape("curvature", config, *checkpoints, *log, *what)])
    return output


def row(net: Network, rate: float, path: Path) -> list[str]:
    """Make a network's table row: where its largest eigenvalue went, and where it stayed."""
    record = read_curvature(path)
    largest = record.eigenvalues[:, 0]
    late = largest[len(largest) // 2 :]
    return [
        net.label,
        f"{2 / rate:g}",
        f"{largest[0]:.3g}",
        f"{largest.max():.3g}",
        f"{100 * np.mean(largest > 2 / rate):.0f}",
        f"{np.median(late):.3g}",
        f"{largest[-1]:.3g}",
    ]


HEAD = ["network", "2 / learning rate", "at first", "largest", "epochs above 2 / rate (%)"]
HEAD += ["median of the second half", "at the end"]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("edge_of_stability")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Follow the largest Hessian eigenvalues of a perceptron through gradient descent.

    Full batches of digits and a constant learning rate, three of them; the eigenvalues every few
    epochs, drawn with 2 / learning rate, and a table.
    """
    workshop = Workshop(folder, load_base("digits_mlp.yaml"), parse_changes(assignments), jobs)
    networks = {rate: network(rate, epochs or EPOCHS) for rate in RATES}
    workshop.train(networks.values())
    if train_only:
        return
    paths = {rate: spectrum(workshop, net) for rate, net in networks.items()}
    names = labelled(net.label for net in networks.values())
    workshop.plot("edge_of_stability", list(paths.values()), "--size", "9x3", *names)
    rows = [row(net, rate, paths[rate]) for rate, net in networks.items()]
    workshop.write("table.md", table(HEAD, rows))


if __name__ == "__main__":
    sys.exit(run_script(command, "edge_of_stability"))
