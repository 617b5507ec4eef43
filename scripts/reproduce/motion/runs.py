"""The training runs of the studies: two optimizers, two batch sizes, three seeds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from steps import Network, Workshop

SEEDS = (0, 1, 2)

MOMENTUM = 0.9
"""Of SGD, the default of scripts/train.py."""

DROP = 0.6
"""Fraction of the epochs after which the learning rate is divided by 10."""


@dataclass(frozen=True)
class Kind:
    """A way to train.

    Args:
        name: the stem of its files.
        label: its name in tables and figures.
        optimizer: of scripts/train.py.
        batch: samples in a batch.
        rate: the learning rate before the drop.
        epochs: number of epochs.
        every: number of steps from checkpoint to checkpoint.
    """

    name: str
    label: str
    optimizer: str
    batch: int
    rate: float
    epochs: int
    every: int

    def network(self, seed: int, epochs: int | None = None) -> Network:
        """Return the network of a seed, all of whose kinds begin with the same weights."""
        training = {
            "--optimizer": self.optimizer,
            "--batch-size": self.batch,
            "--lr": self.rate,
            "--epochs": epochs or self.epochs,
            "--milestones": DROP,
            "--every": 1000,
            "--seed": seed,
            "--keep-every": f"{self.every}steps",
        }
        words = tuple(str(word) for pair in training.items() for word in pair)
        return Network(f"{self.name}_{seed}", f"{self.label}, seed {seed}", training=words)


KINDS = [
    Kind("sgd32", "SGD, 32", "sgd", 32, 0.02, 60, 10),
    Kind("sgd1024", "SGD, 1024", "sgd", 1024, 0.1, 200, 1),
    Kind("adam32", "Adam, 32", "adam", 32, 0.001, 60, 10),
    Kind("adam1024", "Adam, 1024", "adam", 1024, 0.002, 200, 1),
]
"""Each ends with a training accuracy of at least 99 %, with about 2,000 checkpoints."""


def recording(workshop: Workshop, network: Network) -> Path:
    """Return the folder of a network's checkpoints."""
    return workshop.folder / f"{network.name}_steps"
