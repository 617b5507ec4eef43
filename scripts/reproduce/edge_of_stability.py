"""The largest Hessian eigenvalues in training: does gradient descent reach 2 / learning rate?"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from results import Claim, Mean, Results, Table, most
from steps import Network, Workshop, labelled, landscape, launcher, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.store import read_curvature

RATES = (0.25, 0.5, 1.0)
SEEDS = (0, 1, 2)
EPOCHS = 240
EVERY = 8
ALL = 1024
"""Samples in a batch: all of them, so that training is gradient descent."""

NEAR = 0.2
"""Relative distance from 2 / rate within which an eigenvalue counts as being there."""

Largest = NDArray[np.float64]


def network(rate: float, seed: int, epochs: int = EPOCHS) -> Network:
    options = f"--optimizer sgd --momentum 0 --lr {rate} --batch-size {ALL} --epochs {epochs}"
    record = ("--milestones", str(epochs), "--every", str(EVERY), "--seed", str(seed))
    return Network(
        name=f"rate{rate:g}_seed{seed}",
        label=f"learning rate {rate:g}",
        training=(*options.split(), *record),
    )


def spectrum(workshop: Workshop, net: Network) -> Path:
    """Compute the three largest eigenvalues and the smallest one at each checkpoint."""
    output, epochs = workshop.folder / f"{net.name}.curvature.h5", f"{net.name}_epochs"
    checkpoints = ("--checkpoints", str(workshop.folder / epochs / "epoch_*.pt"))
    log = ("--log", str(workshop.folder / epochs / "log.csv"))
    what = ("--top", "3", "--bottom", "1", "--output", str(output))
    words = landscape("curvature", str(workshop.folder / f"{net.name}.yaml"), *checkpoints)
    workshop.spend("curvature", [*launcher(workshop.jobs), *words, *log, *what], output)
    return output


def measure(largest: Largest, rate: float) -> dict[str, float]:
    """Say where the largest eigenvalue went and where it stayed, in units of 2 / rate."""
    relative = largest * rate / 2
    return {
        "first": float(relative[0]),
        "most": float(relative.max()),
        "above": float(np.mean(relative > 1)),
        "late": float(np.median(relative[len(relative) // 2 :])),
        "last": float(relative[-1]),
    }


HEAD = ["learning rate", "2 / learning rate", "at first", "largest"]
HEAD += [
    "checkpoints above 2 / rate (%)",
    "median of the second half",
    "at the end",
    "training accuracy (%)",
]


def row(rate: float, found: Sequence[Mapping[str, float]]) -> list[str]:
    """Format means over seeds, eigenvalues in their own units."""

    def cell(name: str, factor: float = 2 / rate) -> str:
        return str(Mean.of(factor * each[name] for each in found))

    eigenvalues = [cell("first"), cell("most"), cell("above", 100), cell("late"), cell("last")]
    return [f"{rate:g}", f"{2 / rate:g}", *eigenvalues, cell("accuracy", 100)]


def judge(found: Mapping[float, Sequence[Mapping[str, float]]]) -> list[Claim]:
    """Compare what Cohen et al. say with what was seen."""
    every = [each for values in found.values() for each in values]
    rise = Mean.of(each["most"] / each["first"] for each in every)
    reached = [each["most"] >= 1 - NEAR for each in every]
    stay = [abs(each["late"] - 1) <= NEAR for each in every]
    source = "Cohen et al. 2021, arXiv 2103.00065"
    return [
        Claim(
            source,
            "At first the largest eigenvalue rises.",
            f"It gets to {rise} times its first value.",
            "agrees" if rise.value - 2 * rise.error > 1 else "undecided",
        ),
        Claim(
            source,
            "It rises until it reaches 2 / learning rate.",
            f"{sum(reached)} of {len(reached)} trainings get within {100 * NEAR:.0f} % of it.",
            most(reached),
        ),
        Claim(
            source,
            "Then it stays there.",
            f"In {sum(stay)} of {len(stay)} trainings its median over the second half is within "
            f"{100 * NEAR:.0f} %.",
            most(stay),
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("edge_of_stability")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Follow the largest Hessian eigenvalues of a perceptron through gradient descent.

    Full batches of digits and a constant learning rate, three of them, from three seeds; the
    eigenvalues every few epochs, drawn with 2 / learning rate, and a table.
    """
    workshop = Workshop(folder, load_base("digits_mlp.yaml"), parse_changes(assignments), jobs)
    keys = [(rate, seed) for rate in RATES for seed in SEEDS]
    networks = {key: network(*key, epochs or EPOCHS) for key in keys}
    workshop.train(networks.values())
    if train_only:
        return
    paths = {key: spectrum(workshop, net) for key, net in networks.items()}
    first = [(rate, SEEDS[0]) for rate in RATES]
    names = labelled(networks[key].label for key in first)
    look = ("--size", "9x3", "--dpi", "130")
    workshop.plot("eigenvalues", [paths[key] for key in first], *look, *names)
    found = {
        rate: [
            {
                **measure(read_curvature(paths[rate, seed]).eigenvalues[:, 0], rate),
                "accuracy": workshop.log(networks[rate, seed])["train_accuracy"],
            }
            for seed in SEEDS
        ]
        for rate in RATES
    }
    settings = {
        "epochs": epochs or EPOCHS,
        "every": EVERY,
        "samples": ALL,
        "seeds": len(SEEDS),
        "rates": len(RATES),
        "near": NEAR,
    }
    tables = {"rates": Table(HEAD, [row(rate, each) for rate, each in found.items()])}
    workshop.publish(Results(settings, {}, tables, judge(found), ["eigenvalues"]))


if __name__ == "__main__":
    sys.exit(run_script(command, "edge_of_stability"))
