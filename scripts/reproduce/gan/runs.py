"""The runs of the study: both methods at several learning rates, from several seeds."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps import Workshop

from . import METHODS, name_of

RATES = {
    ("ring", "adam"): (0.001, 0.003, 0.01, 0.03),
    ("digits", "adam"): (0.001, 0.003, 0.01, 0.03),
    ("ring", "sgd"): (0.1,),
}
"""Learning rates of both players, by data and optimizer."""

SEEDS = 6


@dataclass(frozen=True)
class Run:
    """A training run.

    Args:
        data: what is learned.
        optimizer: of both players.
        method: how their steps follow each other.
        lr: the learning rate of both.
        seed: of weights and batches.
    """

    data: str
    optimizer: str
    method: str
    lr: float
    seed: int

    @property
    def name(self) -> str:
        """The stem of its files."""
        return name_of(self.data, self.optimizer, self.method, self.lr, self.seed)

    def checkpoint(self, workshop: Workshop) -> Path:
        """Return the file of both players' parameters."""
        return workshop.folder / f"{self.name}.pt"

    def looks(self, workshop: Workshop) -> list[dict[str, Any]]:
        """Return the scores along the training."""
        path = workshop.folder / f"{self.name}.json"
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["looks"]
        return found


def train(workshop: Workshop, steps: int | None = None) -> None:
    """Train all players, those of one learning rate at once.

    Args:
        workshop: its folder has the files; what is there is not trained again.
        steps: number of steps; None for the data's.
    """
    workshop.folder.mkdir(parents=True, exist_ok=True)
    for (data, optimizer), rates in RATES.items():
        for lr in rates:
            if all((workshop.folder / f"{one.name}.json").exists() for one in of(data, lr)):
                continue
            words = [data, "--optimizer", optimizer, "--lr", f"{lr:g}", "--seeds", str(SEEDS)]
            words += ["--folder", str(workshop.folder)] + (["--steps", str(steps)] if steps else [])
            command = [sys.executable, "-m", "scripts.reproduce.gan.train", *words]
            workshop.spend("training", command)


def of(data: str, lr: float) -> list[Run]:
    """Return the runs with a learning rate, of all seeds and both methods."""
    (optimizer,) = (own for (name, own), rates in RATES.items() if name == data and lr in rates)
    return [Run(data, optimizer, method, lr, seed) for method in METHODS for seed in range(SEEDS)]
