"""Train perceptrons on digits by rules that keep weights on a grid; one file for each run.

A run trains one network for each seed, side by side, by one rule with one number of bits.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import click
import torch
from perceptrons import Perceptrons, batches, initial, problem_of, samples, save

from landscape_cli.cli.error_report import run_script
from landscape_cli.problems import Problem
from low_precision.rules import Rule, scales

RATE = 0.1
"""The first learning rate."""

BATCH = 32
EPOCHS = 40
"""Epochs at the first rate, and of a long run at it; those at lower rates are longer."""

DECAYS = (0.5, 0.75)
"""Fractions of an annealed run after which the rate is divided by 10."""

SERIES = (1, 2, 4, 8, 16)
"""Factors by which the rate falls before a long run."""

ITERATES = 48
"""Weights recorded in the second half of a long run."""

BITS = (1, 3, 4)
SERIES_BITS = (1, 3)
SEEDS = 5


@dataclass(frozen=True)
class Run:
    """A training run.

    Args:
        rule: a key of ``RULES``.
        bits: of a weight; 0 for ``float``.
        phase: ``annealed``; ``begun``, at the first rate; or ``long``, which goes on from there.
        factor: by which a long run's rate is below the first, and by which it has more steps.
    """

    rule: str
    bits: int
    phase: str
    factor: int = 1

    @property
    def name(self) -> str:
        bits = f"_{self.bits}" if self.bits else ""
        end = f"{self.phase}{self.factor}" if self.phase == "long" else self.phase
        return f"{self.rule}{bits}_{end}"


ANNEALED = [
    Run("float", 0, "annealed"),
    *(Run(rule, bits, "annealed") for bits in BITS for rule in ("bc", "sr", "r")),
]
PAIRS = [("float", 0), *((rule, bits) for bits in SERIES_BITS for rule in ("bc", "sr"))]
LONG = [Run(*pair, "long", factor) for pair in PAIRS for factor in SERIES]
RUNS = [*ANNEALED, *(Run(*pair, "begun") for pair in PAIRS), *LONG]
"""All runs, each after those that it goes on from."""

State = dict[str, Any]


class Training:
    """Networks, the rule and the batches of a run.

    Args:
        problem: whose split ``train`` is learned.
        hidden: widths of the hidden layers.
        seeds: number of networks.
        run: the run.
        scale: of each tensor's grid; empty for ``float``.
        begun: the state that a long run goes on from.
    """

    def __init__(
        self,
        problem: Problem,
        hidden: Sequence[int],
        seeds: int,
        run: Run,
        scale: Sequence[torch.Tensor],
        begun: State | None = None,
    ) -> None:
        self.networks = initial(hidden, range(seeds))
        self.inputs, self.labels = samples(problem, "train")
        self.problem = problem
        order = torch.Generator().manual_seed(2 * run.factor)
        self.batches = batches(self.inputs, self.labels, seeds, BATCH, order)
        generator = torch.Generator().manual_seed(2 * run.factor + 1)
        self.rule = Rule(run.rule, run.bits, scale, generator)
        if begun is None:
            self.rule.begin(self.networks.weights)
        else:
            with torch.no_grad():
                for tensor, known in zip(self.networks.tensors, begun["tensors"], strict=True):
                    tensor.copy_(known)
            self.rule.real = [each.clone() for each in begun["real"]]

    @property
    def epoch(self) -> int:
        """Number of steps of an epoch."""
        return -(-len(self.inputs) // BATCH)

    def step(self, rate: float) -> None:
        self.networks.step_gradients(*next(self.batches))
        weights, biases = self.networks.weights, self.networks.biases
        self.rule.step(weights, [_gradient(each) for each in weights], rate)
        with torch.no_grad():
            for bias in biases:
                bias.sub_(_gradient(bias), alpha=rate)

    def real(self) -> torch.Tensor:
        """Copy the real weights of BinaryConnect, or else the weights, one row for each network."""
        found = self.rule.real or [each.detach() for each in self.networks.weights]
        return torch.cat([each.flatten(1) for each in found], 1)

    def state(self) -> State:
        """Return the weights, and the loss and accuracy of each network by split."""
        return {
            "tensors": [tensor.detach().clone() for tensor in self.networks.tensors],
            "real": self.rule.real,
            "scores": self.networks.scores_by_split(self.problem),
        }


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    assert tensor.grad is not None
    return tensor.grad


def annealed_rate(done: float) -> float:
    """Return the learning rate after a fraction of an annealed run."""
    return RATE / 10 ** sum(done >= part for part in DECAYS)


def train(training: Training, run: Run, epochs: int) -> State:
    """Train, and return the final state; of a long run with the weights of its second half."""
    steps = epochs * training.epoch
    if run.phase != "long":
        for done in range(steps):
            training.step(annealed_rate(done / steps) if run.phase == "annealed" else RATE)
        return training.state()
    half, iterates, real, losses = run.factor * steps // 2, [], [], []
    every = max(half // ITERATES, 1)
    for done in range(1, 2 * half + 1):
        training.step(RATE / run.factor)
        if done > half and (done - half) % every == 0 and len(iterates) < ITERATES:
            iterates.append(training.networks.flat())
            real.append(training.real())
            losses.append(training.networks.scores(training.inputs, training.labels).loss)
    return {
        **training.state(),
        "iterates": torch.stack(iterates, 1),
        "real iterates": torch.stack(real, 1),
        "losses": torch.stack(losses, 1),
    }


def path_of(folder: Path, run: Run) -> Path:
    return folder / f"{run.name}.pt"


def load(folder: Path, run: Run) -> State:
    found: State = torch.load(path_of(folder, run), weights_only=True)
    return found


def perform(run: Run, folder: Path, problem: Problem, seeds: int, epochs: int) -> None:
    """Perform a run, after those whose files it needs."""
    hidden = problem.model.hidden
    assert isinstance(hidden, tuple)
    scale: list[torch.Tensor] = []
    if run.bits:
        trained: Perceptrons = initial(hidden, range(seeds))
        trained.tensors = load(folder, ANNEALED[0])["tensors"]
        scale = [scales(each, run.bits) for each in trained.weights]
    begun = load(folder, Run(run.rule, run.bits, "begun")) if run.phase == "long" else None
    training = Training(problem, hidden, seeds, run, scale, begun)
    save(train(training, run, epochs), path_of(folder, run))
    click.echo(f"wrote {path_of(folder, run)}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seeds", type=click.IntRange(1), default=SEEDS, help="Networks of each run.")
@click.option("--epochs", type=click.IntRange(1), default=EPOCHS, help="Epochs at the first rate.")
def command(config: Path, seeds: int, epochs: int) -> None:
    """Perform the runs whose files are not yet beside CONFIG."""
    torch.set_num_threads(1)
    problem = problem_of(config)
    for run in RUNS:
        if not path_of(config.parent, run).exists():
            perform(run, config.parent, problem, seeds, epochs)


if __name__ == "__main__":
    sys.exit(run_script(command, "training"))
