"""The Hessian of a ReLU network beside the curvature that a drawn surface has."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from steps import Network, Workshop, landscape, launcher, load_base, options, run, table

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.store import read_curvature, read_surface

RECIPE = "--lr 0.02 --batch-size 64 --weight-decay 5e-4 --every 30 --at-least accuracy=0.99"
EPOCHS = 60
STEPS = (0.01, 0.03, 0.1)
ENDS = {"largest": 1, "smallest": -1}

Numbers = NDArray[np.float64]


def network(activation: str, epochs: int = EPOCHS) -> Network:
    return Network(
        name=activation,
        label=f"MLP 64-64, {activation}",
        changes={"problem_args.model_args.activation": activation},
        training=(*RECIPE.split(), "--restarts", "2", "--epochs", str(epochs)),
    )


def spectrum(workshop: Workshop, net: Network) -> Path:
    """Compute eigenpairs at both ends of the Hessian's spectrum."""
    output = workshop.folder / f"{net.name}.curvature.h5"
    what = ("--top", "5", "--bottom", "3", "--output", str(output))
    config = str(workshop.folder / f"{net.name}.yaml")
    run([*launcher(workshop.jobs), *landscape("curvature", config, *what)])
    return output


def line(workshop: Workshop, net: Network, curvature: Path, end: str, step: float) -> Path:
    """Compute the loss at the centre and a step to either side along an eigenvector."""
    direction = {"kind": "eigenvector", "path": str(curvature), "index": ENDS[end]}
    changes: Mapping[str, Any] = {
        **net.changes,
        "checkpoint": str(workshop.checkpoint(net)),
        "directions": {"x": direction},
        "grid": {"x": [-step, step, 3]},
    }
    return workshop.compute(f"{net.name}_{end}_{step:g}", changes)


def second_difference(path: Path) -> float:
    """Return (L(-h) - 2 L(0) + L(h)) / h^2 of a line of three points."""
    surface = read_surface(path)
    before, centre, after = surface.values["train", "loss"]
    return float((before - 2 * centre + after) / surface.grid.axes["x"].high ** 2)


HEAD = ["network", "end", "eigenvalue", *(f"second difference, step {step:g}" for step in STEPS)]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("kinks")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Compare extreme eigenvalues with second differences of the loss along their eigenvectors.

    A ReLU and a tanh perceptron on digits that both fit. For a smooth network the two agree at
    small steps; the kinks of ReLUs add curvature that no second derivative sees.
    """
    workshop = Workshop(folder, load_base("digits_mlp.yaml"), parse_changes(assignments), jobs)
    networks = [network(activation, epochs or EPOCHS) for activation in ("relu", "tanh")]
    workshop.train(networks)
    if train_only:
        return
    spectra = [spectrum(workshop, net) for net in networks]
    workshop.plot("kinks", spectra, "--kind", "eigenvalues")
    rows = []
    for net, curvature in zip(networks, spectra, strict=True):
        values = read_curvature(curvature).eigenvalues[0]
        for end, value in zip(ENDS, (values[0], values[-1]), strict=True):
            lines = [line(workshop, net, curvature, end, step) for step in STEPS]
            differences = [f"{second_difference(path):.4g}" for path in lines]
            rows.append([net.label, end, f"{value:.4g}", *differences])
    workshop.write("table.md", table(HEAD, rows))


if __name__ == "__main__":
    sys.exit(run_script(command, "kinks"))
