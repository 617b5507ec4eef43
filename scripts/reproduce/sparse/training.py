"""Train thin perceptrons from scratch, and wide ones that are pruned to as many parameters."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import click
import torch
from perceptrons import Perceptrons, batches, initial, problem_of, samples, save

from landscape_cli.cli.error_report import run_script
from landscape_cli.problems import Problem
from sparse.masks import Masks, kept_units, kept_weights, thin_parameters

WIDE = 128
WIDTHS = (2, 3, 4, 6, 8, 16)
"""Hidden units of the thin networks, to whose numbers of parameters the wide ones are pruned."""

SEEDS = 8
EPOCHS = 120
RATE, MOMENTUM, BATCH = 0.05, 0.9, 64
DROP = 0.75
"""Fraction of the epochs after which the learning rate is divided by 10."""

PRUNING, ROUNDS = (1 / 3, 2 / 3), 5
"""Fractions of the epochs between which wide networks are pruned, and in how many rounds."""

KINDS = {
    "thin": "thin from scratch",
    "units": "wide, units pruned",
    "weights": "wide, weights pruned",
    "anew": "weights pruned, trained anew",
    "wide": "wide",
}


@dataclass(frozen=True)
class Run:
    """Networks of all seeds, trained side by side.

    Args:
        kind: a key of ``KINDS``.
        width: of the thin network, or of the one with as many parameters as are kept.
    """

    kind: str
    width: int

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.width}"


FULL = Run("wide", WIDE)
COMPARED = ("thin", "units", "weights", "anew")
RUNS = [FULL, *(Run(kind, width) for width in WIDTHS for kind in COMPARED)]
"""All runs, each after those whose masks it uses."""

OTHER_SEEDS = 1000
"""Added to the seeds of networks that are trained anew, without the pruned weights."""

State = dict[str, Any]


def rounds(epochs: int) -> list[int]:
    """Return the epochs after which wide networks are pruned."""
    first, last = (part * epochs for part in PRUNING)
    return [round(first + (last - first) * each / (ROUNDS - 1)) for each in range(ROUNDS)]


def masks(networks: Perceptrons, run: Run, done: int) -> Masks:
    """Prune in a round; what is left shrinks by the same factor each time.

    Args:
        networks: the networks.
        run: theirs.
        done: number of the round, from 1 to ``ROUNDS``.
    """
    part = done / ROUNDS
    if run.kind == "units":
        return kept_units(networks, round(WIDE ** (1 - part) * run.width**part))
    all_of_them = networks.flat().shape[1]
    count = round(all_of_them ** (1 - part) * thin_parameters(networks, run.width) ** part)
    return kept_weights(networks, count)


def train(problem: Problem, run: Run, seeds: int, epochs: int, kept: Masks | None = None) -> State:
    """Train the networks of a run with the same epochs and learning rates as all others.

    Args:
        problem: whose split ``train`` is learned.
        run: the run.
        seeds: number of networks.
        epochs: number of epochs.
        kept: parameters that are not zero from the beginning on; None for all.
    """
    first = OTHER_SEEDS if run.kind == "anew" else 0
    networks = initial([run.width if run.kind == "thin" else WIDE], range(first, first + seeds))
    _apply(networks, kept)
    inputs, labels = samples(problem, "train")
    order = torch.Generator().manual_seed(1)
    batch = batches(inputs, labels, seeds, BATCH, order)
    optimizer = torch.optim.SGD(networks.tensors, lr=RATE, momentum=MOMENTUM)
    prune_after = rounds(epochs) if run.kind in ("units", "weights") else []
    for epoch in range(1, epochs + 1):
        optimizer.param_groups[0]["lr"] = RATE / (10 if epoch > DROP * epochs else 1)
        for _ in range(-(-len(inputs) // BATCH)):
            networks.step_gradients(*next(batch))
            optimizer.step()
            _apply(networks, kept)
        for done, after in enumerate(prune_after, 1):
            if epoch == after:
                kept = masks(networks, run, done)
                _apply(networks, kept)
    return state(problem, networks)


@torch.no_grad()
def _apply(networks: Perceptrons, kept: Masks | None) -> None:
    if kept is not None:
        for tensor, mask in zip(networks.tensors, kept, strict=True):
            tensor.mul_(mask)


def state(problem: Problem, networks: Perceptrons) -> State:
    """Return the parameters, and the loss and accuracy of each network by split."""
    scores = networks.scores_by_split(problem)
    shapes = {name: list(shape) for name, shape in networks.shapes().items()}
    return {"flat": networks.flat(), "shapes": shapes, "scores": scores}


def masks_of(found: State) -> Masks:
    """Return the masks of networks that have been trained."""
    shapes = [torch.Size(shape) for shape in found["shapes"].values()]
    flat = (found["flat"] != 0).float()
    parts = flat.split([shape.numel() for shape in shapes], 1)
    return [part.reshape(len(flat), *shape) for part, shape in zip(parts, shapes, strict=True)]


def path_of(folder: Path, run: Run) -> Path:
    return folder / f"{run.name}.pt"


def load(folder: Path, run: Run) -> State:
    found: State = torch.load(path_of(folder, run), weights_only=True)
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seeds", type=click.IntRange(1), default=SEEDS, help="Networks of each run.")
@click.option("--epochs", type=click.IntRange(1), default=EPOCHS, help="Epochs of each run.")
def command(config: Path, seeds: int, epochs: int) -> None:
    """Perform the runs whose files are not yet beside CONFIG."""
    torch.set_num_threads(1)
    problem = problem_of(config)
    for run in RUNS:
        path = path_of(config.parent, run)
        if not path.exists():
            kept = None
            if run.kind == "anew":
                kept = masks_of(load(config.parent, Run("weights", run.width)))
            save(train(problem, run, seeds, epochs, kept), path)
            click.echo(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(run_script(command, "training"))
