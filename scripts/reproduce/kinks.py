"""The Hessian of a ReLU network beside the curvature that a drawn surface has."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from results import Claim, Mean, Results, Table
from steps import Network, Workshop, landscape, launcher, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.store import read_curvature, read_surface

RECIPE = "--lr 0.02 --batch-size 64 --weight-decay 5e-4 --every 30 --at-least accuracy=0.99"
EPOCHS = 60
SEEDS = (0, 1, 2)
CLOSE = 0.05
"""Relative difference up to which a second difference is the eigenvalue."""

STEPS = (0.01, 0.03, 0.1)
ENDS = {"largest": 1, "smallest": -1}

Numbers = NDArray[np.float64]


def network(activation: str, seed: int, epochs: int = EPOCHS) -> Network:
    return Network(
        name=f"{activation}_seed{seed}",
        label=f"MLP, {activation}",
        changes={"problem_args.model_args.activation": activation},
        training=(*RECIPE.split(), "--restarts", "2", "--epochs", str(epochs), "--seed", str(seed)),
    )


def spectrum(workshop: Workshop, net: Network) -> Path:
    """Compute eigenpairs at both ends of the Hessian's spectrum."""
    output = workshop.folder / f"{net.name}.curvature.h5"
    what = ("--top", "5", "--bottom", "3", "--output", str(output))
    words = landscape("curvature", str(workshop.folder / f"{net.name}.yaml"), *what)
    workshop.spend("curvature", [*launcher(workshop.jobs), *words], output)
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
    return workshop.compute(f"{net.name}_{end}_{step:g}", changes, ranks=1)


def second_difference(path: Path) -> float:
    """Return (L(-h) - 2 L(0) + L(h)) / h^2 of a line of three points."""
    surface = read_surface(path)
    before, centre, after = surface.values["train", "loss"]
    return float((before - 2 * centre + after) / surface.grid.axes["x"].high ** 2)


HEAD = ["network", "end", "eigenvalue", *(f"second difference, step {step:g}" for step in STEPS)]

Pairs = Mapping[tuple[str, str], Sequence[Sequence[float]]]
"""By activation and end, for each seed: the eigenvalue, and second differences by step."""


def judge(found: Pairs) -> list[Claim]:
    """Compare eigenvalues with second differences at the smallest step."""

    def ratio(activation: str) -> Mean:
        return Mean.of(values[1] / values[0] for values in found[activation, "largest"])

    smooth, kinked = ratio("tanh"), ratio("relu")
    signs = [values[1] > 0 > values[0] for values in found["relu", "smallest"]]
    return [
        Claim(
            "definition of the Hessian",
            "For a smooth network, second differences along an eigenvector tend to its eigenvalue.",
            f"Tanh, step {STEPS[0]:g}: {smooth.text(4)} times the largest eigenvalue.",
            "agrees" if abs(smooth.value - 1) <= CLOSE else "disagrees",
        ),
        Claim(
            "Li et al. 2018, *A note of caution: are we really seeing convexity?*",
            "The Hessian's eigenvalues tell whether a drawn surface is convex.",
            f"ReLU, step {STEPS[0]:g}: {kinked.text(3)} times the largest eigenvalue; along the "
            f"eigenvector of the smallest, negative one, the loss curves upwards in {sum(signs)} "
            f"of {len(signs)} networks.",
            "disagrees" if all(signs) else "undecided",
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("kinks")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Compare extreme eigenvalues with second differences of the loss along their eigenvectors.

    ReLU and tanh perceptrons on digits that all fit. For a smooth network the two agree at small
    steps; the kinks of ReLUs add curvature that no second derivative sees.
    """
    workshop = Workshop(folder, load_base("digits_mlp.yaml"), parse_changes(assignments), jobs)
    keys = [(activation, seed) for activation in ("relu", "tanh") for seed in SEEDS]
    networks = {key: network(*key, epochs or EPOCHS) for key in keys}
    workshop.train(networks.values())
    if train_only:
        return
    spectra = {key: spectrum(workshop, net) for key, net in networks.items()}
    shown = [spectra[activation, SEEDS[0]] for activation in ("relu", "tanh")]
    workshop.plot("eigenvalues", shown, "--kind", "eigenvalues", "--dpi", "130")
    found: dict[tuple[str, str], list[list[float]]] = {}
    for (activation, seed), net in networks.items():
        values = read_curvature(spectra[activation, seed]).eigenvalues[0]
        for end, value in zip(ENDS, (values[0], values[-1]), strict=True):
            lines = [line(workshop, net, spectra[activation, seed], end, step) for step in STEPS]
            each = [float(value), *map(second_difference, lines)]
            found.setdefault((activation, end), []).append(each)
    rows = [
        [f"MLP, {activation}", end, *(Mean.of(v).text(4) for v in zip(*values, strict=True))]
        for (activation, end), values in found.items()
    ]
    accuracies = [workshop.log(net)["train_accuracy"] for net in networks.values()]
    settings = {"seeds": len(SEEDS), "networks": len(networks), "epochs": epochs or EPOCHS}
    numbers = {"accuracy": min(accuracies)}
    tables = {"differences": Table(HEAD, rows)}
    workshop.publish(Results(settings, numbers, tables, judge(found), ["eigenvalues"]))


if __name__ == "__main__":
    sys.exit(run_script(command, "kinks"))
