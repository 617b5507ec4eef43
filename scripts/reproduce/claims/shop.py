"""What all studies have in common: a folder, its options, and two pairs of data and network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steps import Network, Workshop, load_base


@dataclass(frozen=True)
class Shop:
    """Options of a run.

    Args:
        folder: the folder of all studies.
        changes: values by dotted key that override every configuration.
        jobs: number of networks trained at once, and of ranks per surface.
        epochs: epochs of each training run, of networks and of curves; None for each one's own.
        train_only: whether to train the networks and no more.
    """

    folder: Path
    changes: Mapping[str, Any]
    jobs: int = 1
    epochs: int | None = None
    train_only: bool = False

    def workshop(self, name: str, base: str, changes: Mapping[str, Any]) -> Workshop:
        """Return a workshop in a folder of its own."""
        every = {**changes, **self.changes}
        return Workshop(self.folder / name, load_base(base), every, self.jobs)

    def length(self, epochs: int) -> str:
        """Return the value of an option --epochs."""
        return str(self.epochs or epochs)


@dataclass(frozen=True)
class Setting:
    """Data, a network with batch norm on them, and how it is trained until it fits.

    Args:
        name: the folder of its files, shared by the studies.
        label: its name in tables and figures.
        base: the file of its base configuration.
        changes: values by dotted key that override it.
        recipe: options of scripts/train.py.
        epochs: epochs of a training run.
        batch: samples in a batch.
        curve: options of landscape connect, without its epochs.
        curve_epochs: epochs of a curve's training.
    """

    name: str
    label: str
    base: str
    changes: Mapping[str, Any] = field(hash=False)
    recipe: Sequence[str]
    epochs: int
    batch: int
    curve: Sequence[str]
    curve_epochs: int

    def workshop(self, shop: Shop) -> Workshop:
        return shop.workshop(self.name, self.base, self.changes)

    def network(self, shop: Shop, seed: int) -> Network:
        """Return a network that differs from the others by its seed alone."""
        batch = ("--batch-size", str(self.batch))
        return Network(
            name=f"seed{seed}",
            label=f"{self.label}, seed {seed}",
            training=(*self.recipe, *batch, "--epochs", shop.length(self.epochs), *seeded(seed)),
        )


def seeded(seed: int) -> tuple[str, str]:
    return "--seed", str(seed)


FITTED = ("--at-least", "accuracy=0.99", "--restarts", "3", "--every", "1000")
"""Options of scripts/train.py by which only networks that fitted their data are used."""

DIGITS = Setting(
    name="digits",
    label="digits, ResNet-8",
    base="digits_resnet8.yaml",
    changes={},
    recipe=("--lr", "0.05", "--weight-decay", "5e-4", *FITTED),
    epochs=20,
    batch=64,
    curve=("--lr", "0.05", "--weight-decay", "5e-4", "--batch-size", "64"),
    curve_epochs=40,
)

FASHION = Setting(
    name="fashion",
    label="Fashion-MNIST, VGG-9",
    base="fashion_vgg9.yaml",
    changes={"problem_args.samples": {"train": 3000, "test": 2000}},
    recipe=("--lr", "0.05", "--nesterov", "--weight-decay", "5e-4", *FITTED),
    epochs=30,
    batch=64,
    curve=("--lr", "0.05", "--weight-decay", "5e-4", "--batch-size", "64"),
    curve_epochs=30,
)

SETTINGS = [DIGITS, FASHION]

PAIRS = ((0, 1), (2, 3), (4, 5))
"""Seeds of networks between which paths are computed."""
