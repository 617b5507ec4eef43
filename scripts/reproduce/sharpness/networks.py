"""The networks whose minima are compared: by optimizer, weight decay and batch size."""

from __future__ import annotations

import itertools

from steps import Network

OPTIMIZERS = {
    "SGD": ("--optimizer", "sgd", "--lr", "0.1", "--nesterov"),
    "Adam": ("--optimizer", "adam", "--lr", "0.005"),
}
SMALL, LARGE = 128, 2048
DECAYS = ("0", "5e-4")
SEEDS = (0, 1, 2)
EPOCHS = 40

Key = tuple[str, str, int]
"""Optimizer, weight decay and batch size."""

KEYS: list[Key] = list(itertools.product(OPTIMIZERS, DECAYS, (SMALL, LARGE)))


def name_of(key: Key) -> str:
    optimizer, decay, batch = key
    return f"{optimizer}, batch {batch}, decay {decay}"


def network(key: Key, seed: int = SEEDS[0], epochs: int = EPOCHS) -> Network:
    optimizer, decay, batch = key
    length = ("--epochs", str(epochs), "--seed", str(seed))
    return Network(
        name=f"{optimizer.lower()}_bs{batch}_wd{decay}_seed{seed}",
        label=name_of(key),
        training=(
            *OPTIMIZERS[optimizer],
            *("--batch-size", str(batch), "--weight-decay", decay, *length),
        ),
    )


def pairs() -> list[tuple[str, Key, Key]]:
    """Return the networks of small and of large batches by what they share."""
    return [
        (f"{optimizer}, decay {decay}", (optimizer, decay, SMALL), (optimizer, decay, LARGE))
        for optimizer, decay in dict.fromkeys(key[:2] for key in KEYS)
    ]
